//go:build cgo

#include "pixels.h"

#include <string.h>

// Vectors of eight where the processor has them, chosen when the program is loaded.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define VECTORS __attribute__((target_clones("avx2", "default")))
#else
#define VECTORS
#endif

static inline int32_t max32(int32_t a, int32_t b) { return a > b ? a : b; }
static inline int32_t min32(int32_t a, int32_t b) { return a < b ? a : b; }

VECTORS static void segment(const uint8_t *restrict cur, const uint8_t *restrict prev, const uint8_t *restrict high,
                            const uint8_t *restrict low, const uint16_t *restrict noise, const uint16_t *restrict flicker,
                            uint8_t *restrict state, uint8_t *restrict out, int n, const sb_thresholds *t, uint32_t counts[2])
{
	const int32_t base0 = t->base, halves = t->noise, change0 = t->change, factor = t->flicker, spared = t->flicker_free;
	uint32_t marked = 0, moving = 0;
	for (int i = 0; i < n; i++) {
		int32_t c = cur[i], s = noise[i];
		int32_t diff = max32(max32(c - high[i], low[i] - c), 0) * 256;
		int32_t base = base0 + ((s * halves) >> 1);
		int32_t change = c - prev[i];
		change = max32(change, -change) * 256;
		uint32_t moved = change > change0 + s;
		uint32_t beyond = diff > base;
		uint32_t mark = beyond & (uint32_t)(diff > base + factor * max32(flicker[i] - spared, 0));
		state[i] = (uint8_t)((state[i] & 1) << 2 | moved << 1 | beyond);
		out[i] = (uint8_t)(0 - mark);
		marked += mark;
		moving += mark & moved;
	}
	counts[0] += marked;
	counts[1] += moving;
}

void sb_segment(const uint8_t *cur, const uint8_t *prev, const uint8_t *high, const uint8_t *low,
                const uint16_t *noise, const uint16_t *flicker, uint8_t *state, uint8_t *out, int n,
                const sb_thresholds *t, uint32_t counts[2])
{
	counts[0] = counts[1] = 0;
	segment(cur, prev, high, low, noise, flicker, state, out, n, t, counts);
}

static inline uint16_t towards(int32_t from, int32_t to, int32_t rate)
{
	return (uint16_t)(from + (((to - from) * rate + (1 << 15)) >> 16));
}

static inline uint16_t noisier(int32_t c, int32_t p, int32_t s, const sb_weights *w)
{
	int32_t diff = c - p;
	return towards(s, min32(max32(diff, -diff) * 256, 3 * s + w->bound), w->noise);
}

static inline uint16_t flicks(int32_t f, uint32_t st, const sb_weights *w)
{
	int32_t x = ((st ^ st >> 2) & 1) ? w->flip : 0;
	return (uint16_t)(f + (((x - f) * w->flicker) >> 16));
}

static inline uint16_t rests(int32_t f, uint32_t st, const sb_weights *w)
{
	return (uint16_t)(f - (((st & 5) == 0 ? f * w->flicker : 0) >> 16));
}

// plain learns pixels that belong to no blob.
VECTORS static void plain(const uint8_t *restrict cur, const uint8_t *restrict pred, const uint8_t *restrict state,
                          uint16_t *restrict background, uint16_t *restrict noise, uint16_t *restrict flicker, int n,
                          const sb_weights *w)
{
	const int32_t rate = w->rates[0];
	for (int i = 0; i < n; i++) {
		background[i] = towards(background[i], cur[i] * 256, rate);
		noise[i] = noisier(cur[i], pred[i], noise[i], w);
	}
	if (w->glance) {
		for (int i = 0; i < n; i++)
			flicker[i] = rests(flicker[i], state[i], w);
		return;
	}
	for (int i = 0; i < n; i++)
		flicker[i] = flicks(flicker[i], state[i], w);
}

static void any(const uint8_t *cur, const uint8_t *pred, const uint8_t *class, const uint8_t *state, uint16_t *background,
                uint16_t *noise, uint16_t *flicker, int n, const sb_weights *w)
{
	for (int i = 0; i < n; i++) {
		int k = class[i];
		if (w->held[k]) {
			int32_t b = background[i];
			background[i] = (uint16_t)(b + (((pred[i] * 256 - b) * w->rates[k]) >> 16));
			continue;
		}
		background[i] = towards(background[i], cur[i] * 256, w->rates[k]);
		noise[i] = noisier(cur[i], pred[i], noise[i], w);
		flicker[i] = w->glance ? rests(flicker[i], state[i], w) : flicks(flicker[i], state[i], w);
	}
}

// same_kind returns how many pixels from the first on, in steps of BLOCK, belong to no blob if blobs is 0,
// or do in part.
enum { BLOCK = 16 };

static int same_kind(const uint8_t *class, int n, int blobs)
{
	int i = 0;
	for (; i + BLOCK <= n; i += BLOCK) {
		uint64_t a[2];
		memcpy(a, class + i, BLOCK);
		if (((a[0] | a[1]) != 0) != blobs)
			break;
	}
	return i;
}

void sb_learn(const uint8_t *cur, const uint8_t *pred, const uint8_t *class, const uint8_t *state,
              uint16_t *background, uint16_t *noise, uint16_t *flicker, int n, const sb_weights *w)
{
	for (int i = 0; i < n;) {
		int len = same_kind(class + i, n - i, 0);
		if (len > 0) {
			plain(cur + i, pred + i, state + i, background + i, noise + i, flicker + i, len, w);
		} else {
			len = same_kind(class + i, n - i, 1);
			if (len == 0)
				len = n - i; // the last few
			any(cur + i, pred + i, class + i, state + i, background + i, noise + i, flicker + i, len, w);
		}
		i += len;
	}
}

// measure_row adds n pairs of pixels, of each of which the first counts.
VECTORS static void measure_row(const uint8_t *restrict cur, const uint16_t *restrict background,
                                const uint8_t *restrict ignore, int n, sb_sums *s)
{
	uint32_t c1 = 0, b1 = 0, cc = 0, bb = 0, cb = 0, count = 0;
	if (ignore) {
		for (int i = 0; i < n; i++) {
			uint32_t on = ignore[2 * i] == 0;
			uint32_t c = cur[2 * i] * on, b = (uint32_t)(background[2 * i] >> 8) * on;
			count += on;
			c1 += c;
			b1 += b;
			cc += c * c;
			bb += b * b;
			cb += c * b;
		}
	} else {
		for (int i = 0; i < n; i++) {
			uint32_t c = cur[2 * i], b = background[2 * i] >> 8;
			c1 += c;
			b1 += b;
			cc += c * c;
			bb += b * b;
			cb += c * b;
		}
		count = (uint32_t)n;
	}
	s->n += count;
	s->c += c1;
	s->b += b1;
	s->cc += cc;
	s->bb += bb;
	s->cb += cb;
}

void sb_measure(const uint8_t *cur, const uint16_t *background, const uint8_t *ignore, int width, int height,
                int side, sb_sums *sums)
{
	memset(sums, 0, sizeof(*sums) * (size_t)side * (size_t)side);
	for (int gy = 0; gy < side; gy++) {
		for (int y = gy * height / side; y < (gy + 1) * height / side; y += 2) {
			const size_t at = (size_t)y * (size_t)width;
			for (int gx = 0; gx < side; gx++) {
				int x0 = gx * width / side, x1 = (gx + 1) * width / side;
				measure_row(cur + at + x0, background + at + x0, ignore ? ignore + at + x0 : NULL,
				            (x1 - x0 + 1) / 2, sums + gy * side + gx);
			}
		}
	}
}

VECTORS static void relight(uint8_t *restrict out, const uint16_t *restrict background, const uint8_t *restrict frac,
                            int n, int32_t from, int32_t slope, uint32_t gain)
{
	for (int i = 0; i < n; i++) {
		int32_t v = (int32_t)(background[i] * gain >> 8) + from + ((slope * frac[i]) >> 8);
		out[i] = (uint8_t)min32(max32(v, 0) >> 8, 255);
	}
}

void sb_relight(uint8_t *out, const uint16_t *background, const uint8_t *frac, const int32_t *first,
                const int32_t *points, int side, uint32_t gain)
{
	for (int k = 0; k < side - 1; k++) {
		int x = first[k];
		relight(out + x, background + x, frac + x, first[k + 1] - x, points[k], points[k + 1] - points[k], gain);
	}
}

VECTORS static void grey(uint8_t *restrict out, const uint16_t *restrict background, int n)
{
	for (int i = 0; i < n; i++)
		out[i] = (uint8_t)((background[i] + 128u) >> 8);
}

void sb_grey(uint8_t *out, const uint16_t *background, int n) { grey(out, background, n); }

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

// The loops hold sixteen bits a pixel, which makes vectors twice as long: what would not fit is cut where it
// cannot matter, since no difference is more than 255 × 256. Counts hold a CHUNK of pixels.
enum { CHUNK = 1 << 15 };

static inline uint16_t max16(uint16_t a, uint16_t b) { return a > b ? a : b; }
static inline uint16_t min16(uint16_t a, uint16_t b) { return a < b ? a : b; }
static inline uint16_t less(uint16_t a, uint16_t b) { return (uint16_t)(max16(a, b) - b); } // 0 if b is more
static inline uint16_t sum(uint16_t a, uint16_t b) { return (uint16_t)(a + min16(b, (uint16_t)~a)); }
static inline uint16_t high16(uint16_t a, uint16_t b) { return (uint16_t)((uint32_t)a * b >> 16); }
static inline uint16_t low16(uint16_t a, uint16_t b) { return (uint16_t)((uint32_t)a * b); }

VECTORS static void segment(const uint8_t *restrict cur, const uint8_t *restrict prev, const uint8_t *restrict high,
                            const uint8_t *restrict low, const uint16_t *restrict noise, const uint16_t *restrict flicker,
                            uint8_t *restrict state, uint8_t *restrict out, int n, const sb_thresholds *t, uint32_t counts[2])
{
	const uint16_t base0 = (uint16_t)t->base, whole = (uint16_t)(t->noise >> 1), half = (uint16_t)(0 - (t->noise & 1));
	const uint16_t change0 = (uint16_t)t->change, factor = (uint16_t)t->flicker, spared = (uint16_t)t->flicker_free;
	const uint16_t loudest = (uint16_t)min32(2 * (UINT16_MAX - t->base) / max32(t->noise, 1), UINT16_MAX);
	const uint16_t wildest = (uint16_t)(UINT16_MAX / max32(t->flicker, 1));
	uint16_t marked = 0, moving = 0;
	for (int i = 0; i < n; i++) {
		uint16_t c = cur[i], p = prev[i], s = noise[i], loud = min16(s, loudest);
		uint16_t diff = (uint16_t)(max16(less(c, high[i]), less(low[i], c)) << 8);
		uint16_t base = (uint16_t)(base0 + loud * whole + ((loud & half) >> 1));
		uint16_t change = (uint16_t)((max16(c, p) - min16(c, p)) << 8);
		uint16_t moved = change > sum(s, change0);
		uint16_t beyond = diff > base;
		uint16_t wild = (uint16_t)(min16(less(flicker[i], spared), wildest) * factor);
		uint16_t mark = diff > sum(base, wild);
		state[i] = (uint8_t)((state[i] & 1) << 2 | moved << 1 | beyond);
		out[i] = (uint8_t)(0 - mark);
		marked = (uint16_t)(marked + mark);
		moving = (uint16_t)(moving + (mark & moved));
	}
	counts[0] += marked;
	counts[1] += moving;
}

void sb_segment(const uint8_t *cur, const uint8_t *prev, const uint8_t *high, const uint8_t *low,
                const uint16_t *noise, const uint16_t *flicker, uint8_t *state, uint8_t *out, int n,
                const sb_thresholds *t, uint32_t counts[2])
{
	counts[0] = counts[1] = 0;
	for (int i = 0; i < n; i += CHUNK)
		segment(cur + i, prev + i, high + i, low + i, noise + i, flicker + i, state + i, out + i, min32(n - i, CHUNK), t, counts);
}

// towards returns from + ((to - from) × rate + 1/2) / 65536, rounded down.
static inline uint16_t towards(uint16_t from, uint16_t to, uint16_t rate)
{
	uint16_t up = less(to, from), down = less(from, to);
	uint16_t rise = (uint16_t)(high16(up, rate) + (low16(up, rate) >> 15));
	uint16_t fall = (uint16_t)(high16(down, rate) + (less(low16(down, rate), 1) >> 15));
	return (uint16_t)(from + rise - fall);
}

// limits are a picture's weights as the loops need them.
typedef struct {
	uint16_t noise, flicker, flip, bound, loudest;
} limits;

static inline limits limits_of(const sb_weights *w)
{
	uint16_t bound = (uint16_t)min32(w->bound, UINT16_MAX);
	return (limits){(uint16_t)w->noise, (uint16_t)w->flicker, (uint16_t)w->flip, bound, (uint16_t)((UINT16_MAX - bound) / 3)};
}

static inline uint16_t noisier(uint16_t c, uint16_t p, uint16_t s, limits w, uint16_t rate)
{
	uint16_t diff = (uint16_t)((max16(c, p) - min16(c, p)) << 8);
	return towards(s, min16(diff, (uint16_t)(3 * min16(s, w.loudest) + w.bound)), rate);
}

static inline uint16_t flicks(uint16_t f, uint16_t st, uint16_t flip, uint16_t rate)
{
	uint16_t x = flip & (uint16_t)(0 - ((st ^ st >> 2) & 1));
	uint16_t up = less(x, f), down = less(f, x);
	return (uint16_t)(f + high16(up, rate) - high16(down, rate) - min16(low16(down, rate), 1));
}

static inline uint16_t rests(uint16_t f, uint16_t st, uint16_t rate)
{
	uint16_t at_rest = (uint16_t)(((st | st >> 2) & 1) - 1);
	return (uint16_t)(f - high16(f & at_rest, rate));
}

enum { BLOCK = 16 };

// plain learns pixels that belong to no blob, a multiple of BLOCK. The weights stand in arrays, as compilers know
// the upper half of a product of sixteen bits only between vectors.
VECTORS static void plain(const uint8_t *restrict cur, const uint8_t *restrict pred, const uint8_t *restrict state,
                          uint16_t *restrict background, uint16_t *restrict noise, uint16_t *restrict flicker, int n,
                          const sb_weights *w)
{
	const limits one = limits_of(w);
	uint16_t rate[BLOCK], noise_rate[BLOCK], flicker_rate[BLOCK];
	for (int j = 0; j < BLOCK; j++) {
		rate[j] = (uint16_t)w->rates[0];
		noise_rate[j] = one.noise;
		flicker_rate[j] = one.flicker;
	}
	for (int i = 0; i < n; i += BLOCK)
		for (int j = 0; j < BLOCK; j++) {
			int k = i + j;
			background[k] = towards(background[k], (uint16_t)(cur[k] << 8), rate[j]);
			noise[k] = noisier(cur[k], pred[k], noise[k], one, noise_rate[j]);
		}
	if (w->glance) {
		for (int i = 0; i < n; i += BLOCK)
			for (int j = 0; j < BLOCK; j++)
				flicker[i + j] = rests(flicker[i + j], state[i + j], flicker_rate[j]);
		return;
	}
	for (int i = 0; i < n; i += BLOCK)
		for (int j = 0; j < BLOCK; j++)
			flicker[i + j] = flicks(flicker[i + j], state[i + j], one.flip, flicker_rate[j]);
}

static void any(const uint8_t *cur, const uint8_t *pred, const uint8_t *class, const uint8_t *state, uint16_t *background,
                uint16_t *noise, uint16_t *flicker, int n, const sb_weights *w)
{
	const limits l = limits_of(w);
	for (int i = 0; i < n; i++) {
		int k = class[i];
		if (w->held[k]) {
			int32_t b = background[i];
			background[i] = (uint16_t)(b + (((pred[i] * 256 - b) * w->rates[k]) >> 16));
			continue;
		}
		background[i] = towards(background[i], (uint16_t)(cur[i] << 8), (uint16_t)w->rates[k]);
		noise[i] = noisier(cur[i], pred[i], noise[i], l, l.noise);
		flicker[i] = w->glance ? rests(flicker[i], state[i], l.flicker) : flicks(flicker[i], state[i], l.flip, l.flicker);
	}
}

// same_kind returns how many pixels from the first on, in steps of BLOCK, belong to no blob if blobs is 0,
// or do in part.
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

enum { MAX_REACH = 2 };

// mirror returns the row or column of a picture that stands for one outside of it: the border itself is not doubled.
static inline int mirror(int i, int size) { return i < 0 ? -i : i >= size ? 2 * size - 2 - i : i; }

VECTORS static void box5(const uint8_t *const rows[5], uint16_t *restrict sums, uint8_t *restrict out, int n)
{
	const uint8_t *restrict a = rows[0], *restrict b = rows[1], *restrict c = rows[2], *restrict d = rows[3], *restrict e = rows[4];
	uint16_t *restrict s = sums + MAX_REACH;
	for (int i = 0; i < n; i++)
		s[i] = (uint16_t)(a[i] + b[i] + c[i] + d[i] + e[i]);
	s[-1] = s[1];
	s[-2] = s[2];
	s[n] = s[n - 2];
	s[n + 1] = s[n - 3];
	for (int i = 0; i < n; i++) {
		uint16_t all = (uint16_t)(sums[i] + sums[i + 1] + sums[i + 2] + sums[i + 3] + sums[i + 4] + 12);
		out[i] = (uint8_t)(high16(all, 10486) >> 2); // all / 25
	}
}

VECTORS static void box3(const uint8_t *const rows[3], uint16_t *restrict sums, uint8_t *restrict out, int n)
{
	const uint8_t *restrict a = rows[0], *restrict b = rows[1], *restrict c = rows[2];
	uint16_t *restrict s = sums + 1;
	for (int i = 0; i < n; i++)
		s[i] = (uint16_t)(a[i] + b[i] + c[i]);
	s[-1] = s[1];
	s[n] = s[n - 2];
	for (int i = 0; i < n; i++) {
		uint16_t all = (uint16_t)(sums[i] + sums[i + 1] + sums[i + 2] + 4);
		out[i] = (uint8_t)high16(all, 7282); // all / 9
	}
}

void sb_blur(const uint8_t *in, uint8_t *out, int width, int height, int reach, uint16_t *sums)
{
	for (int y = 0; y < height; y++) {
		const uint8_t *rows[2 * MAX_REACH + 1];
		for (int k = -reach; k <= reach; k++)
			rows[reach + k] = in + (size_t)mirror(y + k, height) * (size_t)width;
		uint8_t *row = out + (size_t)y * (size_t)width;
		if (reach == 2)
			box5(rows, sums, row, width);
		else
			box3(rows, sums, row, width);
	}
}

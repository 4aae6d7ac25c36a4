// Loops over the pixels of a picture that is compared with its background, see
// package motion. They check nothing.
#ifndef SENTRYBOX_PIXELS_H
#define SENTRYBOX_PIXELS_H

#include <stdint.h>

// The thresholds of sb_segment: grey levels × 256, but for noise in halves of the
// noise and flicker in grey levels × 256 for each change of state a second × 256.
typedef struct {
	int32_t base, noise, change, flicker, flicker_free;
} sb_thresholds;

// sb_segment marks in out, by 255, the pixels of cur beyond [low, high], and moves state on: bit 0, beyond
// its noise; bit 1, changed since prev; bit 2, the bit 0 before. counts are the marked ones, and the
// changed ones of them.
void sb_segment(const uint8_t *cur, const uint8_t *prev, const uint8_t *high, const uint8_t *low,
                const uint16_t *noise, const uint16_t *flicker, uint8_t *state, uint8_t *out, int n,
                const sb_thresholds *t, uint32_t counts[2]);

// The weights of a picture × 65536: by class for the background, and whether a class is held; for noise and
// flicker; flip is one change of state, a second × 256. bound is added to three times the
// noise. glance says that pictures are seconds apart.
typedef struct {
	int32_t rates[256];
	uint8_t held[256];
	int32_t noise, flicker, flip, bound;
	int32_t glance;
} sb_weights;

// sb_learn takes a picture into background, noise and flicker.
void sb_learn(const uint8_t *cur, const uint8_t *pred, const uint8_t *class, const uint8_t *state,
              uint16_t *background, uint16_t *noise, uint16_t *flicker, int n, const sb_weights *w);


// The sums over every second pixel of every second row of one block, of the picture c and the background b in grey
// levels.
typedef struct {
	int64_t n, c, b, cc, bb, cb;
} sb_sums;

// sb_measure fills side × side sums. ignore, which may be NULL, is 0 where pixels count.
void sb_measure(const uint8_t *cur, const uint16_t *background, const uint8_t *ignore, int width, int height,
                int side, sb_sums *sums);

// sb_relight writes a row of background × gain / 256 and a sum that goes evenly from each of points to the next:
// grey levels × 256. Those between points[k] and points[k + 1] go from first[k] to before first[k + 1]; frac is how
// far on that way each pixel is, of 256.
void sb_relight(uint8_t *out, const uint16_t *background, const uint8_t *frac, const int32_t *first,
                const int32_t *points, int side, uint32_t gain);

// sb_grey writes background to the nearest grey level.
void sb_grey(uint8_t *out, const uint16_t *background, int n);

// sb_blur blurs a picture, which is mirrored beyond its border: the mean of each pixel and its neighbours up to reach
// away, 1 or 2, to the nearest. sums is scratch for width + 4.
void sb_blur(const uint8_t *in, uint8_t *out, int width, int height, int reach, uint16_t *sums);

#endif

//go:build cgo

// The box filter. Columns are summed first, then neighbours: the sums of a
// row stay in the first-level cache, and the column loops vectorise on SSE2 and NEON.

#include <string.h>

#include "decode.h"

#define INLINE static inline __attribute__((always_inline))

// sum_rows8 sets acc[0..n) to the sums of f rows.
INLINE void sum_rows8(uint16_t *restrict acc, const uint8_t *restrict src, ptrdiff_t stride, int n, int f)
{
	for (int i = 0; i < n; i++)
		acc[i] = src[i];
	for (int r = 1; r < f; r++) {
		const uint8_t *row = src + r * stride;
		for (int i = 0; i < n; i++)
			acc[i] += row[i];
	}
}

INLINE uint16_t narrow(uint16_t v, int shift)
{
	v >>= shift;
	return v > 255 ? 255 : v; // samples beyond their depth do not wrap
}

INLINE void sum_rows16(uint16_t *restrict acc, const uint8_t *restrict src, ptrdiff_t stride, int n, int f, int shift)
{
	const uint16_t *row = (const uint16_t *)src;
	for (int i = 0; i < n; i++)
		acc[i] = narrow(row[i], shift);
	for (int r = 1; r < f; r++) {
		row = (const uint16_t *)(src + r * stride);
		for (int i = 0; i < n; i++)
			acc[i] += narrow(row[i], shift);
	}
}

// sum_columns sets dst[0..n) to the rounded means of f sums each. With a
// constant f the division becomes a multiplication of 16-bit lanes. All sums fit
// 16 bits up to f = SB_MAX_FACTOR.
INLINE void sum_columns(uint8_t *restrict dst, const uint16_t *restrict acc, int n, int f)
{
	const uint16_t area = (uint16_t)(f * f);
	for (int i = 0; i < n; i++) {
		uint16_t s = area / 2;
		for (int k = 0; k < f; k++)
			s += acc[i * f + k];
		dst[i] = (uint8_t)(s / area);
	}
}

// columns picks a sum_columns in which f is known and the inner loop unrolls.
static void columns(uint8_t *dst, const uint16_t *acc, int n, int f)
{
	switch (f) {
	case 1: return sum_columns(dst, acc, n, 1);
	case 2: return sum_columns(dst, acc, n, 2);
	case 3: return sum_columns(dst, acc, n, 3);
	case 4: return sum_columns(dst, acc, n, 4);
	case 5: return sum_columns(dst, acc, n, 5);
	case 6: return sum_columns(dst, acc, n, 6);
	default: return sum_columns(dst, acc, n, f);
	}
}

static void rows8(uint16_t *acc, const uint8_t *src, ptrdiff_t stride, int n, int f)
{
	switch (f) {
	case 2: return sum_rows8(acc, src, stride, n, 2);
	case 3: return sum_rows8(acc, src, stride, n, 3);
	case 4: return sum_rows8(acc, src, stride, n, 4);
	case 6: return sum_rows8(acc, src, stride, n, 6); // 4K
	default: return sum_rows8(acc, src, stride, n, f);
	}
}

static void rows16(uint16_t *acc, const uint8_t *src, ptrdiff_t stride, int n, int f, int shift)
{
	switch (f) {
	case 2: return sum_rows16(acc, src, stride, n, 2, shift);
	case 3: return sum_rows16(acc, src, stride, n, 3, shift);
	case 4: return sum_rows16(acc, src, stride, n, 4, shift);
	default: return sum_rows16(acc, src, stride, n, f, shift);
	}
}

void sb_box(uint8_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height,
            int f, int depth, int low, uint16_t *acc)
{
	const int dw = width / f, dh = height / f;
	for (int y = 0; y < dh; y++) {
		const uint8_t *from = src + (ptrdiff_t)y * f * stride;
		uint8_t *to = dst + (size_t)y * dw;
		if (depth > 8) {
			rows16(acc, from, stride, dw * f, f, low + depth - 8);
			columns(to, acc, dw, f);
		} else if (f == 1) {
			memcpy(to, from, dw);
		} else {
			rows8(acc, from, stride, dw * f, f);
			columns(to, acc, dw, f);
		}
	}
}

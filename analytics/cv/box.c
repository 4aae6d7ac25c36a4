//go:build cgo

// The box filter. Columns are summed first, then neighbours: the sums of a
// row stay in the first-level cache, and the column loops vectorise on SSE2 and NEON.

#include <string.h>

#include "decode.h"

#define INLINE static inline __attribute__((always_inline))

// sum_rows8 sets acc[0..n) to the sums of f rows. f*255 fits 16 bits up to f = 257.
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

// sum_columns sets dst[0..n) to the rounded means of f sums each.
INLINE void sum_columns(uint8_t *restrict dst, const uint16_t *restrict acc, int n, int f)
{
	const uint32_t area = (uint32_t)f * f;
	const uint64_t inverse = ((1ull << 32) + area - 1) / area; // exact for s * area < 2^32
	for (int i = 0; i < n; i++) {
		uint32_t s = area / 2;
		for (int k = 0; k < f; k++)
			s += acc[i * f + k];
		dst[i] = (uint8_t)((s * inverse) >> 32);
	}
}

INLINE void box8(uint8_t *dst, const uint8_t *src, ptrdiff_t stride, int dw, int dh, int f, uint16_t *acc)
{
	for (int y = 0; y < dh; y++) {
		sum_rows8(acc, src + (ptrdiff_t)y * f * stride, stride, dw * f, f);
		sum_columns(dst + (size_t)y * dw, acc, dw, f);
	}
}

void sb_box(uint8_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height,
            int f, int depth, int low, uint16_t *acc)
{
	const int dw = width / f, dh = height / f;
	if (depth > 8) {
		const int shift = low + depth - 8;
		for (int y = 0; y < dh; y++) {
			sum_rows16(acc, src + (ptrdiff_t)y * f * stride, stride, dw * f, f, shift);
			sum_columns(dst + (size_t)y * dw, acc, dw, f);
		}
		return;
	}
	switch (f) { // with f known the inner loops unroll
	case 1:
		for (int y = 0; y < dh; y++)
			memcpy(dst + (size_t)y * dw, src + y * stride, dw);
		break;
	case 2:
		box8(dst, src, stride, dw, dh, 2, acc);
		break;
	case 3:
		box8(dst, src, stride, dw, dh, 3, acc);
		break;
	case 4:
		box8(dst, src, stride, dw, dh, 4, acc);
		break;
	default:
		box8(dst, src, stride, dw, dh, f, acc);
	}
}

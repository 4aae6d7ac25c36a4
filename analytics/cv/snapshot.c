//go:build cgo

#include "snapshot.h"

#include <string.h>

#include "plane.h"

// One component of a frame and how far it is subsampled.
struct component {
	const uint8_t *data;
	ptrdiff_t stride;
	int step, bytes, shift; // bytes from sample to sample; of a sample; right, to 8 bits
	int w, h, log2_w, log2_h;
};

// component_of returns 0 if the frame has no such component in a form that can be read.
static int component_of(struct component *c, const AVFrame *p, const AVPixFmtDescriptor *desc, int i)
{
	if (desc->nb_components < 3 && i > 0)
		return 0;
	const AVComponentDescriptor *d = &desc->comp[i];
	const int lw = i ? desc->log2_chroma_w : 0, lh = i ? desc->log2_chroma_h : 0;
	c->bytes = d->depth > 8 ? 2 : 1;
	c->shift = d->shift + d->depth - 8;
	c->step = d->step;
	c->w = AV_CEIL_RSHIFT(p->width, lw);
	c->h = AV_CEIL_RSHIFT(p->height, lh);
	c->log2_w = lw;
	c->log2_h = lh;
	if (d->depth < 8 || d->depth > 16 || d->plane > 3 || d->offset + c->bytes > c->step)
		return 0;
	if (!sb_plane_holds(p, d->plane, (size_t)c->w * c->step, c->h))
		return 0;
	c->data = p->data[d->plane] + d->offset;
	c->stride = p->linesize[d->plane];
	return 1;
}

static int sample(const struct component *c, int x, int y)
{
	const uint8_t *at = c->data + y * c->stride + (ptrdiff_t)x * c->step;
	int v = c->bytes == 1 ? *at : *(const uint16_t *)at >> c->shift;
	return v > 255 ? 255 : v;
}

static int min(int a, int b) { return a < b ? a : b; }

// mean averages the samples that show the luma pixels [x*n, (x+1)*n) × [y*n, (y+1)*n).
static int mean(const struct component *c, int x, int y, int n)
{
	const int x0 = min(x * n >> c->log2_w, c->w - 1), y0 = min(y * n >> c->log2_h, c->h - 1);
	int x1 = min((x + 1) * n >> c->log2_w, c->w), y1 = min((y + 1) * n >> c->log2_h, c->h);
	x1 = x1 > x0 ? x1 : x0 + 1;
	y1 = y1 > y0 ? y1 : y0 + 1;
	int64_t sum = 0;
	for (int v = y0; v < y1; v++)
		for (int u = x0; u < x1; u++)
			sum += sample(c, u, v);
	const int area = (x1 - x0) * (y1 - y0);
	return (int)((sum + area / 2) / area);
}

static void shrink(uint8_t *dst, int w, int h, const struct component *c, int n)
{
	if (n == 1 << c->log2_w && n == 1 << c->log2_h && c->bytes == 1 && c->step == 1 && w <= c->w && h <= c->h) {
		for (int y = 0; y < h; y++)
			memcpy(dst + (size_t)y * w, c->data + y * c->stride, w);
		return;
	}
	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++)
			dst[(size_t)y * w + x] = (uint8_t)mean(c, x, y, n);
}

static uint8_t clip(int v) { return v < 0 ? 0 : v > 255 ? 255 : v; }

static void expand(uint8_t *p, size_t n, int from, int to, int range)
{
	uint8_t table[256];
	for (int i = 0; i < 256; i++) {
		int v = (i - from) * 255;
		table[i] = clip((v + (v < 0 ? -range / 2 : range / 2)) / range + to);
	}
	for (size_t i = 0; i < n; i++)
		p[i] = table[p[i]];
}

// rematrix turns BT.709 into BT.601: ITU-R BT.709-6 and BT.601-7, the products
// of one's inverse and the other, times 65536.
static void rematrix(uint8_t *y, uint8_t *cb, uint8_t *cr, int w, int h)
{
	const int cw = (w + 1) / 2, ch = (h + 1) / 2, half = 1 << 15;
	for (int v = 0; v < h; v++)
		for (int u = 0; u < w; u++) {
			const size_t c = (size_t)(v / 2) * cw + u / 2;
			uint8_t *at = &y[(size_t)v * w + u];
			*at = clip(*at + ((6658 * (cb[c] - 128) + 12851 * (cr[c] - 128) + half) >> 16));
		}
	for (size_t i = 0; i < (size_t)cw * ch; i++) {
		const int b = cb[i] - 128, r = cr[i] - 128;
		cb[i] = clip(128 + ((64871 * b - 7252 * r + half) >> 16));
		cr[i] = clip(128 + ((64447 * r - 4749 * b + half) >> 16));
	}
}

static int full_range(const AVFrame *p)
{
	switch (p->format) {
	case AV_PIX_FMT_YUVJ420P:
	case AV_PIX_FMT_YUVJ422P:
	case AV_PIX_FMT_YUVJ444P:
	case AV_PIX_FMT_YUVJ440P:
	case AV_PIX_FMT_YUVJ411P:
		return 1;
	}
	return p->color_range == AVCOL_RANGE_JPEG;
}

void sb_colour(const AVFrame *p, uint8_t *y, uint8_t *cb, uint8_t *cr, int f)
{
	const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(p->format);
	const int w = p->width / f, h = p->height / f;
	const size_t luma = (size_t)w * h, chroma = (size_t)((w + 1) / 2) * ((h + 1) / 2);
	struct component c[3];

	if (component_of(&c[0], p, desc, 0))
		shrink(y, w, h, &c[0], f);
	else
		memset(y, 0, luma);
	const int full = full_range(p);
	if (!full)
		expand(y, luma, 16, 0, 219);
	if (!component_of(&c[1], p, desc, 1) || !component_of(&c[2], p, desc, 2)) {
		memset(cb, 128, chroma);
		memset(cr, 128, chroma);
		return;
	}
	shrink(cb, (w + 1) / 2, (h + 1) / 2, &c[1], 2 * f);
	shrink(cr, (w + 1) / 2, (h + 1) / 2, &c[2], 2 * f);
	if (!full) {
		expand(cb, chroma, 128, 128, 224);
		expand(cr, chroma, 128, 128, 224);
	}
	if (p->colorspace == AVCOL_SPC_BT709)
		rematrix(y, cb, cr, w, h);
}

//go:build cgo

#include "encode.h"

#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
#include <stdio.h>
#include <string.h>

enum {
	TICKS = 90000,
	QUALITY = 23,           // of libx264's CRF
	MAX_RATE = 8000000,     // bit/s
	RATE_BUFFER = 8000000,  // bits, and so the most that one picture may have
};

struct sb_encoder {
	AVCodecContext *ctx;
	AVFrame *frame;
	AVPacket *packet;
	char reason[AV_ERROR_MAX_STRING_SIZE];
};

static int fail(sb_encoder *e, const char *why)
{
	snprintf(e->reason, sizeof e->reason, "%s", why);
	return SB_E_FAILED;
}

static int fail_av(sb_encoder *e, int err)
{
	if (av_strerror(err, e->reason, sizeof e->reason) < 0)
		snprintf(e->reason, sizeof e->reason, "libavcodec error %d", err);
	return SB_E_FAILED;
}

static int open_codec(sb_encoder *e, const AVCodec *codec, int width, int height, int interval)
{
	AVCodecContext *c = e->ctx = avcodec_alloc_context3(codec);
	if (!c)
		return -1;
	c->width = width;
	c->height = height;
	c->pix_fmt = AV_PIX_FMT_YUV420P;
	c->color_range = AVCOL_RANGE_JPEG;
	c->colorspace = AVCOL_SPC_SMPTE170M;
	c->color_primaries = AVCOL_PRI_BT709;
	c->color_trc = AVCOL_TRC_BT709;
	c->time_base = (AVRational){1, TICKS};
	c->framerate = (AVRational){TICKS, interval};
	c->gop_size = 50;
	c->max_b_frames = 0;
	c->thread_count = 1;
	c->rc_max_rate = MAX_RATE;
	c->rc_buffer_size = RATE_BUFFER;
	// Nothing is held back: each picture is out before the next is in.
	if (av_opt_set(c->priv_data, "preset", "veryfast", 0) < 0 || av_opt_set(c->priv_data, "tune", "zerolatency", 0) < 0 ||
	    av_opt_set_int(c->priv_data, "crf", QUALITY, 0) < 0)
		return -1;
	return avcodec_open2(c, codec, NULL);
}

static int open_frame(sb_encoder *e)
{
	AVFrame *f = e->frame = av_frame_alloc();
	e->packet = av_packet_alloc();
	if (!f || !e->packet)
		return -1;
	f->format = e->ctx->pix_fmt;
	f->width = e->ctx->width;
	f->height = e->ctx->height;
	f->color_range = e->ctx->color_range;
	f->colorspace = e->ctx->colorspace;
	return av_frame_get_buffer(f, 0);
}

sb_encoder *sb_encoder_open(int width, int height, int interval)
{
	av_log_set_level(AV_LOG_QUIET);
	// By name, so that no board's own hardware steps in, which the sandbox would refuse.
	const AVCodec *codec = avcodec_find_encoder_by_name("libx264");
	sb_encoder *e = codec ? av_mallocz(sizeof *e) : NULL;
	if (!e)
		return NULL;
	if (open_codec(e, codec, width, height, interval) < 0 || open_frame(e) < 0) {
		sb_encoder_close(e);
		return NULL;
	}
	return e;
}

void sb_encoder_close(sb_encoder *e)
{
	avcodec_free_context(&e->ctx);
	av_frame_free(&e->frame);
	av_packet_free(&e->packet);
	av_free(e);
}

const char *sb_encoder_reason(const sb_encoder *e) { return e->reason; }

static void copy(uint8_t *dst, size_t dst_stride, const uint8_t *src, size_t src_stride, size_t width, size_t rows)
{
	for (size_t i = 0; i < rows; i++)
		memcpy(dst + i * dst_stride, src + i * src_stride, width);
}

static int holds(size_t size, size_t stride, size_t width, size_t rows)
{
	return stride >= width && size >= width && (size - width) / stride >= rows - 1;
}

int sb_encode(sb_encoder *e, const uint8_t *y, size_t ysize, size_t ystride,
              const uint8_t *cb, const uint8_t *cr, size_t csize, size_t cstride, int64_t pts)
{
	AVFrame *f = y ? e->frame : NULL;
	if (f) {
		const size_t w = f->width, h = f->height;
		if (!holds(ysize, ystride, w, h) || !holds(csize, cstride, w / 2, h / 2))
			return fail(e, "planes too small");
		if (av_frame_make_writable(f) < 0)
			return fail(e, "no memory for the picture");
		copy(f->data[0], f->linesize[0], y, ystride, w, h);
		copy(f->data[1], f->linesize[1], cb, cstride, w / 2, h / 2);
		copy(f->data[2], f->linesize[2], cr, cstride, w / 2, h / 2);
		f->pts = pts;
	}
	int err = avcodec_send_frame(e->ctx, f);
	return err < 0 && err != AVERROR_EOF ? fail_av(e, err) : SB_E_OK;
}

int sb_encoded(sb_encoder *e, sb_unit *unit)
{
	av_packet_unref(e->packet);
	int err = avcodec_receive_packet(e->ctx, e->packet);
	if (err == AVERROR(EAGAIN) || err == AVERROR_EOF)
		return SB_E_NONE;
	if (err < 0)
		return fail_av(e, err);
	unit->data = e->packet->data;
	unit->size = e->packet->size;
	unit->pts = e->packet->pts;
	unit->keyframe = (e->packet->flags & AV_PKT_FLAG_KEY) != 0;
	return SB_E_OK;
}

//go:build cgo

#include "decode.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavutil/hwcontext.h>
#include <libavutil/pixdesc.h>

#include "plane.h"
#include "snapshot.h"

enum { MIN_PACKET = 64 << 10 };

struct sb_decoder {
	AVCodecContext *ctx;
	AVPacket *packet;
	AVBufferRef *input; // the packet's bytes, reused while libavcodec keeps no reference
	AVFrame *next;      // being received; empty between calls
	AVFrame *last;      // the picture taken last
	int hardware;
	uint16_t *acc;      // a row of sums, max_side long
	int64_t max_pixels;
	int max_side;
	size_t max_packet;
	sb_picture picture;
	int draining, broken; // no more input; the picture before this one was corrupt or there was none
	char reason[AV_ERROR_MAX_STRING_SIZE];
};

static int fail(sb_decoder *d, int result, const char *why)
{
	snprintf(d->reason, sizeof d->reason, "%s", why);
	return result;
}

static int fail_av(sb_decoder *d, int err)
{
	if (av_strerror(err, d->reason, sizeof d->reason) < 0)
		snprintf(d->reason, sizeof d->reason, "libavcodec error %d", err);
	return err == AVERROR(ENOMEM) ? SB_FAILED : SB_DAMAGED;
}

// software_format takes the first format that lies in memory: no hardware is asked.
static enum AVPixelFormat software_format(AVCodecContext *ctx, const enum AVPixelFormat *formats)
{
	(void)ctx;
	for (; *formats != AV_PIX_FMT_NONE; formats++) {
		const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(*formats);
		if (desc && !(desc->flags & AV_PIX_FMT_FLAG_HWACCEL))
			return *formats;
	}
	return AV_PIX_FMT_NONE;
}

// By name, so that no decoder of a board's own hardware steps in.
static const AVCodec *native_codec(int codec)
{
	switch (codec) {
	case SB_H264:
		return avcodec_find_decoder_by_name("h264");
	case SB_H265:
		return avcodec_find_decoder_by_name("hevc");
	case SB_MJPEG:
		return avcodec_find_decoder_by_name("mjpeg");
	}
	return NULL;
}

// Decoders of a board's own hardware, in order of preference: Rockchip's, and any with a V4L2 driver
// that takes whole streams.
static const AVCodec *hardware_codec(int codec, int nth)
{
	static const char *const names[][2] = {
		[SB_H264] = {"h264_rkmpp", "h264_v4l2m2m"},
		[SB_H265] = {"hevc_rkmpp", "hevc_v4l2m2m"},
	};
	return codec == SB_H264 || codec == SB_H265 ? avcodec_find_decoder_by_name(names[codec][nth]) : NULL;
}

static int open_codec(sb_decoder *d, const AVCodec *codec)
{
	AVCodecContext *c = d->ctx = avcodec_alloc_context3(codec);
	if (!c)
		return AVERROR(ENOMEM);
	c->thread_count = 1;
	c->max_pixels = d->max_pixels;
	c->pkt_timebase = (AVRational){1, 1000000000};
	if (!d->hardware)
		c->get_format = software_format;
	// The crop to the pixel; damaged pictures too, marked; film grain not drawn.
	c->flags |= AV_CODEC_FLAG_UNALIGNED | AV_CODEC_FLAG_OUTPUT_CORRUPT;
	c->export_side_data |= AV_CODEC_EXPORT_DATA_FILM_GRAIN;
	return avcodec_open2(c, codec, NULL);
}

static int open_any(sb_decoder *d, int codec)
{
	if (!d->hardware) {
		const AVCodec *native = native_codec(codec);
		return native ? open_codec(d, native) : AVERROR_DECODER_NOT_FOUND;
	}
	for (int i = 0; i < 2; i++) {
		const AVCodec *c = hardware_codec(codec, i);
		if (c && open_codec(d, c) >= 0)
			return 0;
		avcodec_free_context(&d->ctx);
	}
	return AVERROR_DECODER_NOT_FOUND;
}

sb_decoder *sb_open(int codec, int hardware, int64_t max_pixels, int max_side, size_t max_packet)
{
	sb_decoder *d = av_mallocz(sizeof *d);
	if (!d)
		return NULL;
	av_log_set_level(AV_LOG_QUIET); // a stranger's stream would write our log
	d->hardware = hardware;
	d->max_pixels = max_pixels;
	d->max_side = max_side;
	d->max_packet = max_packet;
	d->broken = 1;
	d->packet = av_packet_alloc();
	d->next = av_frame_alloc();
	d->last = av_frame_alloc();
	d->acc = av_malloc_array(max_side, sizeof *d->acc);
	if (!d->packet || !d->next || !d->last || !d->acc || open_any(d, codec) < 0) {
		sb_close(d);
		return NULL;
	}
	return d;
}

void sb_close(sb_decoder *d)
{
	avcodec_free_context(&d->ctx);
	av_packet_free(&d->packet);
	av_buffer_unref(&d->input);
	av_frame_free(&d->next);
	av_frame_free(&d->last);
	av_freep(&d->acc);
	av_free(d);
}

const sb_picture *sb_picture_of(const sb_decoder *d) { return &d->picture; }
const char *sb_reason(const sb_decoder *d) { return d->reason; }

void sb_filter(sb_decoder *d, int which)
{
	d->ctx->skip_loop_filter = which == SB_FILTER_ALL   ? AVDISCARD_DEFAULT
	                           : which == SB_FILTER_KEY ? AVDISCARD_NONKEY
	                                                    : AVDISCARD_ALL;
}

static int reserve(sb_decoder *d, size_t size)
{
	if (d->input && d->input->size >= size && av_buffer_is_writable(d->input))
		return 0;
	av_buffer_unref(&d->input);
	size += size / 4;
	d->input = av_buffer_alloc(size < MIN_PACKET ? MIN_PACKET : size);
	return d->input ? 0 : AVERROR(ENOMEM);
}

int sb_send(sb_decoder *d, const uint8_t *data, size_t size, int64_t pts, int keyframe)
{
	if (size == 0) // libavcodec takes it as the end of the stream
		return fail(d, SB_DAMAGED, "empty access unit");
	if (size > d->max_packet)
		return fail(d, SB_DAMAGED, "access unit too long");
	if (reserve(d, size + AV_INPUT_BUFFER_PADDING_SIZE) < 0)
		return fail(d, SB_FAILED, "no memory for the access unit");
	memcpy(d->input->data, data, size);
	memset(d->input->data + size, 0, AV_INPUT_BUFFER_PADDING_SIZE);

	AVPacket *p = d->packet;
	p->buf = d->input; // lent: send takes a reference of its own
	p->data = d->input->data;
	p->size = (int)size;
	p->pts = pts;
	p->flags = keyframe ? AV_PKT_FLAG_KEY : 0;
	int err = avcodec_send_packet(d->ctx, p);
	p->buf = NULL;
	p->data = NULL;
	p->size = 0;
	if (err == AVERROR(EAGAIN))
		return SB_FULL;
	return err < 0 ? fail_av(d, err) : SB_OK;
}

int sb_drain(sb_decoder *d)
{
	d->draining = 1;
	int err = avcodec_send_packet(d->ctx, NULL);
	return err < 0 && err != AVERROR_EOF ? fail_av(d, err) : SB_OK;
}

void sb_flush(sb_decoder *d)
{
	avcodec_flush_buffers(d->ctx);
	d->draining = 0;
	d->broken = 1;
}

static int sample_bytes(const AVComponentDescriptor *c) { return c->depth > 8 ? 2 : 1; }

// check refuses what sb_luma and sb_snapshot could not read.
static int check(sb_decoder *d, const AVFrame *f)
{
	const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(f->format);
	const uint64_t never = AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_HWACCEL |
	                       AV_PIX_FMT_FLAG_BITSTREAM | AV_PIX_FMT_FLAG_BE | AV_PIX_FMT_FLAG_FLOAT |
	                       AV_PIX_FMT_FLAG_BAYER;
	if (!desc || desc->nb_components < 1 || (desc->flags & never))
		return fail(d, SB_UNSUPPORTED, desc ? desc->name : "unknown pixel format");
	const AVComponentDescriptor *y = &desc->comp[0];
	if (y->plane != 0 || y->offset != 0 || y->depth < 8 || y->depth > 16 || y->step != sample_bytes(y))
		return fail(d, SB_UNSUPPORTED, desc->name);
	if (f->width < 1 || f->height < 1 || f->width > d->max_side || f->height > d->max_side ||
	    (int64_t)f->width * f->height > d->max_pixels)
		return fail(d, SB_DAMAGED, "picture too large");
	if (!sb_plane_holds(f, 0, (size_t)f->width * y->step, f->height))
		return fail(d, SB_DAMAGED, "plane outside its buffer");
	return SB_OK;
}

// fetch copies a picture that lies in the hardware's memory into ours.
static int fetch(sb_decoder *d)
{
	const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(d->next->format);
	if (!d->hardware || !desc || !(desc->flags & AV_PIX_FMT_FLAG_HWACCEL))
		return 0;
	AVFrame *plain = av_frame_alloc();
	if (!plain)
		return AVERROR(ENOMEM);
	int err = av_hwframe_transfer_data(plain, d->next, 0);
	if (err >= 0)
		err = av_frame_copy_props(plain, d->next);
	av_frame_unref(d->next);
	if (err >= 0)
		av_frame_move_ref(d->next, plain);
	av_frame_free(&plain);
	return err;
}

int sb_next(sb_decoder *d)
{
	int err = avcodec_receive_frame(d->ctx, d->next);
	if (err == AVERROR(EAGAIN) || err == AVERROR_EOF)
		return SB_NONE;
	if (err >= 0)
		err = fetch(d);
	if (err < 0)
		return fail_av(d, err);
	int result = check(d, d->next);
	if (result != SB_OK) {
		av_frame_unref(d->next);
		return result;
	}
	AVFrame *f = d->next;
	d->next = d->last;
	d->last = f;
	av_frame_unref(d->next);

	sb_picture *p = &d->picture;
	int64_t pts = f->pts != AV_NOPTS_VALUE ? f->pts : f->best_effort_timestamp;
	if (pts != AV_NOPTS_VALUE)
		p->pts = pts; // else that of the picture before
	p->width = f->width;
	p->height = f->height;
	p->keyframe = f->key_frame != 0;
	p->corrupt = (f->flags & AV_FRAME_FLAG_CORRUPT) != 0 || f->decode_error_flags != 0;
	// The H.264 decoder of FFmpeg 5.1 forgets the flag on pictures that it drains.
	if (d->draining && d->broken && !p->keyframe && d->ctx->codec_id == AV_CODEC_ID_H264)
		p->corrupt = 1;
	d->broken = p->corrupt;
	return SB_OK;
}

int sb_luma(sb_decoder *d, uint8_t *dst, size_t size, int f)
{
	const AVFrame *p = d->last;
	if (!p->buf[0])
		return fail(d, SB_FAILED, "no picture received");
	if (f < 1 || f > SB_MAX_FACTOR || p->width / f < 1 || p->height / f < 1 ||
	    (size_t)(p->width / f) * (size_t)(p->height / f) > size)
		return fail(d, SB_FAILED, "no room for the luma");
	const AVComponentDescriptor *y = &av_pix_fmt_desc_get(p->format)->comp[0];
	sb_box(dst, p->data[0], p->linesize[0], p->width, p->height, f, y->depth, y->shift, d->acc);
	return SB_OK;
}

int sb_region(sb_decoder *d, uint8_t *dst, size_t size, int x, int y, int width, int height, int f)
{
	const AVFrame *p = d->last;
	if (!p->buf[0])
		return fail(d, SB_FAILED, "no picture received");
	if (x < 0 || y < 0 || width < 1 || height < 1 || width > p->width || height > p->height ||
	    x > p->width - width || y > p->height - height)
		return fail(d, SB_FAILED, "rectangle outside the picture");
	if (f < 1 || f > SB_MAX_FACTOR || width / f < 1 || height / f < 1 ||
	    (size_t)(width / f) * (size_t)(height / f) > size)
		return fail(d, SB_FAILED, "no room for the luma");
	const AVComponentDescriptor *c = &av_pix_fmt_desc_get(p->format)->comp[0];
	const uint8_t *src = p->data[0] + (ptrdiff_t)y * p->linesize[0] + (ptrdiff_t)x * sample_bytes(c);
	sb_box(dst, src, p->linesize[0], width, height, f, c->depth, c->shift, d->acc);
	return SB_OK;
}

int sb_snapshot(sb_decoder *d, uint8_t *y, size_t ysize, uint8_t *cb, uint8_t *cr, size_t csize, int f)
{
	const AVFrame *p = d->last;
	if (!p->buf[0])
		return fail(d, SB_FAILED, "no picture received");
	if (f < 1 || p->width / f < 1 || p->height / f < 1)
		return fail(d, SB_FAILED, "no pixel left");
	const size_t w = p->width / f, h = p->height / f;
	if (w * h > ysize || ((w + 1) / 2) * ((h + 1) / 2) > csize)
		return fail(d, SB_FAILED, "no room for the snapshot");
	sb_colour(p, y, cb, cr, f);
	return SB_OK;
}

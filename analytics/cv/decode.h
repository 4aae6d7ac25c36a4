// The C side of package cv. Flat functions, no globals, no callbacks into Go.
// A decoder belongs to one thread at a time.
#ifndef SENTRYBOX_DECODE_H
#define SENTRYBOX_DECODE_H

#include <stddef.h>
#include <stdint.h>

typedef struct sb_decoder sb_decoder;

// The picture taken last, for Go to read without a call.
typedef struct {
	int64_t pts; // nanoseconds
	int32_t width, height;
	uint8_t keyframe, corrupt;
} sb_picture;

enum {
	SB_OK = 0,
	SB_NONE = 1,         // no picture until more is sent
	SB_FULL = 2,         // receive before sending more
	SB_DAMAGED = -1,     // this input is refused, the next may do
	SB_UNSUPPORTED = -2, // a picture without a plane of luma
	SB_FAILED = -3,      // out of memory and the like
};

enum { SB_FILTER_ALL = 0, SB_FILTER_KEY = 1, SB_FILTER_NONE = 2 };

enum { SB_MAX_FACTOR = 16 };

enum { SB_H264 = 1, SB_H265 = 2, SB_MJPEG = 3 };

// sb_open returns NULL if the codec is not built into libavcodec, memory is short, or there
// is no hardware that decodes it, if that is asked for.
sb_decoder *sb_open(int codec, int hardware, int64_t max_pixels, int max_side, size_t max_packet);
void sb_close(sb_decoder *d);

// sb_picture_of points into d; it holds after sb_next returned SB_OK.
const sb_picture *sb_picture_of(const sb_decoder *d);
// sb_reason is text for the last negative result. It lives as long as d.
const char *sb_reason(const sb_decoder *d);

// sb_filter says of which pictures the loop filter is applied, from the next on.
void sb_filter(sb_decoder *d, int which);

int sb_send(sb_decoder *d, const uint8_t *data, size_t size, int64_t pts, int keyframe);
int sb_drain(sb_decoder *d);
void sb_flush(sb_decoder *d);

// sb_next takes the next decoded picture and keeps it until the one after it.
int sb_next(sb_decoder *d);

// sb_luma writes the picture's luma, each f×f pixels averaged to one. dst holds
// size bytes; (width/f)*(height/f) of them are written, or none on an error.
int sb_luma(sb_decoder *d, uint8_t *dst, size_t size, int f);

// sb_region is sb_luma for the rectangle of width×height pixels whose corner is x, y,
// which must lie within the picture.
int sb_region(sb_decoder *d, uint8_t *dst, size_t size, int x, int y, int width, int height, int f);

// sb_snapshot writes the picture in colour as full-range BT.601 4:2:0, each f×f
// pixels averaged to one. The planes' rows follow each other; the chroma planes are
// half as wide and high, rounded up.
int sb_snapshot(sb_decoder *d, uint8_t *y, size_t ysize, uint8_t *cb, uint8_t *cr, size_t csize, int f);

// sb_box is the filter of sb_luma on a plane of its own, of 8-bit samples or of
// 16-bit ones of which depth bits count from bit low on. f is 1 to
// SB_MAX_FACTOR, acc holds width elements of scratch. It checks nothing.
void sb_box(uint8_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height,
            int f, int depth, int low, uint16_t *acc);

#endif

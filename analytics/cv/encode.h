// The encoder of package cv. Flat functions, no globals, no callbacks into Go. An
// encoder belongs to one thread at a time.
#ifndef SENTRYBOX_ENCODE_H
#define SENTRYBOX_ENCODE_H

#include <stddef.h>
#include <stdint.h>

typedef struct sb_encoder sb_encoder;

// One encoded picture. data belongs to the encoder and holds until its next call.
typedef struct {
	const uint8_t *data;
	size_t size;
	int64_t pts;
	int keyframe;
} sb_unit;

enum { SB_E_OK = 0, SB_E_NONE = 1, SB_E_FAILED = -1 };

// sb_encoder_open returns an H.264 encoder for pictures of an even width and height, in full-range
// BT.601 4:2:0. Times count in 1/90,000 s. NULL if libavcodec has no libx264 or memory is short.
sb_encoder *sb_encoder_open(int width, int height, int interval);
void sb_encoder_close(sb_encoder *e);

// sb_encode takes a picture whose planes are of the sizes given; y NULL says that none follows.
int sb_encode(sb_encoder *e, const uint8_t *y, size_t ysize, size_t ystride,
              const uint8_t *cb, const uint8_t *cr, size_t csize, size_t cstride, int64_t pts);

// sb_encoded returns the next encoded picture, or SB_E_NONE until more is sent.
int sb_encoded(sb_encoder *e, sb_unit *unit);

// sb_encoder_reason is text for the last SB_E_FAILED. It lives as long as e.
const char *sb_encoder_reason(const sb_encoder *e);

#endif

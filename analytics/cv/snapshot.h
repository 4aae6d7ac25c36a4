#ifndef SENTRYBOX_SNAPSHOT_H
#define SENTRYBOX_SNAPSHOT_H

#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>
#include <stdint.h>

// sb_colour writes a frame as full-range BT.601 4:2:0, (width/f)×(height/f) of
// luma. Frames without chroma, or with chroma that cannot be read, come out grey.
void sb_colour(const AVFrame *p, uint8_t *y, uint8_t *cb, uint8_t *cr, int f);

#endif

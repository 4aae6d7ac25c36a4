#ifndef SENTRYBOX_PLANE_H
#define SENTRYBOX_PLANE_H

#include <libavutil/frame.h>

// sb_plane_holds says whether rows of that many bytes lie within the plane's buffer.
int sb_plane_holds(const AVFrame *f, int plane, size_t row, int rows);

#endif

//go:build cgo

#include "plane.h"

int sb_plane_holds(const AVFrame *f, int plane, size_t row, int rows)
{
	const AVBufferRef *b = av_frame_get_plane_buffer((AVFrame *)f, plane);
	if (!b || rows < 1 || f->linesize[plane] < 0 || (size_t)f->linesize[plane] < row)
		return 0;
	size_t offset = f->data[plane] - b->data; // not negative, by av_frame_get_plane_buffer
	return offset + (size_t)(rows - 1) * f->linesize[plane] + row <= b->size;
}

//go:build cgo

#include "memory.h"

#include <malloc.h>

enum { KEPT = 8 << 20, OWN_MAPPING = 4 << 20 };

int sb_keep_memory(void)
{
#ifdef __GLIBC__
	return mallopt(M_ARENA_MAX, 1) && mallopt(M_TRIM_THRESHOLD, KEPT) && mallopt(M_MMAP_THRESHOLD, OWN_MAPPING) ? 0 : -1;
#else
	return 0;
#endif
}

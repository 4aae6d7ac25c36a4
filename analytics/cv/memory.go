//go:build cgo

package cv

/*
#include "memory.h"
*/
import "C"

import "errors"

// KeepMemory keeps up to 8 MiB that C code has freed for what it allocates next, and has all its threads share it, for
// the whole process. Each Flush makes libavcodec free its tables, 0.7 MB for a picture of 1920×1080, which would go
// back to the system and be mapped again, page by page, for the next keyframe: a fortieth of its decoding.
func KeepMemory() error {
	if C.sb_keep_memory() != 0 {
		return errors.New("keep the memory of C code: the library refuses")
	}
	return nil
}

//go:build cgo

package cv

/*
#cgo LDFLAGS: -lopencv_core
#include "opencv.h"
*/
import "C"

import "errors"

// UseOneThread keeps OpenCV from starting threads of its own, for the whole
// process: there is a process a camera, and they share the cores. gocv v0.31.0 has no call for it.
func UseOneThread() error {
	if C.sb_one_thread() != 0 {
		return errors.New("set the number of OpenCV's threads: it refused")
	}
	return nil
}

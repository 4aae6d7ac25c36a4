//go:build cgo

#include "opencv.h"

#include <opencv2/core/utility.hpp>

int sb_one_thread(void)
{
	try {
		cv::setNumThreads(1);
		return cv::getNumThreads() == 1 ? 0 : -1;
	} catch (...) { // an exception must not unwind into Go
		return -1;
	}
}

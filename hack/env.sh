# Sourced by every script here: how the cgo parts are compiled and linked.
#
# gocv's own build names all of OpenCV, which loads 264 shared libraries into
# every vision process. The tag customenv leaves the flags to us: each function
# in a section of its own, unused sections dropped, and only the libraries named that are used.
export CGO_CPPFLAGS="-I/usr/include/opencv4"
export CGO_CFLAGS="-g0 -O2"
export CGO_CXXFLAGS="-g0 -O2 --std=c++11 -ffunction-sections -fdata-sections"
export CGO_LDFLAGS="-fuse-ld=gold -Wl,--gc-sections,--as-needed -lopencv_objdetect -lopencv_calib3d -lopencv_video -lopencv_imgproc -lopencv_core"
export GOFLAGS="-tags=customenv -buildvcs=false"
export GOTOOLCHAIN=local

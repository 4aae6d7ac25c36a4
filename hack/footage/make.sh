#!/bin/sh
# Makes the clips of drivers/mp4/mp4test anew. Needs ffmpeg with libx264 and
# libx265. The version of the encoders decides the bytes, not what is shown.
set -eu
cd "$(dirname "$0")/../.."
. hack/env.sh
out=drivers/mp4/mp4test
quiet="-v error -y -fflags +bitexact -flags:v +bitexact"

go run ./hack/footage | ffmpeg $quiet -f yuv4mpegpipe -i - -c:v libx264 -preset veryslow -profile:v main \
	-bf 0 -g 18 -keyint_min 18 -sc_threshold 0 -crf 31 -pix_fmt yuv420p -movflags +faststart $out/walker.mp4

src="-f lavfi -i testsrc=size=320x240:rate=10:duration=2"
ffmpeg $quiet $src -c:v libx264 -preset veryslow -crf 35 -g 10 -bf 2 -b_strategy 0 -pix_fmt yuv420p $out/h264.mp4
ffmpeg $quiet $src -c:v libx265 -preset veryslow -crf 35 -pix_fmt yuv420p -tag:v hvc1 \
	-x265-params log-level=error:keyint=10:min-keyint=10:open-gop=0:bframes=2:b-adapt=0:info=0 $out/h265.mp4
ffmpeg $quiet -f lavfi -i testsrc=size=160x120:rate=5:duration=2 -c:v mjpeg -q:v 12 -huffman default -pix_fmt yuvj420p $out/mjpeg.mp4

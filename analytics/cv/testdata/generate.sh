#!/bin/sh
# Makes the streams of this folder; README.md says what is in them. Needs ffmpeg
# with libx264 and libx265. The bytes depend on the encoders' versions, what the tests expect of them does not.
set -eu
cd "$(dirname "$0")"

# The picture: a band of 16 rows whose grey is 24 + 16 × the number of the
# picture, below it a ramp from 40 to 200; the colour is the same everywhere.
scene() { # size, further filters
	echo "color=s=$1:r=25,format=yuv444p,geq=lum='if(lt(Y,16),24+16*N,40+160*X/W)':cb=100:cr=180$2"
}
x264() { # file, size, filters, pictures, x264 options, further arguments
	out=$1 size=$2 filters=$3 n=$4 opts=$5; shift 5
	ffmpeg -v error -y -f lavfi -i "$(scene "$size" "$filters")" -frames:v "$n" -c:v libx264 -crf 16 \
		-x264-params "aud=1:scenecut=0:b-adapt=0:threads=1:$opts" "$@" -f h264 "$out"
}
x265() {
	out=$1 size=$2 filters=$3 n=$4 opts=$5; shift 5
	ffmpeg -v error -y -f lavfi -i "$(scene "$size" "$filters")" -frames:v "$n" -c:v libx265 -crf 16 \
		-x265-params "log-level=none:aud=1:repeat-headers=1:scenecut=0:b-adapt=0:info=0:pools=none:frame-threads=1:$opts" "$@" -f hevc "$out"
}

x264 plain.h264 160x96 ",format=yuv420p" 12 keyint=6:min-keyint=6:bframes=0 -profile:v baseline
x264 bframes.h264 160x96 ",format=yuv420p" 12 keyint=12:bframes=2:b-pyramid=none
x264 odd.h264 65x49 ",format=yuv444p" 2 keyint=2
x264 crop.h264 160x96 ",format=yuv420p" 2 keyint=2:bframes=0 -bsf:v h264_metadata=crop_left=6:crop_right=10:crop_top=2:crop_bottom=4
x264 wide.h264 1922x90 ",format=yuv420p" 1 keyint=1
x264 gray.h264 64x48 ",format=gray" 2 keyint=2
x264 ten.h264 160x96 ",format=yuv420p10le" 3 keyint=3
x264 hd709.h264 160x96 ",format=yuv420p" 1 keyint=1:colormatrix=bt709
ffmpeg -v error -y -f lavfi -i "color=c=red:s=64x48:r=25,format=gbrp" -frames:v 1 -c:v libx264rgb -f h264 \
	-x264-params aud=1:threads=1 rgb.h264
x265 plain.h265 160x96 ",format=yuv420p" 12 keyint=6:min-keyint=6:bframes=0
x265 bframes.h265 160x96 ",format=yuv420p" 12 keyint=12:bframes=2:b-pyramid=0
x265 ten.h265 160x96 ",format=yuv420p10le" 6 keyint=6:bframes=0
x265 large.h265 320x240 ",format=yuv420p" 2 keyint=2:bframes=0

jpegs() {
	ffmpeg -v error -y -f lavfi -i "$(scene "$2" "$3")" -frames:v "$4" -c:v mjpeg -q:v 2 -f mjpeg "$1"
}
jpegs plain.mjpeg 160x96 ",scale=out_range=full,format=yuvj420p" 3
jpegs wide.mjpeg 162x98 ",scale=out_range=full,format=yuvj422p" 1

# For mutations: small, but with texture, motion and the encoders' tools in use.
busy() { # file, encoder, further arguments
	out=$1 codec=$2; shift 2
	ffmpeg -v error -y -f lavfi -i "testsrc2=s=128x96:r=25,noise=alls=20:allf=t:all_seed=1" -frames:v 8 \
		-pix_fmt yuv420p -c:v "$codec" -crf 34 "$@" "$out"
}
busy busy.h264 libx264 -x264-params aud=1:threads=1:keyint=4:bframes=2:weightp=2:8x8dct=1 -f h264
busy fields.h264 libx264 -x264-params aud=1:threads=1:keyint=4:bframes=1:tff=1:cabac=0 -flags +ildct+ilme -f h264
busy busy.h265 libx265 -x265-params log-level=none:aud=1:repeat-headers=1:keyint=4:info=0:pools=none:frame-threads=1:wpp=0:amp=1:rect=1:weightb=1 -f hevc

# For the benchmark: full HD with motion everywhere, a keyframe in 15 pictures.
ffmpeg -v error -y -f lavfi -i "testsrc2=s=1920x1080:r=25" -frames:v 15 -pix_fmt yuv420p -c:v libx264 -crf 40 \
	-x264-params aud=1:threads=1:keyint=15:bframes=0 -f h264 bench1080.h264

# Sourced by the scripts here. Installs what they need on a Debian 12 and says
# how the cgo parts are built.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
source hack/env.sh

build_packages=(g++ binutils pkg-config ca-certificates libopencv-dev libavcodec-dev libavutil-dev)
demo_packages=(ffmpeg opencv-doc)
test_packages=(chromium fonts-wqy-microhei e2fsprogs mount ffmpeg mosquitto mosquitto-clients gstreamer1.0-plugins-base gstreamer1.0-plugins-good
	gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gir1.2-gst-rtsp-server-1.0 python3 python3-gi
	vlc-bin vlc-plugin-base victoria-metrics python3-pymodbus python3-zeroconf unzip socat mbpoll multimon-ng espeak-ng sox alsa-utils
	sip-tester baresip-core)
tone_packages=(multimon-ng espeak-ng)

fleet_packages=(nats-server postgresql)
cross_packages=(mmdebstrap qemu-user-static gcc-aarch64-linux-gnu g++-aarch64-linux-gnu lld)
bench_packages=(ffmpeg opencv-doc motion mosquitto)

say() { printf '\033[1m== %s\033[0m\n' "$*"; }

# as_root COMMAND…: runs it as root, through sudo if need be.
as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# need PACKAGE…: installs those that are missing.
need() {
	local missing=() p stock=/usr/share/doc/opencv-doc
	for p in "$@"; do # the footage is in /usr/share/doc, which small systems leave out
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] &&
			[[ "$p" != opencv-doc || -e $stock/examples/data/vtest.avi ]] || missing+=("$p")
	done
	[ ${#missing[@]} = 0 ] && return
	say "installing ${missing[*]}"
	as_root apt-get -o Acquire::Retries=5 update -qq
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=5 install -y -qq --no-install-recommends --reinstall \
		-o DPkg::Options::="--path-include=$stock/*" "${missing[@]}" >/dev/null
}

# room GB: sees to it that so much is free for what the tests build. Go keeps what it has built for five days, which on
# a machine that builds often is more than its disk: what it has not used for a day, or else for two hours, is given up.
room() {
	local age free cache
	cache=$(go env GOCACHE)
	for age in 1440 120 0; do
		free=$(df --output=avail -BG . "${TMPDIR:-/tmp}" | awk 'NR > 1 { print $1 + 0 }' | sort -n | head -n 1)
		[ "$free" -lt "$1" ] || return 0
		[ "$age" != 0 ] && [ -d "$cache" ] || continue
		say "$free GB free, $1 are needed: giving up what Go has built and not used for $age minutes"
		find "$cache" -type f -mmin +"$age" -delete
	done
	echo "only $free GB are free here or in ${TMPDIR:-/tmp}, and the tests need about $1: make room if something fails for want of it" >&2
}

# emulate_arm64: has the kernel run arm64 programs in qemu, as systemd-binfmt does where it runs. What undoes
# it is printed; nothing if there is nothing to undo.
emulate_arm64() {
	local dir=/proc/sys/fs/binfmt_misc
	[ "$(dpkg --print-architecture)" != arm64 ] && [ ! -e $dir/qemu-aarch64 ] || return 0
	[ -e $dir/register ] || mount -t binfmt_misc binfmt_misc $dir
	cat /usr/lib/binfmt.d/qemu-aarch64.conf >$dir/register
	echo "echo -1 >$dir/qemu-aarch64"
}

# apt_sources: where this machine has Debian's packages from.
apt_sources() {
	local f
	for f in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
		if grep -q bookworm "$f" 2>/dev/null; then cat "$f"; return; fi
	done
	echo "no apt sources of Debian 12 on this machine" >&2
	return 1
}

# need_go: puts a Go of at least go.mod's version on PATH. Debian 12's own is too
# old to build this, but it can fetch the right one: toolchains are modules.
need_go() {
	local want have
	want=$(awk '$1 == "go" { print $2 }' go.mod)
	have=$(go env GOVERSION 2>/dev/null || true)
	if [ "$(printf '%s\n' "$want" "${have#go}" | sort -V | head -n 1)" = "$want" ]; then return; fi
	need golang-go ca-certificates
	local arch dir version="v0.0.1-go$want.linux"
	case "$(dpkg --print-architecture)" in
	amd64) arch=amd64 ;;
	arm64) arch=arm64 ;;
	*) echo "no Go $want for this machine: install it by hand" >&2; exit 1 ;;
	esac
	dir=$(go env GOMODCACHE)/golang.org/toolchain@$version-$arch
	if [ ! -x "$dir/bin/go" ]; then
		say "fetching Go $want"
		dir=$(cd / && env -u GOFLAGS -u GOTOOLCHAIN GO111MODULE=on go mod download -json "golang.org/toolchain@$version-$arch" |
			sed -n 's/^.*"Dir": "\(.*\)".*$/\1/p')
		[ -n "$dir" ] || { echo "Go $want could not be fetched" >&2; exit 1; }
		# Modules are unpacked without the right to be executed.
		chmod -R u+w "$dir"
		chmod +x "$dir"/pkg/tool/*/* "$dir"/bin/*
	fi
	export GOROOT="$dir" PATH="$dir/bin:$PATH"
}

# build: both programs into build/.
build() {
	say "building"
	mkdir -p build
	local version
	version=$(git describe --tags --always --dirty 2>/dev/null || echo unknown)
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$version" -o build/sentrybox ./gateway
	go build -trimpath -ldflags "-s -w -X main.release=$version" -o build/sentrybox-vision ./analytics/vision
}

# footage: the demo's video, once: real people on a square, from Debian's
# opencv-doc, as a camera would send it.
footage() {
	local out=build/footage/vtest.mp4
	[ -s "$out" ] && return
	say "encoding the footage"
	mkdir -p build/footage
	ffmpeg -nostdin -v error -y -i /usr/share/doc/opencv-doc/examples/data/vtest.avi -an -c:v libx264 -preset veryfast \
		-crf 23 -g 20 -bf 0 -pix_fmt yuv420p -movflags +faststart "$out.part.mp4"
	mv "$out.part.mp4" "$out"
}

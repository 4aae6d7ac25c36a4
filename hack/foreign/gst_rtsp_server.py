#!/usr/bin/python3
"""An RTSP server of GStreamer's, for tests: one live stream at /live.

Prints "PORT n" on a line of its own once it listens, and serves until its
standard input is closed or it is killed.
"""

import argparse
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402


def options():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--address", default="127.0.0.1")
    p.add_argument("--port", type=int, default=0, help="0: any free one")
    p.add_argument("--codec", choices=["h264", "h265", "mjpeg"], default="h264")
    p.add_argument("--width", type=int, default=640)
    p.add_argument("--height", type=int, default=360)
    p.add_argument("--fps", type=int, default=25)
    p.add_argument("--keyframe", type=int, default=25, help="pictures from keyframe to keyframe")
    p.add_argument("--user", default="")
    p.add_argument("--password", default="")
    p.add_argument("--auth", choices=["basic", "digest"], default="digest")
    p.add_argument("--transport", choices=["any", "tcp", "udp"], default="any")
    p.add_argument("--file", default="", help="an MP4 with the codec's video, played over and over")
    return p.parse_args()


PAY = {
    "h264": "rtph264pay name=pay0 pt=96 config-interval={interval}",
    "h265": "rtph265pay name=pay0 pt=96 config-interval={interval}",
    "mjpeg": "rtpjpegpay name=pay0 pt=26",
}


def synthetic(o):
    """A moving test picture, encoded as a camera would."""
    encode = {
        "h264": "x264enc tune=zerolatency speed-preset=ultrafast bitrate=800 key-int-max={k} ! video/x-h264,profile=main",
        "h265": "x265enc tune=zerolatency speed-preset=ultrafast bitrate=800 key-int-max={k}",
        "mjpeg": "jpegenc quality=60",
    }[o.codec].format(k=o.keyframe)
    return (
        "( videotestsrc is-live=true pattern=ball ! "
        f"video/x-raw,format=I420,width={o.width},height={o.height},framerate={o.fps}/1 ! "
        f"{encode} ! {PAY[o.codec].format(interval=0)} )"
    )


class Loop:
    """Feeds a file's pictures to an appsrc, with timestamps that go on growing."""

    def __init__(self, o):
        self.frames = self.read(o)
        if not self.frames:
            raise SystemExit(f"{o.file}: no {o.codec} video in it")

    @staticmethod
    def read(o):
        parse = {"h264": "h264parse", "h265": "h265parse", "mjpeg": "jpegparse"}[o.codec]
        caps = {
            "h264": "video/x-h264,stream-format=byte-stream,alignment=au",
            "h265": "video/x-h265,stream-format=byte-stream,alignment=au",
            "mjpeg": "image/jpeg",
        }[o.codec]
        p = Gst.parse_launch(f"filesrc name=src ! qtdemux ! {parse} ! {caps} ! appsink name=sink sync=false")
        p.get_by_name("src").set_property("location", o.file)
        sink = p.get_by_name("sink")
        p.set_state(Gst.State.PLAYING)
        frames = []
        while True:
            sample = sink.emit("try-pull-sample", 10 * Gst.SECOND)
            if sample is None:
                break
            b = sample.get_buffer()
            frames.append((b.extract_dup(0, b.get_size()), b.pts, b.duration))
        p.set_state(Gst.State.NULL)
        return frames

    def configure(self, _factory, media):
        source = media.get_element().get_by_name("source")
        state = {"index": 0, "base": 0}
        start = min(pts for _, pts, _ in self.frames)
        step = self.frames[0][2] if self.frames[0][2] != Gst.CLOCK_TIME_NONE else Gst.SECOND // 25
        length = max(pts for _, pts, _ in self.frames) - start + step

        def need(src, _length):
            if state["index"] == len(self.frames):
                state["index"] = 0
                state["base"] += length
            data, pts, duration = self.frames[state["index"]]
            state["index"] += 1
            b = Gst.Buffer.new_wrapped(data)
            b.pts = pts - start + state["base"]
            b.duration = duration
            src.emit("push-buffer", b)

        source.connect("need-data", need)


def pipeline(o, factory):
    if not o.file:
        factory.set_launch(synthetic(o))
        return
    caps = {
        "h264": "video/x-h264,stream-format=byte-stream,alignment=au",
        "h265": "video/x-h265,stream-format=byte-stream,alignment=au",
        "mjpeg": "image/jpeg,framerate=25/1",
    }[o.codec]
    parse = {"h264": "h264parse ! ", "h265": "h265parse ! ", "mjpeg": "jpegparse ! "}[o.codec]
    factory.set_launch(
        f"( appsrc name=source format=time is-live=true block=true max-bytes=1000000 caps={caps} ! "
        f"{parse}identity sync=true ! {PAY[o.codec].format(interval=-1 if o.codec != 'mjpeg' else 0)} )"
    )
    loop = Loop(o)
    factory.loop = loop  # keep it alive
    factory.connect("media-configure", loop.configure)


def protect(o, server, factory):
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "viewer")
    if o.auth == "basic":
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(o.user, o.password), token)
    else:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(o.user, o.password, token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("viewer", GstRtspServer.RTSP_PERM_MEDIA_FACTORY_ACCESS, True)
    permissions.add_permission_for_role("viewer", GstRtspServer.RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, True)
    factory.set_permissions(permissions)


def main():
    o = options()
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address(o.address)
    server.set_service(str(o.port))
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_shared(True)
    pipeline(o, factory)
    if o.transport != "any":
        factory.set_protocols(GstRtsp.RTSPLowerTrans.TCP if o.transport == "tcp" else GstRtsp.RTSPLowerTrans.UDP)
    if o.user:
        protect(o, server, factory)
    server.get_mount_points().add_factory("/live", factory)
    if server.attach(None) == 0:
        raise SystemExit("cannot listen")
    print("PORT", server.get_bound_port(), flush=True)
    loop = GLib.MainLoop()

    def wait_for_parent():
        sys.stdin.read()
        loop.quit()

    threading.Thread(target=wait_for_parent, daemon=True).start()
    loop.run()


if __name__ == "__main__":
    main()

package text

// finding is what the page says of cameras that are looked for, and of their pictures.
var finding = map[Key]sentence{ //nolint:gochecknoglobals // a table, never written to
	"web.error.nopicture": {"现在没有画面：摄像机还没有连上，或刚刚断开。", "No picture now: the camera is not connected yet, or has just gone."},
	"web.live.frozen":     {"画面已停", "Picture stopped"},
	"js.live.still":       {"正在连接实时画面…现在显示的是 {0} 秒前的静态画面。", "Connecting to the live picture… what is shown is a still of {0} s ago."},
	"js.live.codec":       {"这个浏览器不能播放 {0}：改为静态画面，约每秒一张，这一张是 {1} 秒前的。给摄像机设一个 H.264 子码流作分析用地址，就有实时画面。", "This browser cannot play {0}: stills are shown, about one a second; this one is {1} s old. Give the camera an H.264 substream for analysis to see it live."},
	"js.live.stills":      {"静态画面，约每秒一张；这一张是 {0} 秒前的。", "Stills, about one a second; this one is {0} s old."},
}

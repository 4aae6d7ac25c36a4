package text

// box is what the program says of the box that it runs on.
var box = map[Key]sentence{ //nolint:gochecknoglobals // a table, never written to
	"help.health": {"问运行中的网关主要工作是否正常；不正常时退出码为 1。摄像机或服务器连不上会逐行列出，退出码仍为 0（见 --strict）。",
		"Ask the running gateway whether its main job works; exit status 1 if not. Cameras and brokers that are away are named, with exit status 0 (see --strict)."},
	"help.strict":   {"摄像机或服务器不正常时退出码也为 1，供监控使用；不要用于会重启网关的健康检查", "Exit status 1 also when a camera or broker does not work: for monitoring, not for what restarts the gateway."},
	"health.camera": {"不正常：摄像机 %s：%s，自 %s 起", "not well: camera %s: %s since %s"},
	"health.uplink": {"不正常：线路 %s：%s，自 %s 起", "not well: uplink %s: %s since %s"},
	"health.except": {"sentrybox %s 运行正常，但有 %d 处不正常（见上）", "sentrybox %s itself works; not well: %d (above)"},
	"health.unwell": {"sentrybox：有 %d 处不正常（见上）", "sentrybox: not well: %d (above)"},
	"control.none":  {"数据目录 %s 上没有正在运行的 sentrybox：请用 `sentrybox run` 启动。", "sentrybox: no sentrybox is running on the data folder %s: start it with `sentrybox run`"},
	"health.works":  {"正常：sentrybox %s", "well: sentrybox %s"},
	"health.twin":   {"线路 %s：另一台网关用了同一个编号，两台互相挤下线", "uplink %s: another gateway has the same id, and each pushes the other off"},
	"health.cut":    {"线路 %s：服务器一连上就断开，可能另一台网关用了同一个编号", "uplink %s: the broker ends every connection at once; another gateway may have the same id"},
	"health.blind":  {"看不见：%s", "blind: %s"},
	"health.stuck":  {"sentrybox：%d 项工作停了（见上）", "sentrybox: %d {0|part|parts} of the main job {0|does|do} not work (above)"},
}

package text

// box is what the program says of the box that it runs on.
var box = map[Key]sentence{ //nolint:gochecknoglobals // a table, never written to
	"help.health":  {"问运行中的网关主要工作是否正常；不正常时退出码为 1。", "Ask the running gateway whether its main job works; exit status 1 if not."},
	"control.none": {"数据目录 %s 上没有正在运行的 sentrybox：请用 `sentrybox run` 启动。", "sentrybox: no sentrybox is running on the data folder %s: start it with `sentrybox run`"},
	"health.works": {"正常：sentrybox %s", "well: sentrybox %s"},
	"health.twin":  {"线路 %s：另一台网关用了同一个编号，两台互相挤下线", "uplink %s: another gateway has the same id, and each pushes the other off"},
	"health.cut":   {"线路 %s：服务器一连上就断开，可能另一台网关用了同一个编号", "uplink %s: the broker ends every connection at once; another gateway may have the same id"},
	"health.blind": {"看不见：%s", "blind: %s"},
	"health.stuck": {"sentrybox：%d 项工作停了（见上）", "sentrybox: %d parts of the main job do not work (above)"},
}

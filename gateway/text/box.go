package text

// box is what the program says of the box that it runs on.
var box = map[Key]sentence{ //nolint:gochecknoglobals // a table, never written to
	"help.health":  {"问运行中的网关主要工作是否正常；不正常时退出码为 1。", "Ask the running gateway whether its main job works; exit status 1 if not."},
	"health.works": {"正常：sentrybox %s", "well: sentrybox %s"},
	"health.blind": {"看不见：%s", "blind: %s"},
	"health.stuck": {"sentrybox：%d 项工作停了（见上）", "sentrybox: %d parts of the main job do not work (above)"},
}

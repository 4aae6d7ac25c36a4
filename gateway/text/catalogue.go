package text

type sentence struct{ zh, en string }

// catalogue has each sentence once. A pair takes its arguments in the same
// order and of the same kind; the test holds it to that.
var catalogue = map[Key]sentence{ //nolint:gochecknoglobals // a table, never written to
	"kind.motion":           {"画面变动", "motion"},
	"kind.intrusion":        {"闯入", "intrusion"},
	"kind.line_crossing":    {"越线", "line crossing"},
	"kind.loitering":        {"徘徊", "loitering"},
	"kind.thrown_object":    {"高空抛物", "thrown object"},
	"kind.gathering":        {"人员聚集", "gathering"},
	"kind.abandoned_object": {"遗留物", "abandoned object"},
	"kind.tamper":           {"摄像机被遮挡或移动", "tampering"},
	"kind.test":             {"测试", "test"},
	"state.connecting":      {"正在连接", "connecting"},
	"state.online":          {"在线", "online"},
	"state.unreachable":     {"连不上", "unreachable"},
	"state.refused":         {"用户名或密码不对", "password refused"},
	"state.no_video":        {"没有视频流", "no video"},
	"state.codec":           {"不支持的视频编码", "unsupported codec"},
	"state.stalled":         {"画面已停", "picture stalled"},
	"state.blind":           {"分析程序反复崩溃", "analysis keeps failing"},
	"config.ok":             {"%s：没有问题", "%s: no problems"},
	"config.problems":       {"%s：发现 %d 个问题", "%s: %d problems"},
}

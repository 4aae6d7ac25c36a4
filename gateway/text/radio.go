package text

// radio is what is said of radios and intercoms.
var radio = map[Key]sentence{ //nolint:gochecknoglobals // a table, never written to
	"kind.emergency_call":   {"对讲紧急呼叫", "emergency call"},
	"kind.call_alert":       {"对讲呼叫提示", "call alert"},
	"kind.help_point":       {"求助呼叫", "call for help"},
	"kind.door_forced":      {"门被强行打开", "door forced"},
	"kind.radio_check":      {"对讲检查", "radio check"},
	"kind.radio_voice":      {"对讲有人讲话", "voice on the radio"},
	"duty.fact.position":    {"位置 %.5f, %.5f", "at %.5f, %.5f"},
	"help.profile_radio":    {"列出对讲和门禁对讲的接入说明，或显示其中一份。", "List how radios and intercoms are set up, or show one."},
	"help.profile_radio_id": {"接入说明的名字。", "Name of the guide."},
	"profile.radio.absent":  {"没有名为 %q 的接入说明；sentrybox profile radio 列出全部", "there is no guide %q; sentrybox profile radio shows them all"},
	"profile.radio.step":    {"%d. %s", "%d. %s"},
	"profile.radio.config":  {"配置：\n%s", "configuration:\n%s"},
	"config.radio.identity": {"必须是 1 到 64 个字符，不能有空格和引号，例如 4600101", "must be 1 to 64 characters without spaces and quotes, such as 4600101"},
	"config.radio.twice":    {"%q 已经是 %s 的名称", "%q is the name of %s already"},
	"config.radio.repeater": {"必须是中继台的 DMR 编号，四位以上数字", "must be a repeater's DMR id, of four digits or more"},
	"config.radio.broker":   {"没有 broker 时用网关自己的 MQTT 服务器，不需要这个", "is of a broker; without one MMDVMHost publishes at the gateway's own"},
	"config.radio.local":    {"必须有，因为网关没有自己的 MQTT 服务器（broker.listen）", "must be given, as the gateway has no broker of its own (broker.listen)"},
	"config.radio.digits":   {"必须是 0-9、A-F、* 和 #", "must be of 0-9, A-F, * and #"},
	"config.radio.input":    {"必须是输入的名称，例如 door_forced", "must be an input's name, such as door_forced"},
	"config.radio.code":     {"%s 没有 code", "%s has no code"},
}

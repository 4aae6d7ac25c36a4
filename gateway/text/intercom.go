package text

// intercom is what is said of SIP intercoms and of event streams.
var intercom = map[Key]sentence{ //nolint:gochecknoglobals // a table, never written to
	"kind.alarm_input":     {"报警输入触发", "alarm input"},
	"kind.door_open":       {"门长时间未关", "door left open"},
	"config.sip.user":      {"必须是 1 到 64 个字母、数字或 _ . + * # -，例如 1001", "must be 1 to 64 letters, digits or _ . + * # -, such as 1001"},
	"config.sip.ports":     {"必须是两个端口，例如 20000-20039，且至少 %d 个", "must be two ports, such as 20000-20039, with %d between them at least"},
	"config.sip.address":   {"必须是 IP 地址或网段，例如 10.0.0.31", "must be an IP address or a network, such as 10.0.0.31"},
	"config.sip.host":      {"必须是主机或主机:端口，例如 10.0.0.5", "must be a host or host:port, such as 10.0.0.5"},
	"config.sip.twice":     {"与 %s 同名", "has the name of %s"},
	"config.intercom.user": {"地址里要有用户名和密码，例如 http://admin:${PASS}@10.0.0.20", "the address needs a user and a password, such as http://admin:${PASS}@10.0.0.20"},
}

package text

// commands is what the commands say of what goes wrong. What a driver or the system says itself comes
// after it, and is English.
var commands = map[Key]sentence{ //nolint:gochecknoglobals // a table, never written to
	"help.help":      {"显示本帮助。", "Show this help."},
	"help.usage":     {"用法：", "Usage: "},
	"help.arguments": {"参数：", "Arguments:"},
	"help.flags":     {"选项：", "Flags:"},
	"help.commands":  {"命令：", "Commands:"},
	"help.more":      {"用 sentrybox <command> --help 查看一个命令的用法。", "Run sentrybox <command> --help for more on a command."},

	"misused":          {"命令行不对：%s", "sentrybox: %s"},
	"misused.missing":  {"缺少选项：%s", "sentrybox: missing flags: %s"},
	"misused.flag":     {"没有这个选项：%s", "sentrybox: unknown flag %s"},
	"misused.word":     {"这个词不认识：%s", "sentrybox: unexpected argument %s"},
	"misused.expected": {"还缺少：%s", "sentrybox: expected %s"},

	"command.failed": {"没有成功：%s", "sentrybox: %s"},
	"command.absent": {"没有这个文件或目录：%s", "sentrybox: %s"},
	"command.denied": {"没有权限：%s", "sentrybox: %s"},
	"command.full":   {"磁盘满了：%s", "sentrybox: %s"},
	"command.late":   {"等了太久，没有等到：%s", "sentrybox: %s"},
	"command.device": {"%s：%s", "%s: %s"},

	"password.weak": {"密码要有 %d 到 %d 个字符", "a password has %d to %d characters"},
	"password.none": {"标准输入里没有密码", "there is no password on standard input"},

	"probe.scheme": {
		"地址要这样开头：摄像机 rtsp://、rtsps://、dvrip://（雄迈）或 onvif://；串口 serial:// 或 tcp://（串口服务器）；Modbus 总线 modbus:// 或 modbus+rtu://。ONVIF 摄像机的网页若是 http://主机，就写 onvif://主机。",
		"an address begins with rtsp://, rtsps://, dvrip:// (XiongMai) or onvif:// for a camera, serial:// or tcp:// (a serial server) for a line, modbus:// or modbus+rtu:// for a bus. For an ONVIF camera whose page is http://HOST, write onvif://HOST.",
	},
	"probe.address": {"地址写得不对：%s", "the address is not right: %s"},

	"find.address": {"%q 不是 IP 地址；请写 192.168.1.64，或加端口 192.168.1.64:8554", "%q is no IP address: write 192.168.1.64, or with a port 192.168.1.64:8554"},
	"find.subnet":  {"%q 不是网段；请写 192.168.1.0/24 这样", "%q is no subnet, such as 192.168.1.0/24"},
	"find.nothing": {"什么也没有查到：%s", "nothing could be asked: %s"},

	"health.blank": {
		"配置文件 %s 不存在或是空的，数据目录 %s 上也没有正在运行的 sentrybox。文件名写对了吗？新设备请用 `sentrybox run` 启动。",
		"sentrybox: the configuration %s is not there or empty, and no sentrybox is running on %s, the data folder of a box that is not set up yet. Is the file's name right? On a new box, start it with `sentrybox run`",
	},

	"raise.severity": {"严重程度是 1（最重）到 4，不是 %d", "a severity is 1 (gravest) to 4, and not %d"},
	"raise.kind":     {"没有 %q 这种告警；有：%s", "there is no kind of alert %q; there are %s"},
	"raise.refused":  {"网关没有接受：%s", "the gateway did not take it: %s"},
	"raise.unsure":   {"不知道告警发出没有，请看网页或值班台：%s", "the alert may not have been raised, look at the page or the duty room's console: %s"},
}

package text

// analogue is what is said of analogue radios: their sound, and what is sent to them.
var analogue = map[Key]sentence{ //nolint:gochecknoglobals // a table, never written to
	"duty.audit.voice":        {"调取录音", "asked for a voice"},
	"duty.js.voice":           {"听录音", "Get the voice"},
	"duty.js.voicewait":       {"正在向现场主机要录音…", "asking the gateway for the voice…"},
	"duty.js.voicecome":       {"录音传输 {0}%", "voice {0} %"},
	"config.analogue.code":    {"必须是 0-9、A-F、* 和 #，x 代表发送者的一位，例如 *9xxx", "must be of 0-9, A-F, * and #, with x for a digit of who sends it, such as *9xxx"},
	"config.analogue.rate":    {"必须是 8000、16000、24000、32000 或 48000；声卡总是 8000", "must be 8000, 16000, 24000, 32000 or 48000; a sound card's is always 8000"},
	"config.analogue.address": {"必须是 地址:端口，例如 0.0.0.0:5004", "must be address:port, such as 0.0.0.0:5004"},
	"config.analogue.from":    {"必须是 IP 地址", "must be an IP address"},
	"config.analogue.card":    {"不是声卡名，可用 arecord -L 查看", "no name of a sound card; arecord -L lists them"},
	"config.analogue.path":    {"必须是完整路径，例如 /dev/ttyUSB0", "must be a whole path, such as /dev/ttyUSB0"},
	"config.analogue.number":  {"必须是 3 到 8 位 0-9、A、B、C、D、F", "must be 3 to 8 of 0-9, A, B, C, D and F"},
	"config.analogue.nothing": {"没有要发的内容：给出 dtmf、five_tone 或 phrases", "nothing to send: give dtmf, five_tone or phrases"},
	"duty.js.voicebad":        {"录音拿不到（{0}），再试", "no voice ({0}), try again"},
}

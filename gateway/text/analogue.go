package text

// analogue is what is said of analogue radios: their sound, and what is sent to them.
var analogue = map[Key]sentence{ //nolint:gochecknoglobals // a table, never written to
	"duty.js.voice":     {"听录音", "Get the voice"},
	"duty.js.voicewait": {"正在向网关要录音…", "asking the gateway for the voice…"},
	"duty.js.voicecome": {"录音传输 {0}%", "voice {0} %"},
	"duty.js.voicebad":  {"录音拿不到（{0}），再试", "no voice ({0}), try again"},
}

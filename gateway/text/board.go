package text

// boards is what the command board says.
var boards = map[Key]sentence{ //nolint:gochecknoglobals // a table, never written to
	"help.board":        {"查看这是什么板卡：串口、看门狗、指示灯、温度、解码器，以及建议的配置。", "Tell which board this is: serial ports, watchdog, LEDs, temperatures, decoder, and the configuration that fits it."},
	"help.board_list":   {"列出认识的板卡", "list the boards that are known"},
	"help.board_apply":  {"按板卡限制系统日志（需 root）：写 /etc/systemd/journald.conf.d/60-sentrybox.conf", "bound the system's log as fits the board, as root: writes /etc/systemd/journald.conf.d/60-sentrybox.conf"},
	"config.led":        {"必须是 auto 或 /sys/class/leds 里的名字", "must be auto, or a name in /sys/class/leds"},
	"board.is":          {"板卡：%s（%s）", "Board: %s (%s)"},
	"board.unknown":     {"不认识这块板卡（%s）。", "This board is not known (%s)."},
	"board.nomodel":     {"没有型号", "no model"},
	"board.serial":      {"串口", "Serial ports"},
	"board.watchdog":    {"看门狗", "Watchdog"},
	"board.leds":        {"指示灯", "LEDs"},
	"board.thermal":     {"温度", "Temperatures"},
	"board.decoder":     {"硬件解码器", "Decoder"},
	"board.disks":       {"磁盘", "Disks"},
	"board.disks.use":   {"固态盘或硬盘：数据目录最好放在它上面，不要放在存储卡或 eMMC 上", "the data folder is better here than on a card or eMMC"},
	"board.config":      {"建议的配置", "The configuration that fits it"},
	"board.config.note": {"（systemd 已设 RuntimeWatchdogSec 时不要写 watchdog 那一行）", "(leave the line watchdog out where systemd has RuntimeWatchdogSec)"},
	"board.here":        {"有", "here"},
	"board.absent":      {"无", "not here"},
	"board.heat":        {"%.0f °C，到 %d °C 降速", "%.0f °C, slowed down at %d °C"},
	"board.heat.absent": {"到 %d °C 降速", "slowed down at %d °C"},

	"board.watchdog.what": {"%s，最长 %d 秒", "%s, %d s at most"},

	"board.journal.volatile":   {"系统日志：存储卡和 eMMC 上只放内存；sentrybox board --apply", "System log: in memory alone, to spare the card or eMMC; sentrybox board --apply"},
	"board.journal.persistent": {"系统日志：放磁盘，限制大小；sentrybox board --apply", "System log: on the disk, bounded; sentrybox board --apply"},
	"board.applied":            {"已写入 %s。用 systemctl restart systemd-journald 生效。", "wrote %s; systemctl restart systemd-journald has it take effect"},
	"board.same":               {"%s 已经是这样，没有改动。", "%s is so already; nothing was changed"},
	"board.apply.unknown":      {"不认识这块板卡，没有改动。", "the board is not known; nothing was changed"},
	"board.foreign":            {"%s 不是岗亭写的，没有改动。", "%s was not written by Sentrybox; nothing was changed"},
}

package text

// care is what backup, restore, the support bundle, programs' tokens and the name of the
// box say.
var care = map[Key]sentence{ //nolint:gochecknoglobals // a table, never written to
	"help.backup":            {"把整个站点备份到一个加密文件。", "Back the whole site up to one encrypted file."},
	"help.backup_alerts":     {"连同告警数据库（默认带上，--no-alerts 不带）", "with the database of alerts (--no-alerts: without)"},
	"help.backup_evidence":   {"连同图片和录像（可能很大）", "with pictures and clips, which may be large"},
	"help.backup_file":       {"备份文件", "the backup"},
	"help.passphrase_file":   {"第一行是备份口令的文件；不给则询问", "file whose first line is the backup's passphrase; asked for otherwise"},
	"help.restore":           {"用备份替换这台设备上的站点，或复制一个站点到新设备。", "Have a backup take the place of this box's site, or copy a site to the next box."},
	"help.restore_show":      {"只显示备份里有什么", "only show what is inside"},
	"help.restore_yes":       {"不再询问", "do not ask"},
	"help.restore_copy":      {"复制成另一个站点：新的编号和证书，不带告警", "make it a site of its own: another identity and certificate, without the alerts"},
	"help.restore_gateway":   {"复制后的网关编号", "the copy's gateway"},
	"help.restore_street":    {"复制后的街道", "the copy's street"},
	"help.restore_community": {"复制后的社区", "the copy's community"},
	"help.restore_page":      {"连备份里的网页地址和证书文件一起采用（默认保留本机的）", "also take over the page's address and certificate files (this box's stay by default)"},
	"help.restore_data":      {"数据目录，配置文件还不存在时要给", "the data folder, where there is no configuration yet"},

	"backup.prompt":   {"备份口令（至少 10 个字符）：", "Passphrase of the backup (10 characters or more): "},
	"backup.owner":    {"数据目录属于 %s，请用这个用户运行：sudo -u %s sentrybox …", "the data folder belongs to %s: run this as that user, sudo -u %s sentrybox …"},
	"backup.made":     {"已备份到 %s：%s", "backed up to %s: %s"},
	"backup.contents": {"网关 %s（%s / %s），%s 由版本 %s 备份：摄像机 %d，传感器 %d，用户 %d，配置历史 %d，告警 %d（未关闭 %d），图片和录像 %d，共 %s", "gateway %s (%s / %s), made %s by version %s: %d cameras, %d sensors, %d users, %d old configurations, %d alerts (%d open), %d pictures and clips, %s in all"},
	"backup.leftout":  {"没有备份（太大或不是普通文件）：%s", "left out, being too large or no plain file: %s"},
	"restore.here":    {"本机现在是网关 %s，有 %d 条告警。", "This box is gateway %s now, with %d alerts."},
	"restore.merges":  {"同一个网关：本机已有的告警都保留，备份里多出的会补上。", "It is the same gateway: its alerts stay, and those that only the backup has are added."},
	"restore.aside":   {"本机现有的站点会移到数据目录的 before-restore 里，保留 7 天。", "The site that is here moves to before-restore in the data folder, for 7 days."},
	"restore.sure":    {"替换吗？输入 yes：", "Replace it? Type yes: "},
	"restore.no":      {"没有改动。", "Nothing is changed."},
	"restore.done":    {"站点已恢复。页面地址：%s。请用备份里的用户登录。", "The site is restored. The page is at %s. Sign in as a user of the backup."},
	"restore.running": {"正在运行的网关会在几秒内换成恢复的站点。", "The gateway that runs takes the restored site over within seconds."},

	"backup.error.passphrase": {"口令不对。", "The passphrase is wrong."},
	"backup.error.weak":       {"口令至少要 10 个字符。", "A passphrase has 10 characters or more."},
	"backup.error.none":       {"这不是岗亭的备份文件。", "This is no backup of a site."},
	"backup.error.damaged":    {"备份文件不完整、已损坏，或磁盘放不下。", "The backup is cut off, damaged, or larger than the disk has room for."},
	"backup.error.newer":      {"备份来自更新的版本，请先升级本机。", "A newer version has made this backup: update this box first."},
	"backup.error.busy":       {"另一个备份或恢复正在进行。", "Another backup or restore is under way."},
	"backup.error.upload":     {"请先上传备份文件。", "Upload the backup first."},
}

package text

// guard is what is said of secrets, of files that others may read, and of what people may ask of
// pictures of themselves.
var guard = map[Key]sentence{ //nolint:gochecknoglobals // a table, never written to
	"help.secret":            {"从标准输入读一个密码，用本机密钥加密，打印可写进配置的 ${enc:…}；没有密钥时先生成一个。", "Read a secret from standard input, seal it with this box's key, and print ${enc:…} for the configuration; makes the key if there is none."},
	"help.privacy":           {"个人请求：某段时间的影像，导出或删除。", "For a person's request: export or delete the pictures of a time."},
	"help.privacy_export":    {"把这段时间的告警、图片和录像写进一个 tar 文件。", "Write the alerts, pictures and clips of a time to a tar file."},
	"help.privacy_delete":    {"从本机删除这段时间的图片和录像；不带 --yes 只列出。", "Delete the pictures and clips of a time from this box; without --yes only says what there is."},
	"help.privacy_time":      {"时间：2026-03-01T12:00（网关所在时区）或 RFC 3339。", "A time: 2026-03-01T12:00 where the gateway is, or RFC 3339."},
	"help.privacy_device":    {"只看这个摄像机或传感器；不写则是全部。", "This camera or sensor alone; every one if not given."},
	"help.privacy_by":        {"谁在办理，记入操作日志。", "Who does it, for the audit log."},
	"help.privacy_out":       {"要写的文件，不能已存在。", "File to write, which must not exist."},
	"help.privacy_yes":       {"真的删除。", "Really delete."},
	"privacy.time":           {"看不懂时间 %q 或 %q，请写成 2026-03-01T12:00", "%q or %q is no time, write 2026-03-01T12:00"},
	"privacy.exported":       {"%d 条告警，%d 个文件，已写入 %s", "%d {0|alert|alerts} and %d {1|file|files} are in %s"},
	"privacy.would":          {"将删除 %d 个文件和 %d 条待发图片，涉及 %d 条告警（加 --yes 才删除）：", "%d {0|file|files} and %d {1|picture|pictures} that {1|waits|wait} to be sent would be deleted, of %d {2|alert|alerts} (with --yes they are):"},
	"privacy.deleted":        {"已删除 %d 个文件和 %d 条待发图片，涉及 %d 条告警：", "%d {0|file|files} and %d {1|picture|pictures} that waited to be sent are deleted, of %d {2|alert|alerts}:"},
	"privacy.would.copies":   {"还将删除 %d 份旧数据（恢复前的站点、损坏的数据库），其中可能有这段时间的图片。", "%d older {0|copy|copies} of the data, from before a restore or damaged, would be deleted, too: there may be pictures of that time in {0|it|them}."},
	"privacy.deleted.copies": {"还删除了 %d 份旧数据（恢复前的站点、损坏的数据库）。", "%d older {0|copy|copies} of the data, from before a restore or damaged, {0|is|are} deleted, too."},
	"privacy.elsewhere":      {"值班室可能已收到这些告警的缩略图和录像，请按上面的编号在那里删除。", "The duty room may have thumbnails and clips of these alerts: delete them there, by these ids."},
	"secret.prompt":          {"要加密的内容：", "Secret: "},
	"secret.made":            {"已生成密钥 %s，权限 0600。只有单独拷走的配置文件才少不了它。备份不需要它：加密的内容另存在备份里，由备份口令保护，在任何设备上都能恢复（恢复时用那台设备自己的密钥重新加密）。", "The key %s was made, with mode 0600. Only the configuration file by itself needs it. A backup does not: it carries what is sealed under the backup's own passphrase, and can be restored on any box (where it is sealed anew with that box's own key)."},
	"config.env.sealed":      {"这段加密内容打不开：缺少 secret.key，或不是用它加密的，或别人可以读它", "this sealed text cannot be opened: secret.key is missing, is another, or may be read by others"},
	"audit.camera.unmasked":  {"查看带隐私遮挡的摄像机的实时画面", "live picture of a camera with private parts looked at"},
	"audit.privacy.export":   {"导出某段时间的影像（个人请求）", "pictures of a time exported, for a person's request"},
	"audit.privacy.delete":   {"删除某段时间的影像（个人请求）", "pictures of a time deleted, for a person's request"},
	"check.mode":             {"警告：%s 的权限是 %04o，别的用户可以读，应为 %04o：chmod %[3]o %[1]s", "warning: %s has mode %04o, so that others may read it; it should be %04o: chmod %[3]o %[1]s"},
	"check.plain":            {"提示：%s 里有明文密码，可用 sentrybox secret 加密", "note: %s holds passwords as plain text; sentrybox secret seals them"},
}

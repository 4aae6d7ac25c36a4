package text

// updates is what an update says.
var updates = map[Key]sentence{ //nolint:gochecknoglobals // a table, never written to
	"help.update":           {"用签名的升级文件升级本机（用 root 运行）；新版本起不来就退回旧版本。", "Update this box from a signed file, as root; the old version comes back when the new one does not come up."},
	"help.update_file":      {"升级文件（.update）。", "The update, a .update file."},
	"help.update_keys":      {"信任的 minisign 公钥，只有 root 能改。", "The minisign public keys that are trusted; root's alone to change."},
	"help.update_downgrade": {"也装更旧的版本。", "Install an older version, too."},
	"help.update_within":    {"新版本多久之内要正常，否则退回。", "Time in which the new version must be well, or else the old one comes back."},
	"help.update_steady":    {"要连续正常多久才算成功。", "For how long it must be well without a break."},
	"help.update_resume":    {"退回被断电打断的升级（开机时由系统运行）。", "Take back an update that a power cut has left; run at boot."},
	"update.root":           {"升级要用 root 运行：sudo sentrybox update …", "an update needs root: sudo sentrybox update …"},
	"update.which":          {"请给出升级文件。", "which update? Give the file."},
	"update.proven":         {"已从 %s 升级到 %s。", "updated from %s to %s."},
	"update.returned":       {"仍是 %s：%s 没有起来，已退回。", "still %s: %s did not come up and was taken back."},
	"update.unchanged":      {"仍是 %s：升级到 %s 没有开始，什么也没改。", "still %s: the update to %s had not begun, nothing is changed."},

	"web.update.title": {"升级", "Update"},
	"web.update.intro": {"本机版本 %s。用签名的升级文件在设备上升级；新版本起不来、或中途断电，会退回旧版本：", "This is version %s. Update it at the box from a signed file; if the new version does not come up, or the power fails, the old one comes back:"},

	"update.error.nokey":     {"本机没有升级公钥，不能升级%s。", "This box has no key of updates, and takes none%s."},
	"update.error.key":       {"升级公钥不可信%s。", "The key of updates cannot be trusted%s."},
	"update.error.none":      {"这不是岗亭的升级文件，或文件不完整%s。", "This is no update of Sentrybox, or not all of it%s."},
	"update.error.signature": {"升级文件的签名不对，或文件已损坏%s。", "The update's signature is wrong, or it is damaged%s."},
	"update.error.arch":      {"升级文件是给另一种处理器的%s。", "The update is for another kind of processor%s."},
	"update.error.older":     {"升级文件不比已装的新（确实要装就加 --downgrade）%s。", "The update is not newer than what is installed (--downgrade installs it all the same)%s."},
	"update.error.busy":      {"另一个升级正在进行%s。", "Another update is under way%s."},
	"update.error.returned":  {"新版本没有起来，旧版本已恢复%s。", "The new version did not come up, and the old one is back%s."},
}

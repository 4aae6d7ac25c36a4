package backup

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"sentrybox/gateway/text"
)

// Sentence returns what a person is told of an error of this package, or nothing if
// it is none that a person can do something about.
func Sentence(err error) text.Key {
	for _, known := range []struct {
		err error
		key text.Key
	}{
		{ErrPassphrase, "backup.error.passphrase"}, {ErrWeak, "backup.error.weak"}, {ErrNewer, "backup.error.newer"},
		{ErrDamaged, "backup.error.damaged"}, {ErrNoBackup, "backup.error.none"}, {ErrBusy, "backup.error.busy"},
		{ErrNoOld, "backup.error.noold"}, {ErrKey, "backup.error.key"},
	} {
		if errors.Is(err, known.err) {
			return known.key
		}
	}
	return ""
}

// Would says what is in a backup and what it would do on this box.
func (f *Found) Would(l text.Lang) []string {
	lines := []string{Contents(l, &f.Manifest)}
	if f.Here.ID != "" {
		lines = append(lines, text.T(l, "restore.here", f.Here.ID, f.HereAlerts))
	}
	if f.Merge {
		lines = append(lines, text.T(l, "restore.merges"))
	}
	if f.Site {
		lines = append(lines, text.T(l, "restore.aside"))
	}
	return lines
}

// Contents says what is in a backup.
func Contents(l text.Lang, m *Manifest) string {
	n := m.Counts
	s := text.T(l, "backup.contents", m.Gateway.ID, m.Gateway.Street, m.Gateway.Community, m.Created.Local().Format(time.DateTime), m.Version,
		n.Cameras, n.Sensors, n.Users, n.Revisions, n.Alerts, n.OpenAlerts, n.Evidence, fmt.Sprintf("%.1f MB", float64(m.Bytes)/1e6))
	lines := []string{s}
	for _, path := range m.LeftOut {
		lines = append(lines, text.T(l, "backup.leftout", fmt.Sprintf("%q", path)))
	}
	return strings.Join(lines, "\n")
}

package config

import "time"

// Watchdog says when the box, or systemd, is to begin anew. systemd's own watchdog needs nothing
// here.
type Watchdog struct {
	// Device is a hardware watchdog, such as /dev/watchdog; none when empty. Where systemd has it
	// (RuntimeWatchdogSec) it is systemd's.
	Device string `yaml:"device"`
	// Timeout is after how long without a sign of life the hardware resets the box.
	Timeout Duration `yaml:"timeout"`
	// Patience is for how long a part of the main job may not work until watchdogs are no longer fed.
	Patience Duration `yaml:"patience"`
}

func defaultWatchdog() Watchdog {
	return Watchdog{Timeout: Duration(30 * time.Second), Patience: Duration(2 * time.Minute)}
}

func (d *document) finishWatchdog(w *Watchdog) {
	d.Span("watchdog.timeout", w.Timeout, Duration(10*time.Second), Duration(10*time.Minute))
	d.Span("watchdog.patience", w.Patience, Duration(5*time.Second), Duration(time.Hour))
}

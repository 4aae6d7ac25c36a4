package config

import "time"

// Where the last minutes of the cameras are kept.
const (
	LookbackMemory = "memory"
	LookbackDisk   = "disk"
)

// Lookback says how much of what the cameras have sent is kept, encoded, to try rules on. All
// cameras go back equally far, and what is kept ends with the program.
type Lookback struct {
	Bytes Size     `yaml:"bytes"` // of all cameras; 0 keeps the seconds that wait for alerts and no more
	Age   Duration `yaml:"age"`
	// On is memory, or disk: a file of that size in the data folder, which every picture is
	// written to. Cameras that keep no clips are not kept on disk.
	On string `yaml:"on"`
}

func defaultLookback() Lookback {
	return Lookback{Bytes: 32 * MiB, Age: Duration(10 * time.Minute), On: LookbackMemory}
}

func (d *document) finishLookback(l *Lookback) {
	d.OneOf("lookback.on", l.On, LookbackMemory, LookbackDisk)
	most := 4 * GiB
	if l.On == LookbackDisk {
		most = 512 * GiB
	}
	d.size("lookback.bytes", l.Bytes, 0, most)
	d.Span("lookback.age", l.Age, Duration(time.Minute), Duration(time.Hour))
}

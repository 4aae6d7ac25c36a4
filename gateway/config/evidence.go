package config

import (
	"time"

	"sentrybox/gateway/strict"
)

// Evidence says how much of what was seen is kept, and how long. Evidence of open
// alerts is always kept.
type Evidence struct {
	Before Duration `yaml:"before"` // of a clip, up to the deciding picture
	After  Duration `yaml:"after"`
	Bytes  Size     `yaml:"bytes"` // all of it together
	Age    Duration `yaml:"age"`
	// Memory is what the last seconds of all cameras may take while they wait for an
	// alert. All go back equally far: at most ten seconds, and less if it is used up.
	Memory Size `yaml:"memory"`
}

func defaultEvidence() Evidence {
	return Evidence{
		Before: Duration(5 * time.Second), After: Duration(10 * time.Second),
		Bytes: 2 * GiB, Age: Duration(30 * 24 * time.Hour), Memory: 24 * MiB,
	}
}

func (d *document) finishEvidence(e *Evidence) {
	// The ring of a camera holds ten seconds, of which analysis may lag behind by four.
	d.Span("evidence.before", e.Before, 0, Duration(5*time.Second))
	d.Span("evidence.after", e.After, Duration(time.Second), Duration(30*time.Second))
	d.size("evidence.bytes", e.Bytes, 16*MiB, 512*GiB)
	d.size("evidence.memory", e.Memory, 8*MiB, 4*GiB)
	d.Span("evidence.age", e.Age, Duration(time.Hour), strict.MaxDuration)
}

package main

import (
	"os"
	"runtime/debug"
)

// Garbage is collected when the gateway comes near to a size that suits a small box, and not
// before: most of it is the data of pictures, which no collector has to look into, and a
// collection more or less often is a part of what an idle camera costs.
const (
	memoryLimit = 72 << 20
	gcPercent   = 300
)

// tuneMemory sets the collector, unless the environment does.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}

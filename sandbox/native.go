//go:build !emulated

package sandbox

// Emulated is false: a process that cannot be shut in does not run.
const Emulated = false

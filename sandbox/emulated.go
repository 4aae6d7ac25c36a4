//go:build emulated

package sandbox

// Emulated is true in programs built with the tag emulated, which run on an
// emulated processor and without seccomp if that has none, as qemu-user. They
// are for tests and never shipped.
const Emulated = true

//go:build !race

package outbox_test

// backlog is how many items wait in tests of long backlogs.
const backlog = 50_000

//go:build race

package outbox_test

// backlog is shorter than it is else, for the race detector slows the database
// down tenfold.
const backlog = 2_000

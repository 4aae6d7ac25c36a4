//go:build race

package spool

// weekDays is shorter than a week, for the race detector slows the database down
// tenfold.
const weekDays = 1

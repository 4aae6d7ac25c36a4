//go:build !race

package spool

// weekDays is how long the line is gone.
const weekDays = 7

//go:build !cgo

// Command baseline needs cgo.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "baseline: built without cgo")
	os.Exit(1)
}

// Command sentrybox is the gateway of a community's security cameras: it takes
// their streams in, has them watched on the box, and brings alerts to the duty
// room over MQTT without losing one.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"sentrybox/gateway/beat"
)

func main() {
	if slices.Contains(os.Args, "run") { // which goes on; before a signal can be caught, and be lost
		if err := beat.Loosen(); err != nil {
			fmt.Fprintln(os.Stderr, "sentrybox: woken more often than need be:", err)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Command sentrybox is the gateway of a community's security cameras: it takes
// their streams in, has them watched on the box, and brings alerts to the duty
// room over MQTT without losing one.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

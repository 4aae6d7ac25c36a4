package driver

import (
	"context"
	"errors"
	"sync"
)

// Life joins Run and Halt. Drivers embed it and have Halt from it:
//
//	func (d *Driver) Run(ctx context.Context, emit func(driver.Message)) error {
//		ctx, end, err := d.Begin(ctx)
//		if err != nil {
//			return err
//		}
//		defer end()
//		return d.Ended(d.read(ctx, emit))
//	}
//
// The zero value is ready.
type Life struct {
	mu     sync.Mutex
	cancel context.CancelFunc
	done   chan struct{} // closed when the present Run has ended; nil if none runs
	halted bool
}

// Begin opens a Run. The context that it returns ends with ctx and with Halt;
// end must be called when Run is done. It fails with ErrHalted after Halt.
func (l *Life) Begin(ctx context.Context) (run context.Context, end func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.halted {
		return nil, nil, ErrHalted
	}
	if l.done != nil {
		return nil, nil, errors.New("running already")
	}
	run, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	l.cancel, l.done = cancel, done
	return run, func() {
		cancel()
		l.mu.Lock()
		l.cancel, l.done = nil, nil
		l.mu.Unlock()
		close(done)
	}, nil
}

// Halt ends Run and waits for it.
func (l *Life) Halt() error {
	l.mu.Lock()
	l.halted = true
	cancel, done := l.cancel, l.done
	l.mu.Unlock()
	if done != nil {
		cancel()
		<-done
	}
	return nil
}

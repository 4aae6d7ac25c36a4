package driver

import "context"

// Turn is something, such as the switch of an output, that waits for its turn on a line that does one thing at a
// time. Make it with NewTurn.
type Turn[T any] struct {
	Do T

	ctx  context.Context // of who waits
	done chan error      // buffered
}

// NewTurn makes a turn for who waits as long as ctx lasts.
func NewTurn[T any](ctx context.Context, do T) *Turn[T] {
	return &Turn[T]{Do: do, ctx: ctx, done: make(chan error, 1)}
}

// Done ends the wait for a turn, once. It does not wait itself.
func (t *Turn[T]) Done(err error) { t.done <- err }

// Wait returns what Done is told, or the context's error when that ends before.
func (t *Turn[T]) Wait() error {
	select {
	case err := <-t.done:
		return err
	case <-t.ctx.Done():
		return t.ctx.Err()
	}
}

// Turns are those that wait, in their order. The zero value is empty. The lock under which a driver has its line
// guards it.
type Turns[T any] []*Turn[T]

// Next takes the first for which somebody still waits; nil if there is none.
func (q *Turns[T]) Next() *Turn[T] {
	for len(*q) > 0 {
		t := (*q)[0]
		*q = (*q)[1:]
		if t.ctx.Err() == nil {
			return t
		}
	}
	return nil
}

// End tells all that their turn will not come: ErrNotRunning.
func (q *Turns[T]) End() {
	for _, t := range *q {
		t.Done(ErrNotRunning)
	}
	*q = nil
}

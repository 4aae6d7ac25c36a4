package evidence

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"sentrybox/drivers/media"
	"sentrybox/gateway/alert"
)

const (
	maxClip       = 32 << 20 // bytes
	maxRecordings = 2        // of one camera at once, and of all cameras eight
	maxAll        = 8
	maxPictures   = 8 // beside them
	pictureWithin = 20 * time.Second
)

// Keeper makes the evidence of alerts.
type Keeper struct {
	*Folder
	// Attach adds a part to an alert, and runs a function in the same transaction.
	Attach func(ctx context.Context, id, part string, also func(*sql.Tx) error) error

	kept, lost atomic.Uint64

	mu       sync.Mutex
	running  map[string]int // guarded by mu: recordings, by device
	pictures int            // guarded by mu: that are waited for by themselves
	wg       sync.WaitGroup
}

// Request says what to keep of an alert.
type Request struct {
	Alert, Device string
	// Picture waits for a JPEG; nil for none. Record waits for a clip's access
	// units; nil for none. Voice waits for a WAV file; nil for none.
	Picture func(context.Context) []byte
	Record  func(context.Context) ([]media.AccessUnit, error)
	Voice   func(context.Context) ([]byte, error)
}

// Counts returns how many files were kept, and how many could not be.
func (k *Keeper) Counts() (kept, lost uint64) { return k.kept.Load(), k.lost.Load() }

// Keep begins to gather evidence and returns at once. What is under way ends
// early with ctx, and is kept as it is then. When too much is recorded at once only the
// picture is kept.
func (k *Keeper) Keep(ctx context.Context, r Request) {
	done := k.admit(&r)
	if done == nil {
		return
	}
	k.wg.Go(func() {
		defer done()
		k.keep(ctx, r)
	})
}

// admit counts a request, which it may shorten, as running until done is called; done is nil if
// there is no room for any of it.
func (k *Keeper) admit(r *Request) (done func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.running == nil {
		k.running = map[string]int{}
	}
	all := 0
	for _, n := range k.running {
		all += n
	}
	if k.running[r.Device] < maxRecordings && all < maxAll {
		k.running[r.Device]++
		return func() { k.ended(func() { k.running[r.Device]-- }) }
	}
	k.lost.Add(1)
	if r.Picture == nil || k.pictures >= maxPictures {
		k.Log.Warn("too much evidence at once, none of this alert is kept", "alert", r.Alert, "device", r.Device)
		return nil
	}
	k.Log.Info("too much evidence at once, only the picture of this alert is kept", "alert", r.Alert, "device", r.Device)
	r.Record, r.Voice = nil, nil
	k.pictures++
	return func() { k.ended(func() { k.pictures-- }) }
}

func (k *Keeper) ended(count func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	count()
}

// Wait waits for what is under way.
func (k *Keeper) Wait() { k.wg.Wait() }

func (k *Keeper) keep(ctx context.Context, r Request) {
	var wg sync.WaitGroup
	if r.Picture != nil {
		wg.Go(func() {
			waiting, cancel := context.WithTimeout(ctx, pictureWithin)
			defer cancel()
			if jpeg := r.Picture(waiting); len(jpeg) > 0 {
				k.write(ctx, r, Picture, func(w io.Writer) error {
					_, err := w.Write(jpeg)
					return err
				})
			}
		})
	}
	if r.Record != nil {
		if units, err := r.Record(ctx); err != nil {
			k.lose(r, Clip, err)
		} else {
			k.write(ctx, r, Clip, func(w io.Writer) error { return WriteClip(w, units) })
		}
	}
	if r.Voice != nil {
		if wav, err := r.Voice(ctx); err != nil {
			k.lose(r, Voice, err)
		} else {
			k.write(ctx, r, Voice, func(w io.Writer) error {
				_, err := w.Write(wav)
				return err
			})
		}
	}
	wg.Wait()
}

// writeWithin bounds what is still done after the end.
const writeWithin = 5 * time.Second

func (k *Keeper) write(ctx context.Context, r Request, part string, fill func(io.Writer) error) {
	end := ctx
	ctx, cancel := context.WithCancel(context.WithoutCancel(end))
	defer cancel()
	defer context.AfterFunc(end, func() { time.AfterFunc(writeWithin, cancel) })()
	err := k.Room(ctx)
	if err == nil {
		err = k.Write(r.Alert, part, fill, func(file File) error {
			return k.Attach(ctx, r.Alert, part, func(tx *sql.Tx) error { return k.Insert(ctx, tx, file) })
		})
	}
	if err != nil {
		k.lose(r, part, err)
		return
	}
	k.kept.Add(1)
	k.Log.Info("evidence kept", "alert", r.Alert, "device", r.Device, "part", part)
}

func (k *Keeper) lose(r Request, part string, err error) {
	if errors.Is(err, alert.ErrInvalid) {
		return // the alert is gone
	}
	k.lost.Add(1)
	k.Log.Error("no evidence", "alert", r.Alert, "device", r.Device, "part", part, "error", err)
}

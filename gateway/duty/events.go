package duty

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	// beatEvery is how often a page hears that its data are current.
	beatEvery    = 3 * time.Second
	eventWritten = 10 * time.Second // to a browser that does not read
	// gather is how long changes of a burst are put together.
	gather = 100 * time.Millisecond
)

// events is the one stream of a page (server-sent events, HTML standard, 9.2): everything at first and at
// each change, and a sign of life in between. It ends with the session.
func (c *Console) events(w http.ResponseWriter, r *http.Request, a *asker) error {
	select {
	case c.streams <- struct{}{}:
		defer func() { <-c.streams }()
	default:
		return &failure{http.StatusServiceUnavailable, "duty.error.busy"}
	}
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	write := func(kind string, v any) error {
		data, err := json.Marshal(v)
		if err != nil {
			return err
		}
		_ = out.SetWriteDeadline(time.Now().Add(eventWritten))
		if _, err := fmt.Fprintf(w, "retry: 2000\nevent: %s\ndata: %s\n\n", kind, data); err != nil {
			return err
		}
		return out.Flush()
	}
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for {
		changed := c.next()
		s, ok, err := c.ledger.Session(r.Context(), a.token)
		if err != nil || !ok {
			return nil
		}
		a.Session = s
		o, err := c.look(r.Context(), a)
		if err == nil {
			err = write("state", o)
		}
		if err != nil {
			return nil // the browser asks again
		}
		for waiting := true; waiting; {
			select {
			case <-r.Context().Done():
				return nil
			case <-changed:
				time.Sleep(gather)
				waiting = false
			case <-beat.C:
				if _, ok, err := c.ledger.Session(r.Context(), a.token); err != nil || !ok {
					return nil
				}
				if err := write("beat", map[string]int64{"now": c.Now().UnixMilli()}); err != nil {
					return nil
				}
			}
		}
	}
}

package camera

import (
	"context"
	"sync"
	"time"

	"sentrybox/analytics/wire"
)

const (
	albumPictures = 8
	pictureWithin = 15 * time.Second
)

// album keeps a process's newest pictures until they are fetched.
type album struct {
	mu    sync.Mutex
	pics  []wire.Picture // guarded by mu, oldest first
	added chan struct{}  // guarded by mu: closed and replaced by put
}

func newAlbum() *album { return &album{added: make(chan struct{})} }

func (a *album) put(p wire.Picture) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.pics) >= albumPictures {
		a.pics[0] = wire.Picture{} // lets go of the JPEG
		a.pics = a.pics[1:]
	}
	a.pics = append(a.pics, p)
	close(a.added)
	a.added = make(chan struct{})
}

func (a *album) find(detection uint64) ([]byte, <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.pics {
		if p.Detection == detection {
			return p.JPEG, nil
		}
	}
	return nil, a.added
}

// picture waits for the picture of a detection. There is none if the process
// ends first, or does not send it.
func (p *Process) picture(ctx context.Context, detection uint64) []byte {
	timer := time.NewTimer(pictureWithin)
	defer timer.Stop()
	for {
		jpeg, more := p.album.find(detection)
		if more == nil {
			return jpeg
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil
		case <-timer.C:
			return nil
		case <-p.done:
			jpeg, _ := p.album.find(detection)
			return jpeg
		}
	}
}

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

func (a *album) find(detection uint64) (wire.Picture, <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.pics {
		if p.Detection == detection {
			return p, nil
		}
	}
	return wire.Picture{}, a.added
}

// picture waits for the picture of a detection. It has no JPEG if the process
// ends first, or does not send it.
func (p *Process) picture(ctx context.Context, detection uint64) wire.Picture {
	timer := time.NewTimer(pictureWithin)
	defer timer.Stop()
	for {
		pic, more := p.album.find(detection)
		if more == nil {
			return pic
		}
		select {
		case <-more:
		case <-ctx.Done():
			return wire.Picture{}
		case <-timer.C:
			return wire.Picture{}
		case <-p.done:
			pic, _ := p.album.find(detection)
			return pic
		}
	}
}

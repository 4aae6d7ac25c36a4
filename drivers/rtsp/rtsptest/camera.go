package rtsptest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/ntp"
	"github.com/pion/rtcp"

	"sentrybox/drivers/media"
)

const (
	defaultReportEvery = 5 * time.Second
	reportAfterPlay    = 200 * time.Millisecond
	// maxLate is how far a camera may lag behind before it skips the time instead
	// of catching up: the machine slept.
	maxLate = time.Second
)

// camera plays one path.
type camera struct {
	path       string
	conf       Camera
	log        *slog.Logger
	packetiser *packetiser
	player     *player // run's alone once that has begun
	desc       *description.Session
	stream     *gortsplib.ServerStream
	ssrc       uint32
	first      uint32 // RTP timestamp of time 0

	began   time.Time // when time 0 of the timeline was, on the monotonic clock
	packets uint32
	octets  uint32
	ended   chan struct{}

	mutex    sync.Mutex // guards what follows
	reportAt time.Time
	stalled  bool
	waitKey  bool // after a stall, for the next keyframe
	loss     float64
	random   *rand.Rand
	mangle   func([]byte) []byte
	other    Clip       // to go over to
	switched chan error // gets the outcome, nil if nothing was asked for
}

func newCamera(path string, c Camera, log *slog.Logger) (*camera, error) {
	cam := &camera{path: path, conf: c, log: log.With("camera", path), first: rand.Uint32(), ended: make(chan struct{})}
	if c.FirstTimestamp != nil {
		cam.first = *c.FirstTimestamp
	}
	var err error
	if cam.player, err = newPlayer(c.Clip, c.Offset, 0); err != nil {
		return nil, err
	}
	if cam.packetiser, err = newPacketiser(cam.player.queue[0]); err == nil {
		_, err = cam.packetiser.packets(cam.player.queue[0].Data)
	}
	if err != nil {
		cam.player.close()
		return nil, err
	}
	cam.desc = cam.packetiser.session(path)
	return cam, nil
}

// attach makes the stream that readers get.
func (c *camera) attach(s *gortsplib.Server) error {
	st := &gortsplib.ServerStream{Server: s, Desc: c.desc}
	if err := st.Initialize(); err != nil {
		return err
	}
	c.stream = st
	c.ssrc = st.Stats().Medias[c.desc.Medias[0]].Formats[c.packetiser.format].LocalSSRC
	return nil
}

// close releases what run and the readers used.
func (c *camera) close() {
	c.player.close()
	if c.stream != nil {
		c.stream.Close()
	}
}

// run plays until ctx ends.
func (c *camera) run(ctx context.Context) {
	defer close(c.ended)
	c.began = time.Now()
	c.reportSoon()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var latest, due, step time.Duration
	for {
		c.switchClip(latest + step)
		au, at, err := c.player.next()
		if err != nil {
			c.log.Info("the clip cannot be played on", "cause", err)
			<-ctx.Done()
			return
		}
		step, due, latest = min(max(at-due, time.Millisecond), time.Second), at, max(latest, au.PTS)
		wait := time.Until(c.began.Add(due))
		if wait < -maxLate {
			c.began = c.began.Add(-wait)
			wait = 0
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		c.send(au)
	}
}

// send puts one picture on its way.
func (c *camera) send(au media.AccessUnit) {
	c.mutex.Lock()
	mangle, report := c.mangle, false
	silent := c.stalled || c.waitKey && !au.Keyframe
	if !silent {
		c.waitKey = false
		if now := time.Now(); !c.reportAt.IsZero() && !now.Before(c.reportAt) {
			report = true
			c.reportAt = now.Add(c.reportEvery())
		}
	}
	c.mutex.Unlock()
	if silent {
		return
	}
	if report {
		c.report()
	}
	data := au.Data
	if mangle != nil {
		if data = mangle(bytes.Clone(data)); len(data) == 0 {
			return
		}
	}
	list, err := c.packetiser.packets(data)
	if err != nil {
		c.log.Debug("picture not sent", "cause", err)
		return
	}
	if c.conf.Sent != nil {
		c.conf.Sent(c.began.Add(au.PTS+c.conf.ClockError), time.Now())
	}
	for _, p := range list {
		if c.lost() {
			continue
		}
		p.Timestamp = c.timestamp(au.PTS)
		c.packets++
		c.octets += uint32(len(p.Payload))
		if err := c.stream.WritePacketRTP(c.desc.Medias[0], p); err != nil {
			c.log.Debug("packet not sent", "cause", err)
			return
		}
	}
}

func (c *camera) lost() bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.loss > 0 && c.random.Float64() < c.loss
}

// timestamp returns the RTP timestamp of a time of the timeline. It wraps.
func (c *camera) timestamp(at time.Duration) uint32 {
	s, rest := at/time.Second, at%time.Second
	return c.first + uint32(int64(s)*clockRate+int64(rest)*clockRate/int64(time.Second))
}

// report sends an RTCP sender report (RFC 3550 6.4.1) for this moment.
func (c *camera) report() {
	now := time.Now()
	err := c.stream.WritePacketRTCP(c.desc.Medias[0], &rtcp.SenderReport{
		SSRC:        c.ssrc,
		NTPTime:     ntp.Encode(now.Add(c.conf.ClockError)),
		RTPTime:     c.timestamp(now.Sub(c.began)),
		PacketCount: c.packets,
		OctetCount:  c.octets,
	})
	if err != nil {
		c.log.Debug("sender report not sent", "cause", err)
	}
}

func (c *camera) reportEvery() time.Duration {
	if c.conf.ReportEvery == 0 {
		return defaultReportEvery
	}
	return c.conf.ReportEvery
}

// reportSoon asks for a report once a reader that is just coming is there.
func (c *camera) reportSoon() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.reportEvery() > 0 {
		c.reportAt = time.Now().Add(reportAfterPlay)
	}
}

// switchClip goes over to another clip if one was asked for, at time start.
func (c *camera) switchClip(start time.Duration) {
	c.mutex.Lock()
	other, done := c.other, c.switched
	c.other, c.switched = nil, nil
	c.mutex.Unlock()
	if done == nil {
		return
	}
	p, err := newPlayer(other, 0, start)
	if err == nil && p.queue[0].Codec != c.packetiser.codec {
		err = fmt.Errorf("the other clip is %s, the camera's is %s", p.queue[0].Codec, c.packetiser.codec)
		p.close()
	}
	if err == nil {
		c.player.close()
		c.player = p
		c.packetiser.describe(p.queue[0].Data)
	}
	done <- err
}

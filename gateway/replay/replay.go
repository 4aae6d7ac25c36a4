// Package replay runs a video file through the very same vision process as a
// live camera, as fast as it goes.
package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"strings"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/drivers/media"
	"sentrybox/drivers/mp4"
	"sentrybox/gateway/camera"
	"sentrybox/gateway/config"
)

// Replay is one run over one file. Set the fields, then Run.
type Replay struct {
	Camera       *config.Camera
	Video        string // path of an MP4 file
	VisionPath   string
	AddressSpace int       // MiB
	Out          io.Writer // a JSON object a line
	Progress     io.Writer // a progress bar, or nil
	Annotate     string    // path of an MP4 file to write: the video with all that is thought of it drawn; or empty
	Explain      string    // path of a file to write: the same as data, a wire.Overlay a line in JSON; or empty
	Log          *slog.Logger
}

// Line is one behaviour. Times are seconds of media time; Box is x, y, width and
// height as fractions of the picture.
type Line struct {
	Kind       wire.Kind `json:"kind"`
	Zone       string    `json:"zone"`
	Start      float64   `json:"start"`
	Detected   float64   `json:"detected"`
	End        float64   `json:"end"`
	Box        wire.Box  `json:"box"`
	Confidence float64   `json:"confidence"`
	Agitated   bool      `json:"agitated,omitempty"` // of a gathering
	// Of a thrown object, see wire.Detection.
	Track []wire.TrackPoint `json:"track,omitempty"`
	Floor string            `json:"floor,omitempty"`
}

// Summary is the last line.
type Summary struct {
	Kind       string  `json:"kind"`           // "summary"
	Seconds    float64 `json:"seconds"`        // media time
	Seen       uint64  `json:"frames_seen"`    // access units in the file
	Decoded    uint64  `json:"frames_decoded"` // pictures
	Analysed   uint64  `json:"frames_analysed"`
	Damaged    uint64  `json:"frames_damaged"` // access units that the decoder refused
	Wall       float64 `json:"wall_seconds"`
	CPU        float64 `json:"cpu_seconds"`       // of the vision process
	PeakMemory int64   `json:"peak_memory_bytes"` // of the vision process, resident
	// Confirmed counts the second opinions on people, if any were asked for.
	Confirmed *wire.Confirmed `json:"confirmed,omitempty"`
}

// epoch is the wall clock of media time 0: a replay knows no other, and two
// replays of a file are the same.
const epoch = 1_735_689_600 // 2025-01-01 UTC

// Run replays the file. It returns an error when the file cannot be read to its
// end or the vision process fails; the lines until then have been written.
func (r *Replay) Run(ctx context.Context) error {
	f, err := os.Open(r.Video)
	if err != nil {
		return fmt.Errorf("open the video: %w", err)
	}
	defer f.Close()
	video, err := mp4.Open(f)
	if err != nil {
		return fmt.Errorf("%s: %w", r.Video, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	see, err := r.newShown(cancel)
	if err != nil {
		return err
	}
	defer see.close()
	began := time.Now()
	p, err := r.start(ctx, see)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, p.Kill)
	defer stop()
	fed := make(chan error, 1)
	go func() { fed <- r.feed(ctx, video, p) }()
	if err := r.write(p); err != nil {
		cancel()
		<-fed
		return err
	}
	fedErr := <-fed
	if see.err != nil {
		return see.err
	}
	if p.Err() != nil {
		return fedErr
	}
	err = r.line(r.summary(p, video.Duration(), time.Since(began)))
	return errors.Join(err, fedErr, see.finish(video.Duration()))
}

// start starts a process that does what the replay needs.
func (r *Replay) start(ctx context.Context, see *shown) (*camera.Process, error) {
	cfg, schedules := camera.WireConfig(r.Camera)
	cfg.Replay, cfg.AddressSpace = true, uint64(r.AddressSpace)<<20
	for range schedules {
		cfg.Armed = append(cfg.Armed, true)
	}
	_, models := r.Camera.SecondOpinion()
	process := camera.ProcessConfig{Path: r.VisionPath, Config: cfg, Models: models, Log: r.Log}
	see.ask(&process)
	p, err := camera.StartProcess(ctx, process)
	if err != nil {
		return nil, err
	}
	if p.Hello().NoEncoder {
		p.Kill()
		return nil, ErrNoEncoder
	}
	if err := p.NoDetector(); err != nil {
		r.Log.Warn("the people detector cannot be used, going on without", "error", err)
	}
	return p, nil
}

// summary returns the last line of a replay whose process is gone.
func (r *Replay) summary(p *camera.Process, length, wall time.Duration) Summary {
	pr := p.Progress()
	cpu, peak := p.Usage()
	sum := Summary{
		Kind: "summary", Seconds: round(length.Seconds(), 3),
		Seen: pr.Seen, Decoded: pr.Decoded, Analysed: pr.Analysed, Damaged: pr.Damaged,
		Wall: round(wall.Seconds(), 3), CPU: round(cpu.Seconds(), 3), PeakMemory: peak,
	}
	if detector, _ := r.Camera.SecondOpinion(); detector != nil {
		sum.Confirmed = &pr.Confirmed
	}
	return sum
}

// feed hands every access unit of the file to p and asks it to finish, also when
// the file ends too early, which is an error.
func (r *Replay) feed(ctx context.Context, video *mp4.Reader, p *camera.Process) error {
	bar := newBar(r.Progress, video.Len())
	defer bar.close()
	for seq := uint64(1); ; seq++ {
		au, err := video.Next()
		if errors.Is(err, io.EOF) {
			return p.Finish(ctx)
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return errors.Join(fmt.Errorf("%s ends after %d of %d pictures: %w", r.Video, seq-1, video.Len(), err), p.Finish(ctx))
		}
		var broken *mp4.SampleError
		if errors.As(err, &broken) { // the pictures after it can be read
			r.Log.Warn("a picture of the file is broken", "file", r.Video, "error", err)
			seq--
			continue
		}
		if err != nil {
			p.Kill()
			return fmt.Errorf("%s, picture %d: %w", r.Video, seq, err)
		}
		if err := p.Send(wireUnit(seq, au)); err != nil {
			p.Kill()
			return errors.Join(ctx.Err(), p.Err())
		}
		bar.set(int(seq))
	}
}

func wireUnit(seq uint64, au media.AccessUnit) wire.AccessUnit {
	return wire.AccessUnit{
		Seq: seq, PTS: au.PTS, Wall: time.Unix(epoch, 0).Add(au.PTS), Codec: uint8(au.Codec),
		Keyframe: au.Keyframe, Gap: au.Gap, Data: au.Data,
	}
}

// write prints a line for each behaviour when it is over.
func (r *Replay) write(p *camera.Process) error {
	var err error
	for d := range p.Detections() { // to the end, also after an error: p waits for us
		if d.Phase != wire.Ended || err != nil {
			continue
		}
		l := Line{
			Kind: d.Kind, Zone: d.Zone, Start: round(d.Start, 3), Detected: round(d.Detected, 3), End: round(d.End, 3),
			Confidence: round(d.Confidence, 2), Agitated: d.Agitated,
		}
		for i, v := range d.Box {
			l.Box[i] = round(v, 4)
		}
		l.Floor = d.Floor
		for _, p := range d.Track {
			l.Track = append(l.Track, wire.TrackPoint{round(p[0], 3), round(p[1], 4), round(p[2], 4)})
		}
		if err = r.line(l); err != nil {
			go p.Kill() // which waits until what we take here is at its end
		}
	}
	return err
}

func (r *Replay) line(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode a line: %w", err)
	}
	if _, err := r.Out.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("write a line: %w", err)
	}
	return nil
}

func round(v float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(v*scale) / scale
}

// bar draws how far a replay is, at most ten times a second.
type bar struct {
	w     io.Writer
	total int
	drawn time.Time
}

const barWidth = 40

func newBar(w io.Writer, total int) *bar { return &bar{w: w, total: max(total, 1)} }

func (b *bar) set(n int) {
	if b.w == nil || time.Since(b.drawn) < 100*time.Millisecond {
		return
	}
	b.drawn = time.Now()
	full := min(n*barWidth/b.total, barWidth)
	_, _ = fmt.Fprintf(b.w, "\r[%s%s] %3d %%", strings.Repeat("=", full), strings.Repeat(" ", barWidth-full), min(100*n/b.total, 100))
}

func (b *bar) close() {
	if b.w != nil {
		_, _ = fmt.Fprintf(b.w, "\r%s\r", strings.Repeat(" ", barWidth+8))
	}
}

package main

import (
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed page.html
var pageHTML string

// maxShown bounds the misses and false alarms of one clip that get pictures.
const maxShown = 20

// page writes a folder with an index.html that shows every miss and false alarm
// of our own measurement.
type page struct {
	Out    string
	Report *report
	Clips  []clip

	number int
}

type shownClip struct {
	Name  string
	Score string
	Error string
	Items []shownItem
	Left  int // not shown
}

type shownItem struct {
	Title    string
	Miss     bool
	Pictures []shownPicture
}

type shownPicture struct{ File, Caption string }

func (p *page) write(ctx context.Context) error {
	if err := p.clear(); err != nil {
		return fmt.Errorf("prepare the page: %w", err)
	}
	var clips []shownClip
	for i, r := range p.Report.Ours.Clips {
		s := shownClip{
			Name: r.Name, Error: r.Error,
			Score: fmt.Sprintf("%d of %d found, %d false", len(r.Found), len(r.Found)+len(r.Missed), len(r.False)),
		}
		for _, e := range r.Missed {
			title := fmt.Sprintf("missed: %s in %s, %.1f to %.1f s", e.Kind, e.Zone, e.Start, e.End)
			s.add(ctx, p, &p.Clips[i], title, e.Zone, nil, moments{e.Start + 0.2, (e.Start + e.End) / 2, e.End})
		}
		for _, d := range r.False {
			title := fmt.Sprintf("false: %s in %s at %.1f s, from %.1f to %.1f s, confidence %.2f", d.Kind, d.Zone, d.Detected, d.Start, d.End, d.Confidence)
			s.add(ctx, p, &p.Clips[i], title, d.Zone, &d, moments{d.Start, d.Detected, d.End})
		}
		clips = append(clips, s)
	}
	tmpl, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return fmt.Errorf("parse the page: %w", err)
	}
	f, err := os.Create(filepath.Join(p.Out, "index.html"))
	if err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	var table strings.Builder
	if err := p.Report.text(&table); err != nil {
		return err
	}
	err = tmpl.Execute(f, map[string]any{"Dir": p.Report.Dir, "Table": table.String(), "Clips": clips})
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// clear makes the folder and removes what an earlier page left in it.
func (p *page) clear() error {
	if err := os.MkdirAll(p.Out, 0o755); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(p.Out, "picture-*.jpg"))
	if err != nil {
		return err
	}
	for _, f := range append(old, filepath.Join(p.Out, "index.html")) {
		if err := os.Remove(f); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

// moments are the times, in seconds, of an item's pictures; what was decided is
// drawn on all of them.
type moments [3]float64

func (s *shownClip) add(ctx context.Context, p *page, c *clip, title, zone string, d *detection, at moments) {
	if len(s.Items) == maxShown {
		s.Left++
		return
	}
	item := shownItem{Title: title, Miss: d == nil}
	z := c.camera.Zones[zone]
	times := at[:]
	for i, t := range times {
		times[i] = min(max(t, 0), c.truth.Seconds)
	}
	for i, t := range slices.Compact(times) {
		p.number++
		name := fmt.Sprintf("picture-%04d.jpg", p.number)
		caption := fmt.Sprintf("%.1f s", t)
		if err := drawFrame(ctx, c.video, t, z, d, filepath.Join(p.Out, name)); err != nil {
			name, caption = "", fmt.Sprintf("%s: no picture: %v", caption, err)
		} else if d != nil && i == 1 {
			caption += ", decided"
		}
		item.Pictures = append(item.Pictures, shownPicture{File: name, Caption: caption})
	}
	s.Items = append(s.Items, item)
}

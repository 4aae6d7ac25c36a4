// Package recent keeps the newest lines of the log in memory, for the page.
package recent

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// Keep is how many lines are kept.
	Keep      = 2000
	maxLine   = 2000 // bytes of one
	maxAnswer = 500  // lines
)

// partKey is the attribute that names a part of the program.
const partKey = "part"

// Line is a line of the log.
type Line struct {
	N     int64      `json:"n"` // counts all lines since the start, from 1
	At    time.Time  `json:"at"`
	Part  string     `json:"part"` // of the program, empty for its whole
	Level slog.Level `json:"level"`
	Text  string     `json:"text"` // message and attributes
}

// Log keeps the newest lines. The zero value is ready.
type Log struct {
	mu    sync.Mutex
	lines []Line // guarded by mu, as a ring
	next  int    // guarded by mu
	count int64  // guarded by mu: lines since the start
}

func (l *Log) add(line Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	line.N = l.count
	if len(l.lines) < Keep {
		l.lines = append(l.lines, line)
		return
	}
	l.lines[l.next] = line
	l.next = (l.next + 1) % Keep
}

// Filter says which lines are asked for. The zero value asks for those of the level
// info and above.
type Filter struct {
	Least        slog.Level
	Text         string // that a line contains, in whatever case
	Part         string // of the program; empty for all
	Since, Until time.Time
	After        int64 // lines with a greater number
	Most         int   // lines; 500 when 0
}

func (f *Filter) fits(line *Line) bool {
	return line.N > f.After && line.Level >= f.Least && (f.Part == "" || line.Part == f.Part) &&
		(f.Since.IsZero() || !line.At.Before(f.Since)) && (f.Until.IsZero() || !line.At.After(f.Until)) &&
		strings.Contains(strings.ToLower(line.Text), f.Text)
}

// Parts lists the parts of the program that have said something.
func (l *Log) Parts() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	parts := []string{}
	for i := range l.lines {
		if p := l.lines[i].Part; p != "" && !slices.Contains(parts, p) {
			parts = append(parts, p)
		}
	}
	slices.Sort(parts)
	return parts
}

// Find returns the newest lines that are asked for, the newest first.
func (l *Log) Find(f Filter) []Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.Text = strings.ToLower(f.Text)
	found := []Line{}
	for i := range l.lines {
		line := l.lines[(l.next+len(l.lines)-1-i)%len(l.lines)]
		if f.fits(&line) {
			if found = append(found, line); len(found) == cmp.Or(f.Most, maxAnswer) {
				break
			}
		}
	}
	return found
}

// Handler returns a handler that hands on to next and keeps what next takes.
func (l *Log) Handler(next slog.Handler) slog.Handler { return &handler{Handler: next, log: l} }

type handler struct {
	slog.Handler
	log   *Log
	part  string
	attrs string // that were given before, as text
	group string // before the names of those to come
}

// Handle keeps a line and hands it on.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message + h.attrs)
	part := h.part
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == partKey && h.group == "" {
			part = a.Value.String()
		}
		b.WriteString(h.write(a))
		return true
	})
	text := b.String()
	if len(text) > maxLine {
		text = strings.ToValidUTF8(text[:maxLine], "") + "…"
	}
	h.log.add(Line{At: r.Time, Level: r.Level, Part: part, Text: text})
	return h.Handler.Handle(ctx, r)
}

func (h *handler) write(a slog.Attr) string {
	return fmt.Sprintf(" %s%s=%v", h.group, a.Key, a.Value.Resolve())
}

// WithAttrs is for slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.Handler = h.Handler.WithAttrs(attrs)
	for _, a := range attrs {
		if a.Key == partKey && h.group == "" {
			with.part = a.Value.String()
		}
		with.attrs += h.write(a)
	}
	return &with
}

// WithGroup is for slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	with := *h
	with.Handler, with.group = h.Handler.WithGroup(name), h.group+name+"."
	return &with
}

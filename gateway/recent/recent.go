// Package recent keeps the newest lines of the log in memory, for the page.
package recent

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

const (
	keep      = 2000 // lines
	maxLine   = 2000 // bytes of one
	maxAnswer = 500  // lines
)

// Line is a line of the log.
type Line struct {
	At    time.Time  `json:"at"`
	Level slog.Level `json:"level"`
	Text  string     `json:"text"` // message and attributes
}

// Log keeps the newest lines. The zero value is ready.
type Log struct {
	mu    sync.Mutex
	lines []Line // guarded by mu, as a ring
	next  int    // guarded by mu
}

func (l *Log) add(line Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) < keep {
		l.lines = append(l.lines, line)
		return
	}
	l.lines[l.next] = line
	l.next = (l.next + 1) % keep
}

// Find returns the newest lines of at least a level that contain a text, in whatever
// case, the newest first.
func (l *Log) Find(least slog.Level, text string) []Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	text = strings.ToLower(text)
	found := []Line{}
	for i := range l.lines {
		line := l.lines[(l.next+len(l.lines)-1-i)%len(l.lines)]
		if line.Level >= least && strings.Contains(strings.ToLower(line.Text), text) {
			if found = append(found, line); len(found) == maxAnswer {
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
	attrs string // that were given before, as text
	group string // before the names of those to come
}

// Handle keeps a line and hands it on.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message + h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		b.WriteString(h.write(a))
		return true
	})
	text := b.String()
	if len(text) > maxLine {
		text = strings.ToValidUTF8(text[:maxLine], "") + "…"
	}
	h.log.add(Line{At: r.Time, Level: r.Level, Text: text})
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

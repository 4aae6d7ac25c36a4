package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// language is one that espeak-ng reads aloud.
type language struct {
	name   string
	voices []string
	texts  []string // patterns of files
}

func languages() []language {
	return []language{
		{"English", []string{"en-us", "en-us+f3", "en-gb+m3", "en-gb+f2", "en-us+m7"}, []string{"/usr/share/common-licenses/*", "README.md"}},
		{"Chinese", []string{"cmn", "cmn+f3", "cmn+m3", "cmn+f2", "cmn+m7"}, []string{"README.zh-CN.md", "docs/*.zh.md"}},
	}
}

// listen reads texts aloud for so long, and counts what both decoders hear in it.
func (l *language) listen(ctx context.Context, long time.Duration, folder string) (heard time.Duration, ours, theirs counts, err error) {
	text, err := l.text(folder)
	if err != nil {
		return 0, ours, theirs, err
	}
	const part = 400 // runes
	for turn := 0; heard < long; turn++ {
		from := turn * part % len(text)
		samples, err := speak(ctx, l.voices[turn%len(l.voices)], 120+turn*17%90, 20+turn*13%60, string(text[from:min(from+part, len(text))]))
		if err != nil {
			return heard, ours, theirs, err
		}
		heard += time.Duration(len(samples)) * time.Second / multimonRate
		a, err := everything(samples)
		if err != nil {
			return heard, ours, theirs, err
		}
		b, err := everythingMultimon(ctx, samples)
		if err != nil {
			return heard, ours, theirs, err
		}
		ours, theirs = ours.plus(a), theirs.plus(b)
	}
	return heard, ours, theirs, nil
}

func (n counts) plus(m counts) counts {
	return counts{n.digits + m.digits, n.calls + m.calls, n.packets + m.packets}
}

func (l *language) text(folder string) ([]rune, error) {
	patterns := l.texts
	if folder != "" {
		patterns = append(patterns, filepath.Join(folder, "*.txt"))
	}
	var all strings.Builder
	for _, p := range patterns {
		names, err := filepath.Glob(p)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			all.Write(data)
		}
	}
	if all.Len() == 0 {
		return nil, fmt.Errorf("no text to read in %v: run it in the checkout", patterns)
	}
	return []rune(all.String()), nil
}

// speak returns espeak-ng's reading of a text, at multimonRate, which is its own too.
func speak(ctx context.Context, voice string, speed, pitch int, text string) ([]int16, error) {
	cmd := exec.CommandContext(ctx, "espeak-ng", "-v", voice, "-s", fmt.Sprint(speed), "-p", fmt.Sprint(pitch), "--stdin", "--stdout")
	cmd.Stdin = strings.NewReader(text)
	wav, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("espeak-ng: %w", err)
	}
	if len(wav) < 44 || binary.LittleEndian.Uint32(wav[24:]) != multimonRate {
		return nil, errors.New("espeak-ng did not speak at 22050 Hz")
	}
	data := wav[44:]
	samples := make([]int16, len(data)/2)
	for i := range samples {
		samples[i] = int16(binary.LittleEndian.Uint16(data[2*i:]))
	}
	return samples, nil
}

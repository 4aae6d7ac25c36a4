package duty

import (
	"path/filepath"
	"strings"

	"sentrybox/gateway/duty/ledger"
	"sentrybox/gateway/text"
)

// The parts of an alert's evidence that are fetched, and what their files are called.
const (
	video, videoFile     = "clip", ".mp4"
	voice, voiceFile     = "voice", ".wav"
	picture, pictureFile = "picture", ".jpg" // a file only while it comes
)

// item is one part of an alert's evidence: a camera's clip or picture, or the voice of a radio.
type item struct{ alert, part string }

// file is the name of its file.
func (i item) file() string {
	switch i.part {
	case voice:
		return i.alert + voiceFile
	case picture:
		return i.alert + pictureFile
	}
	return i.alert + videoFile
}

// itemOf is what a file of the name has.
func itemOf(name string) item {
	switch ext := filepath.Ext(name); ext {
	case voiceFile:
		return item{strings.TrimSuffix(name, ext), voice}
	case pictureFile:
		return item{strings.TrimSuffix(name, ext), picture}
	default:
		return item{strings.TrimSuffix(name, ext), video}
	}
}

// most is how many bytes it may have.
func (i item) most() int64 {
	if i.part == picture {
		return ledger.MaxPicture
	}
	return maxClip
}

// filter is that of the topics of its pieces.
func (i item) filter() string { return "evidence/" + i.alert + "/" + i.part + "/#" }

func (k *clips) path(i item) string { return filepath.Join(k.dir, i.file()) }

// told returns how it stands with a part of an alert's evidence, with a failure in words.
func (k *clips) told(i item, l text.Lang) *job {
	j := k.of(i)
	if j != nil && j.Why != "" {
		key := text.Key("duty.why." + j.Why)
		if !text.Has(key) {
			key = "duty.why.other"
		}
		j.Why = text.T(l, key)
	}
	return j
}

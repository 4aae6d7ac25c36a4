package find

import (
	"testing"
	"time"
)

func TestRecommend(t *testing.T) {
	good := Stream{Codec: "H.264", Width: 640, Height: 360, FPS: 12, Keyframe: 2 * time.Second}
	main := Stream{Codec: "H.265", Width: 2560, Height: 1440, FPS: 25, Keyframe: 2 * time.Second}
	with := func(change func(*Stream)) Stream { s := good; change(&s); return s }
	for name, c := range map[string]struct {
		streams      []Stream
		main, detect int
		notes        []string
	}{
		"as it should be":       {[]Stream{good, main}, 1, 0, nil},
		"one small stream":      {[]Stream{good}, 0, -1, nil},
		"one large stream":      {[]Stream{main}, 0, -1, []string{"find.note.no_sub"}},
		"the larger of two":     {[]Stream{main, with(func(s *Stream) { s.Width = 352 }), good}, 0, 2, nil},
		"704×576 is right":      {[]Stream{main, with(func(s *Stream) { s.Width, s.Height = 704, 576 })}, 0, 1, nil},
		"a stamp is of no use":  {[]Stream{main, with(func(s *Stream) { s.Width, s.Height = 176, 144 })}, 0, -1, []string{"find.note.no_sub"}},
		"H.265":                 {[]Stream{main, with(func(s *Stream) { s.Codec = "H.265" })}, 0, 1, []string{"find.note.sub_codec"}},
		"five a second":         {[]Stream{main, with(func(s *Stream) { s.FPS = 5 })}, 0, 1, []string{"find.note.sub_rate"}},
		"smart coding":          {[]Stream{main, with(func(s *Stream) { s.Keyframe = 0 })}, 0, 1, []string{"find.note.sub_keyframes"}},
		"720p, and seldom keys": {[]Stream{main, with(func(s *Stream) { s.Width, s.Height, s.Keyframe = 1280, 720, 10*time.Second })}, 0, 1, []string{"find.note.sub_size", "find.note.sub_keyframes"}},
	} {
		cam := Camera{Streams: c.streams}
		cam.recommend()
		var notes []string
		for _, n := range cam.Notes {
			notes = append(notes, string(n.Key))
		}
		if cam.Main != c.main || cam.Detect != c.detect || len(notes) != len(c.notes) || len(notes) > 0 && notes[0] != c.notes[0] {
			t.Errorf("%s: main %d, detect %d, %v", name, cam.Main, cam.Detect, notes)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add([]byte("brand: X\nmatch: [xx]\nrtsp: {main: ['/{channel}?a=b']}\nsources: [a]\n"))
	f.Add([]byte("rtsp: {main: [&a [*a]]}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		tpl, err := ParseTemplate("x", b)
		if err != nil {
			return
		}
		for _, p := range tpl.RTSP.Main {
			if full := fill(p, 3, "u", "p"); full == "" || full[0] != '/' {
				t.Fatalf("path %q became %q", p, full)
			}
		}
	})
}

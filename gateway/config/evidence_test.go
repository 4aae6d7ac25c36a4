package config

import "testing"

var evidenceMistakes = []mistake{
	{"evidence", head + "evidence: {before: 6s, after: 1m, bytes: 1MiB, age: 1m, memory: 1MiB}\ncameras: [{id: a, url: 'rtsp://x', clips: sometimes}]\n",
		"4: evidence.before: must be from 0s to 5s\n4: evidence.after: must be from 1s to 30s\n4: evidence.bytes: must be from 16MiB to 512GiB\n" +
			"4: evidence.age: must be from 1h to 2160h\n4: evidence.memory: must be from 8MiB to 4GiB\n5: cameras[0].clips: \"sometimes\" is none of auto, always, never"},
}

// TestClips: a stream cannot be painted over, so none is kept where something is private, whatever
// the config says.
func TestClips(t *testing.T) {
	const private = "privacy: [[0,0],[1,0],[1,1]]"
	for doc, want := range map[string]bool{
		"id: a": true, "{id: a, clips: never}": false, "{id: a, " + private + "}": false, "{id: a, clips: always, " + private + "}": false,
	} {
		c, err := ParseCamera("a.yaml", []byte(doc), nil)
		if err != nil || c.KeepsClips() != want {
			t.Errorf("%s: %v, %v", doc, c, err)
		}
		if painted := len(c.Privacy) > 0 && c.Clips != "never"; c.PaintsClips() != painted {
			t.Errorf("%s: painted %v", doc, !painted)
		}
	}
}

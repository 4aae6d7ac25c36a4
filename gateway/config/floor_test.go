package config

import (
	"slices"
	"testing"
)

const facade = head + `cameras:
- id: a
  url: rtsp://x
  zones:
    z:
      polygon: [[0,0],[1,0],[1,1]]
      floors:
`

var floorMistakes = []mistake{
	{"floors", facade + `      - {name: a, y: 1.1}
      - {name: b, y: .nan}
      - {name: c, y: [1]}
      - {name: d}
      - {y: 0.5}
      - {name: ' f', y: 0.5}
      - 12
      - {name: h, y: 0.25}
      - {name: h, y: 0.3}
      - {name: j, y: 0.25}
`, "11: cameras[0].zones.z.floors[0].y: must be a number from 0 to 1, a fraction of the picture\n" +
		"12: cameras[0].zones.z.floors[1].y: must be a number from 0 to 1, a fraction of the picture\n" +
		"13: cameras[0].zones.z.floors[2].y: must be a number from 0 to 1, a fraction of the picture\n" +
		"14: cameras[0].zones.z.floors[3].y: missing\n" +
		"15: cameras[0].zones.z.floors[4].name: missing\n" +
		"16: cameras[0].zones.z.floors[5].name: has spaces around it\n" +
		"17: cameras[0].zones.z.floors[6]: must be a mapping, not a number\n" +
		"19: cameras[0].zones.z.floors[8].name: floor \"h\" is there twice, cameras[0].zones.z.floors[7] has that name too\n" +
		"20: cameras[0].zones.z.floors[9].y: is at the same height as cameras[0].zones.z.floors[7]"},
}

func TestFloors(t *testing.T) {
	floors := "      - {name: \"12\", y: 0.31}\n      - {name: 11楼, y: 0.4}\n      - {name: 顶, y: 0}\n"
	c, err := Parse(at(t), []byte(facade+floors), testEnv)
	if err != nil {
		t.Fatal(err)
	}
	want := []Floor{{"12", 0.31}, {"11楼", 0.4}, {"顶", 0}}
	if got := c.Cameras[0].Zones["z"].Floors; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

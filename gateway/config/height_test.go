package config

import (
	"slices"
	"testing"
)

const street = head + "cameras:\n- id: a\n  url: rtsp://x\n  heights:\n"

var heightMistakes = []mistake{
	{"heights", street + "  - {head: 0.5, foot: 0.4}\n  - {foot: 2}\n",
		"8: cameras[0].heights[0].head: the head must be above the feet\n" +
			"9: cameras[0].heights[1].head: missing\n" +
			"9: cameras[0].heights[1].foot: must be a number from 0 to 1, a fraction of the picture"},
	{"one person", street + "  - {head: 0.4, foot: 0.5}\n",
		"7: cameras[0].heights: 1 people are drawn, it takes one near and one far, or none"},
	{"people abreast", street + "  - {head: 0.4, foot: 0.5}\n  - {head: 0.3, foot: 0.5}\n",
		"7: cameras[0].heights: both stand at the same height of the picture: draw one near and one far"},
}

func TestHeights(t *testing.T) {
	c, err := Parse(at(t), []byte(street+"  - {head: 0.5, foot: 0.95}\n  - {head: 0.4, foot: 0.5}\n"), testEnv)
	if err != nil {
		t.Fatal(err)
	}
	want := []Height{{0.5, 0.95}, {0.4, 0.5}}
	if got := c.Cameras[0].Heights; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

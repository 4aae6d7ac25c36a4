package config

import (
	"strings"
	"testing"
	"time"
)

func TestParseSize(t *testing.T) {
	for in, want := range map[string]Size{
		"0B": 0, "512KiB": 512 << 10, "32MiB": 32 << 20, "32 MiB": 32 << 20, "2GiB": 2 << 30, "5MB": 5_000_000, "7B": 7, "1KB": 1000,
	} {
		if got, err := ParseSize(in); err != nil || got != want {
			t.Errorf("%s is %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", "5", "MiB", "-1MiB", "1.5MiB", "9223372036854775807GiB", "1TiB", "1 2MiB", "1MiBB"} {
		if got, err := ParseSize(in); err == nil {
			t.Errorf("%q was taken for %d", in, got)
		}
	}
	for _, v := range []Size{0, 7, 512 * KiB, 3 * MiB, 3*MiB + KiB, GiB} {
		if got, err := ParseSize(v.String()); err != nil || got != v {
			t.Errorf("%d is written %s and read as %d, %v", int64(v), v, int64(got), err)
		}
	}
}

const storageHead = `
gateway: {id: gw-1, street: donghu, community: meiyuan}
data: /tmp/data
uplink: {mqtt: [{url: "mqtt://broker"}]}
`

func TestStorage(t *testing.T) {
	c, err := Parse("site.yaml", []byte(storageHead+`storage: {floor: 1GiB, lanes: {thumbnail: {bytes: 8MiB}, metrics: {age: 720h}}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := defaultStorage()
	want.Floor, want.Lanes.Thumbnail.Bytes, want.Lanes.Metrics.Age = GiB, 8*MiB, Duration(720*time.Hour)
	if c.Storage != want {
		t.Errorf("got %+v, want %+v", c.Storage, want)
	}
	_, err = Parse("site.yaml", []byte(storageHead+`
storage:
  floor: 10
  reserve: 0B
  lanes:
    alert: {bytes: 1MiB}
    state: {bytes: 1KiB, age: 1s}
    evidence: {bytes: many}
`), nil)
	if err == nil {
		t.Fatal("no problem was found")
	}
	for _, line := range []string{"site.yaml:7: storage.floor", "site.yaml:8: storage.reserve", "site.yaml:10: storage.lanes.alert",
		"site.yaml:11: storage.lanes.state.bytes", "site.yaml:11: storage.lanes.state.age", "site.yaml:12: storage.lanes.evidence.bytes"} {
		if !strings.Contains(err.Error(), line) {
			t.Errorf("%s is missing in:\n%v", line, err)
		}
	}
}

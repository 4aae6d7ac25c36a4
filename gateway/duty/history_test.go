package duty

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sentrybox/gateway/duty/ledger"
	"sentrybox/gateway/text"
)

func TestEqualStepsAreOne(t *testing.T) {
	got := inOrder([]event{
		{At: 40, What: "raised"}, {At: 10, What: "raised"}, {At: 20, What: "raised"}, // not in order
		{At: 30, What: "acknowledged", Who: "Wang"}, {At: 50, What: "raised", Note: "again"}, {At: 60, What: "raised", Note: "again"},
	})
	want := []event{
		{At: 10, Last: 20, Times: 2, What: "raised"}, {At: 30, Last: 30, Times: 1, What: "acknowledged", Who: "Wang"},
		{At: 40, Last: 40, Times: 1, What: "raised"}, {At: 50, Last: 60, Times: 2, What: "raised", Note: "again"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
	if got := inOrder(nil); got == nil || len(got) != 0 {
		t.Errorf("nothing is %#v, which a script does not take for a list", got)
	}
}

func TestEnglishCountsOneAsOne(t *testing.T) {
	many := regexp.MustCompile(`\{\d\} [a-z]{2,}s\b`)
	if !many.MatchString("{0} alerts wait") {
		t.Fatal("what is looked for is not found")
	}
	for key, sentence := range text.Below(text.English, "duty.js.") {
		if many.MatchString(sentence) {
			t.Errorf("duty.js.%s says %q of one too", key, sentence)
		}
	}
}

// TestPastOfTwoGateways: the page offers the places where there are several; a device is found by some of its
// identifier or of its name, and another gateway's of the same identifier is not.
func TestPastOfTwoGateways(t *testing.T) {
	r := newRoom(t)
	c := r.client()
	c.signIn("li", secret)
	at := map[string]ledger.Gateway{"01JQ0000000000000000000001": gate, "01JQ0000000000000000000002": "sentrybox/v1/donghu/hetang/gw-2", "01JQ0000000000000000000003": gate}
	hear := func(g ledger.Gateway, topic string, payload []byte) {
		t.Helper()
		if _, err := r.ledger.Hear(t.Context(), []ledger.Message{{Gateway: g, Topic: topic, Payload: payload, At: r.now}}); err != nil {
			t.Fatal(err)
		}
	}
	offers := func() bool {
		t.Helper()
		got, body := c.do("GET", "/history", nil)
		if got != http.StatusOK {
			t.Fatal(got)
		}
		return strings.Contains(body, `<option value="donghu/hetang/gw-2">donghu · hetang (gw-2)</option>`) && strings.Contains(body, `name="gateway"`)
	}
	hear(gate, "status", []byte(`{"state":"online"}`))
	if got, body := c.do("GET", "/history", nil); got != http.StatusOK || strings.Contains(body, `name="gateway"`) {
		t.Errorf("of one gateway: %d", got)
	}
	for id, g := range at {
		hear(g, "status", []byte(`{"state":"online"}`))
		a := raised(id)
		a.Device = "cam-1"
		if id == "01JQ0000000000000000000003" {
			a.Device = "50%_wet"
		}
		place := strings.Split(string(g), "/")
		a.Community, a.Gateway = place[3], place[4]
		b, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		hear(g, "alert/community/"+id, b)
	}
	if !offers() {
		t.Error("of two gateways none can be chosen")
	}
	r.devices[0].take(gate, "cam-1", []byte(`{"type":"camera","name":"East Gate","state":"online"}`))
	for query, want := range map[string]string{
		"": "3 2 1", "gateway=donghu/hetang/gw-2": "2", "device=CAM": "2 1", "device=east": "1", "device=%25": "3", "device=_w": "3", "device=a_": "", "device=east&gateway=donghu/hetang/gw-2": "",
	} {
		got, body := c.do("GET", "/api/alerts?"+query, nil)
		var all struct{ Alerts []shown }
		if err := json.Unmarshal([]byte(body), &all); err != nil || got != http.StatusOK {
			t.Fatalf("%s: %d %s", query, got, body)
		}
		var found []string
		for _, a := range all.Alerts {
			found = append(found, strings.TrimLeft(a.ID[4:], "0"))
		}
		if strings.Join(found, " ") != want {
			t.Errorf("%s finds %v, want %s", url.PathEscape(query), found, want)
		}
	}
}

// TestPunctuationIsTheLanguages: English has no full-width brackets, colons or stops, and scripts have none of their own.
func TestPunctuationIsTheLanguages(t *testing.T) {
	wide := regexp.MustCompile(`[\x{3000}-\x{303F}\x{FF00}-\x{FFEF}]`)
	if !wide.MatchString("（三）") {
		t.Fatal("what is looked for is not found")
	}
	for key, sentence := range text.Below(text.English, "duty.") {
		if wide.MatchString(sentence) {
			t.Errorf("duty.%s: %q", key, sentence)
		}
	}
	scripts, err := fs.Glob(files, "assets/*.js")
	if err != nil || len(scripts) == 0 {
		t.Fatal(scripts, err)
	}
	for _, name := range scripts {
		if script, err := fs.ReadFile(files, name); err != nil || wide.Match(script) {
			t.Errorf("%s has them, %v", name, err)
		}
	}
}

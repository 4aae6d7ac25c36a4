package config

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

var alertMistakes = []mistake{
	{"terms of a kind", head + "alerts:\n  kinds:\n    Smoke alarm: {respond_within: 1m}\n    smoke: {level: comunity, respond: 1m}\n",
		"6: alerts.kinds[\"Smoke alarm\"]: \"Smoke alarm\" cannot be a kind of alerts; small letters, digits and underscores only, as in smoke\n" +
			"7: alerts.kinds.smoke.level: \"comunity\" is not known, did you mean \"community\"?\n" +
			"7: alerts.kinds.smoke.respond: unknown key, did you mean \"respond_within\"?"},
	{"terms of a severity", head + "alerts:\n  severities:\n    5: {respond_within: 1m}\n    1: {respond_within: 0s}\n",
		"6: alerts.severities.5: \"5\" is none of 1, 2, 3, 4\n7: alerts.severities.1.respond_within: must be from 1s to 24h"},
	{"terms in order", head + "alerts:\n  severities:\n    1: {respond_within: 40m}\n    2: {handle_within: 1m}\n    3: {respond_within: 40m, handle_within: 50m}\n",
		"6: alerts.severities.1.respond_within: handle_within cannot be shorter than respond_within\n" +
			"7: alerts.severities.2.handle_within: handle_within cannot be shorter than respond_within"},
	{"plans", head + "plans:\n  smoke: {}\n  fall:\n    call: [{name: 物业, phone: call me}, {phone: '119'}]\n",
		"5: plans.smoke: says nothing; write call (whom) or steps (what first)\n" +
			"7: plans.fall.call[0].phone: \"call me\" cannot be dialled; a number has digits, spaces, hyphens and a + in front\n" +
			"7: plans.fall.call[1].name: missing"},
	{"long plans", head + "plans:\n" + longPlans(), "4: plans: 18283 bytes in all, at most 16384"},
}

func longPlans() string {
	var b strings.Builder
	for i := range 6 {
		fmt.Fprintf(&b, "  k%d:\n    steps:\n", i)
		for range 10 {
			fmt.Fprintf(&b, "    - %s\n", strings.Repeat("x", 300))
		}
	}
	return b.String()
}

func TestTermsAndPlans(t *testing.T) {
	c, err := Parse("x.yaml", []byte(head+`alerts:
  kinds: {smoke: {respond_within: 1m, level: street}}
  severities: {1: {handle_within: 10m}}
plans:
  thrown_object:
    call: [{name: 物业, phone: "+86 (27) 8888-0000"}]
    steps: [先看人有没有受伤]
  any: {steps: [打电话]}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Alerts.Kinds["smoke"]; got != (Terms{Level: "street", RespondWithin: Duration(time.Minute)}) {
		t.Errorf("smoke: %+v", got)
	}
	if got := c.Alerts.Severities["1"]; got != (Terms{HandleWithin: Duration(10 * time.Minute)}) {
		t.Errorf("severity 1: %+v", got)
	}
	want := `{"any":{"steps":["打电话"]},"thrown_object":{"call":[{"name":"物业","phone":"+86 (27) 8888-0000"}],"steps":["先看人有没有受伤"]}}`
	if got := string(c.Plans.JSON()); got != want {
		t.Errorf("published as %s", got)
	}
	if Plans(nil).JSON() != nil {
		t.Error("no plans are published")
	}
}

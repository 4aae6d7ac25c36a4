package rule

import (
	"testing"

	"sentrybox/gateway/text"
)

func TestWords(t *testing.T) {
	name := func(id string) string { return map[string]string{"pit-1": "1号泵房"}[id] }
	for _, c := range []struct{ condition, zh, en string }{
		{"pit-1.water_level > 0.4 m for 30 s", "1号泵房的水位高于 0.4 m，持续 30 秒", "water level of 1号泵房 is above 0.4 m, for 30 s"},
		{"any 2 of smoke within 60 s", "任意 2 个传感器的烟雾触发，在 1 分钟内", "at 2 sensors smoke is on, within 1 min"},
		{"not pit-1.door for 90 min", "不满足（1号泵房的门触发），持续 1 小时 30 分钟", "not (door of 1号泵房 is on), for 1 h 30 min"},
		{"any 2 of (smoke, gas, pit-1.card = '7')", "（烟雾触发，燃气触发，1号泵房的卡号为“7”）中任意 2 项", "any 2 of (smoke is on, gas is on, card of 1号泵房 is “7”)"},
		{"smoke and (gas or pit-1.door != closed)", "烟雾触发，并且（燃气触发，或者1号泵房的门不为“关”）", "smoke is on, and (gas is on, or door of 1号泵房 is not off)"},
	} {
		got, err := Parse(c.condition)
		if err != nil {
			t.Fatal(err)
		}
		if zh, en := got.Words(text.Chinese, name), got.Words(text.English, name); zh != c.zh || en != c.en {
			t.Errorf("%s:\n%s\n%s", c.condition, zh, en)
		}
	}
}

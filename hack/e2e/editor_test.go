//go:build e2e

package e2e

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"sentrybox/drivers/rtsp/rtsptest"
)

// picture is where the picture is on the page.
type picture struct{ X, Y, W, H float64 }

func (b *browser) picture() (p picture) {
	b.t.Helper()
	b.do(chromedp.Evaluate(`canvas.scrollIntoView({block: "center"}); (r => ({X: r.x, Y: r.y, W: r.width, H: r.height}))(canvas.getBoundingClientRect())`, &p))
	return p
}

func (p picture) at(x, y float64) (float64, float64) { return p.X + x*p.W, p.Y + y*p.H }

// tap touches the picture with a finger.
func (b *browser) tap(points ...[2]float64) {
	b.t.Helper()
	p := b.picture()
	for _, q := range points {
		x, y := p.at(q[0], q[1])
		b.do(input.DispatchTouchEvent(input.TouchStart, []*input.TouchPoint{{X: x, Y: y}}), input.DispatchTouchEvent(input.TouchEnd, []*input.TouchPoint{}))
	}
}

// drag drags with a finger from one point of the picture to another.
func (b *browser) drag(from, to [2]float64) {
	b.t.Helper()
	p := b.picture()
	x0, y0 := p.at(from[0], from[1])
	x1, y1 := p.at(to[0], to[1])
	b.do(input.DispatchTouchEvent(input.TouchStart, []*input.TouchPoint{{X: x0, Y: y0}}),
		input.DispatchTouchEvent(input.TouchMove, []*input.TouchPoint{{X: (x0 + x1) / 2, Y: (y0 + y1) / 2}}),
		input.DispatchTouchEvent(input.TouchMove, []*input.TouchPoint{{X: x1, Y: y1}}), input.DispatchTouchEvent(input.TouchEnd, []*input.TouchPoint{}))
}

// TestZoneEditor draws a scene with a finger, on a phone, and by keyboard alone: corners moved, put in, taken out and
// put back, a line with its direction, a mask, floors and people.
func TestZoneEditor(t *testing.T) {
	b := sightPage(t, rtsptest.Camera{Clip: rtsptest.File(walker(t, "h264"))}, "")
	b.do(emulation.SetDeviceMetricsOverride(412, 915, 1, true), emulation.SetTouchEmulationEnabled(true))
	b.until("the zone", `scene && scene.zones.length === 1`)
	corners := func(what string, n int) {
		t.Helper()
		b.until(what, fmt.Sprintf(`selected && (selected.polygon || selected.line || selected).length === %d`, n))
	}
	b.press("[data-draw=polygon]")
	b.tap([2]float64{0.2, 0.2}, [2]float64{0.8, 0.2})
	b.until("why it is not done", `document.getElementById("done").checkVisibility() && document.getElementById("done").disabled && /3 个角，现在有 2 个/.test(document.getElementById("drawing").innerText)`)
	b.press("#plan") // what is half drawn is not dropped
	b.says("#still", "还没有画完")
	b.tap([2]float64{0.8, 0.8}, [2]float64{0.5, 0.5})
	b.press("#undo") // the last corner
	b.tap([2]float64{0.2, 0.8}, [2]float64{0.2, 0.2})
	corners("four corners", 4)
	b.drag([2]float64{0.23, 0.23}, [2]float64{0.1, 0.1}) // beside the corner, as fingers are
	b.until("a corner moved", `Math.abs(selected.polygon[0][0] - 0.1) < 0.01 && Math.abs(selected.polygon[0][1] - 0.1) < 0.01`)
	b.drag([2]float64{0.8, 0.5}, [2]float64{0.9, 0.5}) // an edge
	corners("one more", 5)
	b.press("#drop")
	corners("one taken out", 4)
	b.press("#undo")
	b.press("#zones li:nth-of-type(2) button")
	corners("it is back", 5)

	// By keyboard: numbers, from field to field.
	b.press("#zones li.chosen details summary")
	b.do(chromedp.Focus(`#zones li.chosen fieldset input`, chromedp.ByQuery), chromedp.KeyEvent("a", chromedp.KeyModifiers(input.ModifierCtrl)), chromedp.KeyEvent("15"), chromedp.KeyEvent(kb.Tab))
	b.until("the number", `selected.polygon[0][0] === 0.15`)
	b.until("the next field has the focus", `document.activeElement === document.querySelectorAll("#zones li.chosen fieldset input")[1]`)
	b.do(chromedp.KeyEvent("a", chromedp.KeyModifiers(input.ModifierCtrl)), chromedp.KeyEvent("12.5"), chromedp.KeyEvent(kb.Tab))
	b.until("the other number", `selected.polygon[0][1] === 0.125`)

	// A floor, whose line is dragged.
	b.do(chromedp.Evaluate(`[...document.querySelectorAll("#zones li.chosen button")].find(e => e.textContent === "加一层").click()`, nil))
	b.until("a floor", `selected.floors && selected.floors.length === 1`)
	b.drag([2]float64{0.97, 0.9}, [2]float64{0.97, 0.6})
	b.until("a floor moved", `Math.abs(selected.floors[0].y - 0.6) < 0.01`)

	b.press("[data-draw=line]")
	b.tap([2]float64{0.2, 0.9}, [2]float64{0.7, 0.9})
	b.press("#done")
	corners("a line", 2)
	b.do(chromedp.SetValue("#zones li.chosen select", "left_to_right", chromedp.ByQuery), chromedp.Evaluate(`document.querySelector("#zones li.chosen select").onchange()`, nil))
	b.press("[data-draw=privacy]")
	b.tap([2]float64{0.05, 0.05}, [2]float64{0.15, 0.05}, [2]float64{0.15, 0.3})
	b.press("#done")
	b.says("#zones", "隐私遮挡 1")
	b.press("#people")
	b.drag([2]float64{0.4, 0.5}, [2]float64{0.4, 0.4})
	b.until("a head moved", `Math.abs(scene.heights[0].head - 0.4) < 0.01`)
	b.press("#addrule")
	b.do(chromedp.Evaluate(`(() => { const s = [...document.querySelectorAll("#rules select")].at(-3); s.value = "line_crossing"; s.onchange(); })()`, nil))
	b.says("#rules", "有人或车越过 线1（从左到右），全天")
	b.shot("editor")
	b.press("#plan")
	for _, want := range []string{"[0.15, 0.125]", "direction: left_to_right", "privacy:", "floors:", "heights:", "kind: line_crossing"} {
		b.says("#diff", want)
	}
	b.until("no mistakes", `document.querySelector("#problems .none")`)

	// With a zone go the rules that use it, which is said; and what was planned before holds no longer.
	b.press(`#zones [aria-label="删除 门口"]`)
	b.says("#gone", "1 条规则也一起删除了")
	b.until("the old plan put aside", `document.getElementById("change").hidden`)
	b.press("#undo")
	b.until("all is back", `scene.rules.length === 2 && document.getElementById("gone").hidden`)
}

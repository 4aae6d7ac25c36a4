package load

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Probe looks at the box. Whatever cannot be read is taken not to be there.
type Probe struct {
	Root string // in front of /proc and /sys; for tests
	Now  func() time.Time
	// Limits are the temperatures in °C at which this board slows down, by the type of zone. They
	// go before the zone's passive trip points, some of which are only where a governor begins to count.
	Limits map[string]int

	waited time.Duration
	at     time.Time
	most   map[string]int64 // the highest limit that a frequency has had, by policy, in kHz
}

func (p *Probe) read(elem ...string) (string, bool) {
	b, err := os.ReadFile(filepath.Join(append([]string{"/" + p.Root}, elem...)...))
	return strings.TrimSpace(string(b)), err == nil
}

func (p *Probe) number(elem ...string) (int64, bool) {
	s, ok := p.read(elem...)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 0, 64)
	return n, err == nil
}

func (p *Probe) glob(pattern ...string) []string {
	all, _ := filepath.Glob(filepath.Join(append([]string{"/" + p.Root}, pattern...)...)) // the pattern is good
	for i := range all {
		all[i] = strings.TrimPrefix(all[i], filepath.Clean("/"+p.Root))
	}
	return all
}

// Pressure returns the share of the time since the last call in which something that
// could have run waited for a processor, 0 to 1, and below 0 if that is not
// known: Documentation/accounting/psi.rst, "some" of cpu.
func (p *Probe) Pressure() float64 {
	s, _ := p.read("proc/pressure/cpu")
	line, _, _ := strings.Cut(s, "\n")
	_, total, ok := strings.Cut(line, "total=")
	us, err := strconv.ParseInt(total, 10, 64)
	if !ok || err != nil || !strings.HasPrefix(line, "some ") {
		p.at = time.Time{}
		return -1
	}
	now, waited := p.Now(), time.Duration(us)*time.Microsecond
	took, more, first := now.Sub(p.at), waited-p.waited, p.at.IsZero()
	p.at, p.waited = now, waited
	if first || took <= 0 {
		return -1
	}
	return min(max(more.Seconds()/took.Seconds(), 0), 1)
}

// Hot says what slows the processor down, if anything does: a temperature beyond where
// that begins, a cooling device at work, a limit on its frequency that
// was not there before, or the firmware of a Raspberry Pi.
func (p *Probe) Hot() string {
	for _, look := range []func() string{p.zones, p.cooling, p.frequencies, p.firmware} {
		if s := look(); s != "" {
			return s
		}
	}
	return ""
}

// zones looks at temperatures: Documentation/driver-api/thermal/sysfs-api.rst.
func (p *Probe) zones() string {
	for _, zone := range p.glob("sys/class/thermal/thermal_zone[0-9]*") {
		temp, ok := p.number(zone, "temp")
		if !ok {
			continue
		}
		name, _ := p.read(zone, "type")
		limit, known := p.Limits[name]
		if known && temp >= int64(limit)*1000 {
			return fmt.Sprintf("%s is at %d °C", clean(name), temp/1000)
		}
		for i := range 16 {
			kind, ok := p.read(zone, fmt.Sprintf("trip_point_%d_type", i))
			if !ok {
				break
			}
			trip, ok := p.number(zone, fmt.Sprintf("trip_point_%d_temp", i))
			if ok && trip > 0 && temp >= trip && (kind == "passive" && !known || kind == "hot" || kind == "critical") {
				return fmt.Sprintf("%s is at %d °C", clean(name), temp/1000)
			}
		}
	}
	return ""
}

// cooling looks at devices that cool by slowing the processor down.
func (p *Probe) cooling() string {
	for _, dev := range p.glob("sys/class/thermal/cooling_device[0-9]*") {
		kind, _ := p.read(dev, "type")
		if low := strings.ToLower(kind); !strings.Contains(low, "cpu") && low != "processor" {
			continue
		}
		if n, ok := p.number(dev, "cur_state"); ok && n > 0 {
			return fmt.Sprintf("%s slows it down", clean(kind))
		}
	}
	return ""
}

// frequencies looks for limits that are lower than they were. One that an administrator
// has set was there from the beginning.
func (p *Probe) frequencies() string {
	if p.most == nil {
		p.most = map[string]int64{}
	}
	for _, policy := range p.glob("sys/devices/system/cpu/cpufreq/policy[0-9]*") {
		n, ok := p.number(policy, "scaling_max_freq")
		if !ok {
			continue
		}
		p.most[policy] = max(p.most[policy], n)
		if n < p.most[policy]*19/20 {
			return fmt.Sprintf("its clock is held at %d MHz", n/1000)
		}
	}
	return ""
}

// firmware looks at what a Raspberry Pi's says of itself, bits 0 to 3 of get_throttled: low
// voltage, a capped clock, throttling, a temperature near the limit.
func (p *Probe) firmware() string {
	if n, ok := p.number("sys/devices/platform/soc/soc:firmware/get_throttled"); ok && n&0xf != 0 {
		return fmt.Sprintf("the firmware slows it down (0x%x)", n&0xf)
	}
	return ""
}

// clean makes a name of the system fit for a message.
func clean(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, name)
	if len(name) > 40 {
		name = name[:40]
	}
	return name
}

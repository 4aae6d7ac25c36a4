package influx

import (
	"maps"
	"strings"
	"time"

	"github.com/influxdata/influxdb-client-go/v2/api/write"

	"sentrybox/uplink/spool"
)

// Measurement is the one that every point has; the series' name is its field.
const Measurement = "sentrybox"

// lines returns a batch as line protocol, a line each sample. Their times are the
// samples' own, so that a line that is sent again writes over itself. An average
// has its extremes in two more fields.
func lines(b spool.Batch, tags map[string]string) []string {
	var out []string
	for _, s := range b.Series {
		all := maps.Clone(tags)
		if all == nil {
			all = map[string]string{}
		}
		maps.Copy(all, s.Labels)
		for _, v := range s.Samples {
			fields := map[string]any{s.Name: v.Mean}
			if b.Resolution > 0 {
				fields[s.Name+"_min"], fields[s.Name+"_max"] = v.Min, v.Max
			}
			p := write.NewPoint(Measurement, all, fields, v.Time)
			out = append(out, strings.TrimSuffix(write.PointToLineProtocol(p, time.Nanosecond), "\n"))
		}
	}
	return out
}

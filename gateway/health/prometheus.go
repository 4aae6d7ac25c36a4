package health

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const scrapeWithin = 10 * time.Second

// Handler returns the page for Prometheus.
func (m *Monitor) Handler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector{m})
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: scrapeWithin})
}

// collector takes a sample for each scrape.
type collector struct{ *Monitor }

// Describe sends nothing: what there is depends on the config.
func (collector) Describe(chan<- *prometheus.Desc) {}

// Collect is part of prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeWithin)
	defer cancel()
	known := map[string]Metric{}
	for _, k := range Metrics() {
		known[k.Name] = k
	}
	points, err := c.sample(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(err), err)
		return
	}
	for _, p := range points {
		k, ok := known[p.Name]
		if !ok {
			continue
		}
		kind := prometheus.GaugeValue
		if k.Counter {
			kind = prometheus.CounterValue
		}
		labels := slices.Sorted(maps.Keys(p.Labels))
		values := make([]string, len(labels))
		for i, l := range labels {
			values[i] = p.Labels[l]
		}
		got, err := prometheus.NewConstMetric(prometheus.NewDesc(Prefix+p.Name, k.Help, labels, nil), kind, p.Value, values...)
		if err != nil {
			got = prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(err), err)
		}
		out <- got
	}
	for name, h := range map[string]*Histogram{Delivery: &c.Delivery, Decision: &c.Decision} {
		buckets, count, sum := h.Snapshot()
		got, err := prometheus.NewConstHistogram(prometheus.NewDesc(Prefix+name, HistogramHelp(name), nil, nil), count, sum, buckets)
		if err == nil {
			out <- got
		}
	}
}

package metrics

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"headcount/ingest/collect"
)

// Collecting collects what `ingest collect` has done.
type Collecting struct{ Figures *collect.Figures }

var (
	collectRequests = describe("collect_requests_total", "Requests with events, by the status of their answer.", "code")
	collectEvents   = describe("collect_events_total", "Events that the log has taken, dead ones among them.")
	collectDead     = describe("collect_dead_total", "Events of those that will be dead letters, by reason.", "reason")
	collectSeconds  = describe("collect_request_seconds_total", "Time that answers took, all together.")
)

// Describe sends nothing: reasons come as they are met.
func (c *Collecting) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *Collecting) Collect(out chan<- prometheus.Metric) {
	t := c.Figures.Snapshot()
	counter := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	counter(collectEvents, float64(t.Events))
	counter(collectSeconds, t.Seconds)
	for code, n := range t.Requests {
		counter(collectRequests, float64(n), strconv.Itoa(code))
	}
	for reason, n := range t.Dead {
		counter(collectDead, float64(n), string(reason))
	}
}

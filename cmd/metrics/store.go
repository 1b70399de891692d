package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"headcount/counter/checkpoint"
)

// storeCalls are the operations of a bucket, shown from the start: a rate over what is not there yet misses its first failure.
var storeCalls = []string{"create", "open", "read", "list", "delete", "persist"}

// Store returns the bucket with its calls counted and timed.
func (s *Server) Store(b checkpoint.Bucket) checkpoint.Bucket {
	took := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "headcount_store_request_duration_seconds", Help: "Time that calls of the state store took, by operation.",
		Buckets: []float64{.0001, .001, .005, .02, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
	}, []string{"operation"})
	failures := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "headcount_store_errors_total", Help: "Calls of the state store that failed, by operation.",
	}, []string{"operation"})
	for _, call := range storeCalls {
		took.WithLabelValues(call)
		failures.WithLabelValues(call)
	}
	s.Register(took, failures)
	return checkpoint.Observe(b, func(operation string, d time.Duration, failed error) {
		took.WithLabelValues(operation).Observe(d.Seconds())
		if failed != nil {
			failures.WithLabelValues(operation).Inc()
		}
	})
}

// Package metrics shows what a command is at: GET /healthz, /readyz and /metrics on a listener of its own. It alone knows Prometheus;
// the libraries keep figures, which its collectors name. Names and meanings are in deploy/prometheus/README.md.
package metrics

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Server answers for a command. /healthz says that the process runs. /readyz is 200 where it does what it is for, else 503; with a line
// for each reason, or remark.
type Server struct {
	Addr     string // it listens at
	registry *prometheus.Registry
	ready    atomic.Pointer[func() (why, remarks []string)]
	server   *http.Server
	done     chan struct{}
}

// Listen begins to answer at addr, host:port; port 0 stands for any. It is not ready until Ready is called. With profiles, /debug/pprof/
// is there as well.
func Listen(addr, program, version string, profiles bool) (*Server, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("--metrics %s: %w", addr, err)
	}
	s := &Server{Addr: l.Addr().String(), registry: prometheus.NewRegistry(), done: make(chan struct{})}
	s.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "headcount_build_info", Help: "1, with the program and its version.",
			ConstLabels: prometheus.Labels{"program": program, "version": version},
		}, func() float64 { return 1 }),
	)
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", Healthz())
	mux.Handle("GET /readyz", Readyz(func() (why, remarks []string) {
		if f := s.ready.Load(); f != nil {
			return (*f)()
		}
		return []string{"starting: nothing is open yet"}, nil
	}))
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}))
	if profiles {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	}
	s.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	go func() {
		defer close(s.done)
		_ = s.server.Serve(l)
	}()
	return s, nil
}

// Register adds collectors.
func (s *Server) Register(c ...prometheus.Collector) { s.registry.MustRegister(c...) }

// Ready says how to find why the command does not do what it is for, nothing where it does, and what else is to be said.
func (s *Server) Ready(state func() (why, remarks []string)) { s.ready.Store(&state) }

// Healthz says that the process runs.
func Healthz() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
}

// Readyz is 200 where state gives no reason why the command does not do what it is for, else 503.
func Readyz(state func() (why, remarks []string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		why, remarks := state()
		if len(why) > 0 {
			http.Error(w, strings.Join(append(why, remarks...), "\n"), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, strings.Join(append([]string{"ready"}, remarks...), "\n"))
	})
}

// Close stops listening and waits for what is being answered, a few seconds at most.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := s.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.server.Close()
	}
	<-s.done
	return err
}

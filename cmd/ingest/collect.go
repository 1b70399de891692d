package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/metrics"
	"headcount/cmd/site"
	"headcount/events"
	"headcount/events/decode"
	"headcount/events/stream"
	"headcount/ingest/collect"
	"headcount/ingest/collect/keyring"
)

const (
	collectLinger = 5 * time.Millisecond // that a partition waits for more events
	collectDrain  = 30 * time.Second     // for requests that have begun, once the command is to end
)

// collecting is how to collect.
type collecting struct {
	listen, cert, key string
	behindProxy       bool
	origins           []string
	shown             running
}

func collectCommand(p *cli.Program) *cobra.Command {
	var how collecting
	cmd := &cobra.Command{
		Use: "collect", Short: "take events over HTTP: POST /v1/events, 202 once Kafka has them on all in-sync replicas", Args: cli.NoArgs,
		Long: "Takes CloudEvents: structured (application/cloudevents+json), a batch (application/cloudevents-batch+json), one a line\n" +
			"(application/x-ndjson) or in binary mode (ce- headers), also packed (Content-Encoding gzip, zstd). The answer is 202 with\n" +
			"{\"accepted\":49,\"dead\":[{\"index\":3,\"reason\":\"…\"}]} once all of them are durable; anything else means: send all of it again, which does no\n" +
			"harm. Events that cannot be counted are named by index and become dead letters.\n\n" +
			"On this machine alone it is open as long as `ingest key` has made no key. Beyond it, it starts with keys, and with TLS or behind\n" +
			"a proxy that ends TLS.",
		Example: "  ingest collect\n  ingest collect --listen :8443 --tls-cert door.crt --tls-key door.pem\n  ingest collect --listen 10.0.0.5:8080 --behind-proxy --metrics 127.0.0.1:9464",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.Config()
			if err != nil {
				return err
			}
			return runCollect(cmd.Context(), p, c, how)
		},
	}
	cmd.Flags().StringVar(&how.listen, "listen", "127.0.0.1:8088", "listen at `ADDR`, host:port")
	cmd.Flags().StringVar(&how.cert, "tls-cert", "", "PEM `FILE` of the server's certificate")
	cmd.Flags().StringVar(&how.key, "tls-key", "", "PEM `FILE` of its key")
	cli.RequiredWith(cmd, "tls-key", "tls-cert")
	cli.RequiredWith(cmd, "tls-cert", "tls-key")
	cmd.Flags().BoolVar(&how.behindProxy, "behind-proxy", false, "a proxy in front of it ends TLS")
	cmd.Flags().StringSliceVar(&how.origins, "allow-origin", nil, "`ORIGIN` of pages whose scripts may send, such as https://m.example (*: any)")
	cmd.Flags().StringVar(&how.shown.metrics, "metrics", "", "answer GET /healthz, /readyz and /metrics at `ADDR`, such as 127.0.0.1:9464")
	cmd.Flags().BoolVar(&how.shown.profiles, "pprof", false, "answer /debug/pprof/ there as well")
	return cli.Service(cmd, "")
}

// admission says how senders are let in at an address, or what is missing.
func (how *collecting) admission(keys *keyring.Keys, now time.Time) (open bool, err error) {
	host, _, err := net.SplitHostPort(how.listen)
	if err != nil {
		return false, cli.Fail(cli.Usage, "--listen %s: want host:port: %w", how.listen, err)
	}
	if (how.cert == "") != (how.key == "") {
		return false, cli.Fail(cli.Usage, "--tls-cert and --tls-key go together")
	}
	ip := net.ParseIP(host)
	if here := strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback(); here && !how.behindProxy {
		return true, nil
	}
	opens := false
	for i := range keys.All {
		opens = opens || !keys.All[i].Ended(now)
	}
	if !opens {
		return false, cli.Fail(cli.Usage, "--listen %s can be reached from beyond this machine, by itself or by a proxy: from there nobody is let in without a key; make one with `ingest key create`", how.listen)
	}
	if how.cert == "" && !how.behindProxy {
		return false, cli.Fail(cli.Usage, "--listen %s is beyond this machine, where keys must not go unencrypted: give --tls-cert and --tls-key, or --behind-proxy where a proxy ends TLS", how.listen)
	}
	return false, nil
}

func runCollect(ctx context.Context, p *cli.Program, c *config.Config, how collecting) (err error) {
	keys, err := keyring.Open(c.CollectKeysFile, func(err error) {
		p.Log.Error("keys cannot be read: those known go on", "error", err)
	})
	if err != nil {
		return cli.Fail(cli.Usage, "%w", err)
	}
	open, err := how.admission(keys.Keys(time.Now()), time.Now())
	if err != nil {
		return err
	}
	guidKeys, err := site.Keys(c)
	if err != nil {
		return err
	}
	template, err := site.Template(c, guidKeys)
	if err != nil {
		return err
	}
	shown, err := show(p, how.shown)
	if err != nil {
		return err
	}
	if shown != nil {
		defer func() { err = errors.Join(err, shown.Close()) }()
	}
	conn, err := site.Connect(ctx, c, p.Log, func(s *stream.Config) { s.Linger = collectLinger })
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Topic(ctx, c); err != nil {
		return err
	}
	rules, err := rulesInForce(ctx, p, c, conn, template)
	if err != nil {
		return err
	}
	figures := &collect.Figures{}
	door := collect.New(collect.Config{
		Send: conn.Log, Keys: keys.Keys, Open: open, Origins: how.origins, Logger: p.Log, Figures: figures,
		Decoder: func() *decode.Decoder { return decode.NewDecoder(rules) },
		FillApp: rules.TopicRules().Fields.Resolved() == events.CloudEventsFields,
	})
	ready := func() (why, remarks []string) {
		if door.Troubled() {
			why = append(why, "the log did not take what came last")
		}
		return why, nil
	}
	door.Handle("GET /healthz", metrics.Healthz())
	door.Handle("GET /readyz", metrics.Readyz(ready))
	if shown != nil {
		shown.Register(&metrics.Collecting{Figures: figures})
		shown.Ready(ready)
	}
	return serveDoor(ctx, p, how, door)
}

// serveDoor answers until ctx ends, and then what has begun.
func serveDoor(ctx context.Context, p *cli.Program, how collecting, h http.Handler) error {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(p.Log.Handler(), slog.LevelDebug), Protocols: &http.Protocols{},
	}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	if how.cert != "" {
		pair, err := tls.LoadX509KeyPair(how.cert, how.key)
		if err != nil {
			return cli.Fail(cli.Usage, "--tls-cert %s, --tls-key %s: %w", how.cert, how.key, err)
		}
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", how.listen)
	if err != nil {
		return cli.Fail(cli.Unreachable, "--listen %s: %w", how.listen, err)
	}
	p.Log.Info("collecting", "address", l.Addr().String(), "tls", how.cert != "")
	served := make(chan error, 1)
	go func() {
		if how.cert != "" {
			served <- server.ServeTLS(l, "", "")
		} else {
			served <- server.Serve(l)
		}
	}()
	select {
	case err := <-served:
		return fmt.Errorf("listening at %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	p.Log.Info("ending: requests that have begun are answered")
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), collectDrain)
	defer cancel()
	err = server.Shutdown(end)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.Join(fmt.Errorf("requests were cut off after %v, without an answer", collectDrain), server.Close())
	}
	<-served
	return err
}

// Package broker is the embedded broker: a Kafka broker within this process, for one machine. It has no replicas and no access control.
//
// What it promises:
//
//   - A record that it has accepted outlives the process, however that ends, and, without Config.NoSync, the machine's crash. Records
//     are kept for ever.
//   - Two brokers never write the same folder: the second is refused with ErrRunning.
//   - The folder keeps its cluster id and its topics' ids from start to start: ClusterID reads the one, so that a client can tell the
//     broker over its own folder from another that answers at the same address.
//
// It has no client: package stream talks to it as to any other broker.
//
// Layout:
//
//	broker.go                     the broker over kfake, which keeps the data
//	identity.go                   whose broker it is: the folder's cluster id
//	door.go                       what it does not take
//	flush.go                      nothing is acknowledged before it is durable
//	failure.go                    how it ends where it cannot write
//	lock_unix.go lock_other.go    one broker a folder
package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// ErrRunning says that another process, or this one, has an embedded broker over the same folder.
var ErrRunning = errors.New("an embedded broker is running over this folder")

// Config says where the broker listens and keeps its data.
type Config struct {
	Addr    string       // host:port, both what it listens on and what it tells clients; port 0: any free one
	DataDir string       // made where it is missing
	NoSync  bool         // leave it to the system when records reach the disk, as Apache Kafka does: they outlive a crash of the process, not of the machine
	Expose  bool         // listen beyond this machine too, where whoever comes reads and writes: it asks nobody for a password
	Logger  *slog.Logger // nil: discard
}

// ErrExposed says that the address lies beyond this machine, and Config.Expose is not set.
var ErrExposed = errors.New("it serves whoever comes, and this address lies beyond this machine")

// ErrNoHost says that the address is of every host, or of none.
var ErrNoHost = errors.New("it names no host: clients are told this address, so it must be one that they can reach, such as 127.0.0.1:9092")

// Local says whether an address, host:port, is of this machine alone: a loopback address, or localhost.
func Local(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// Broker is a broker that runs, until Close.
type Broker struct {
	addr    string
	cluster *kfake.Cluster
	lock    *os.File
	flusher *flusher // nil: it is left to the system when records reach the disk
	failure failure
}

// Start starts a broker over a folder: a new one, or one that a broker left, in good order or not. ErrRunning: another has
// it. ErrExposed, ErrNoHost.
func Start(ctx context.Context, c Config) (*Broker, error) {
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return nil, fmt.Errorf("embedded broker: address %q: %w (want host:port)", c.Addr, err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		return nil, fmt.Errorf("embedded broker: address %q: %w", c.Addr, ErrNoHost)
	}
	if !c.Expose && !Local(c.Addr) {
		return nil, fmt.Errorf("embedded broker: address %q: %w", c.Addr, ErrExposed)
	}
	if c.DataDir == "" {
		return nil, errors.New("embedded broker: no data folder given")
	}
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("embedded broker: make data folder: %w", err)
	}
	lock, err := lockFile(filepath.Join(c.DataDir, lockName))
	if err != nil {
		return nil, fmt.Errorf("embedded broker: %s: %w", c.DataDir, err)
	}
	b := &Broker{lock: lock, failure: failure{is: make(chan struct{}), open: map[net.Conn]struct{}{}}}
	if !c.NoSync {
		b.flusher = &flusher{root: filepath.Join(c.DataDir, "partitions"), sizes: map[string]int64{}}
	}
	if err := b.start(ctx, c, host); err != nil {
		lock.Close()
		return nil, fmt.Errorf("embedded broker over %s: %w", c.DataDir, err)
	}
	return b, nil
}

func (b *Broker) start(ctx context.Context, c Config, host string) error {
	id, err := identify(c.DataDir)
	if err != nil {
		return err
	}
	logger := c.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	options := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.ClusterID(id),
		kfake.DataDir(c.DataDir),
		kfake.GroupMinSessionTimeout(time.Second),
		kfake.BrokerConfigs(map[string]string{"log.retention.ms": "-1", "log.retention.bytes": "-1", "default.replication.factor": "1", "min.insync.replicas": "1"}),
		kfake.WithLogger(clusterLogger{logger, b.heed}),
		kfake.ListenFn(func(network, _ string) (net.Listener, error) {
			l, err := net.Listen(network, c.Addr)
			if err != nil {
				return nil, err
			}
			_, port, err := net.SplitHostPort(l.Addr().String())
			if err != nil {
				return nil, errors.Join(err, l.Close())
			}
			b.addr = net.JoinHostPort(host, port)
			b.failure.listener = l
			return listener{l, named(b.addr), b}, nil
		}),
	}
	cluster, err := kfake.NewCluster(options...)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		cluster.Close()
		return context.Cause(ctx)
	}
	if b.flusher != nil {
		b.flusher.watch(cluster)
	}
	refuseBrokersTime(cluster)
	b.cluster = cluster
	return nil
}

// Addr is what the broker listens on, with the port that it has.
func (b *Broker) Addr() string { return b.addr }

// Close ends the broker in good order. One that has failed is left as it is: what the cluster remembers and could not write must not
// be found by the next.
func (b *Broker) Close() error {
	if b.Err() == nil {
		b.cluster.Close()
	}
	return errors.Join(b.Err(), b.lock.Close())
}

// clusterLogger has the broker speak through slog, and heed hear what it says.
type clusterLogger struct {
	l    *slog.Logger
	heed func(string)
}

func (b clusterLogger) Logf(level kfake.LogLevel, msg string, args ...any) {
	if level == kfake.LogLevelError || level == kfake.LogLevelWarn {
		b.heed(fmt.Sprintf(msg, args...))
	}
	to := slog.LevelDebug // its words on single requests
	switch level {
	case kfake.LogLevelError:
		to = slog.LevelError
	case kfake.LogLevelWarn:
		to = slog.LevelWarn
	case kfake.LogLevelInfo, kfake.LogLevelDebug, kfake.LogLevelNone:
	}
	if b.l.Enabled(context.Background(), to) {
		b.l.Log(context.Background(), to, fmt.Sprintf(msg, args...), "from", "embedded broker")
	}
}

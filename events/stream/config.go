package stream

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/segmentio/kafka-go/sasl"

	"headcount/events/stream/batch"
)

// Config says which topic to read and how. Zero values stand for the defaults given; Validate checks, Dial fills in.
type Config struct {
	Brokers  []string // host:port to bootstrap from; at least one
	Topic    string
	Group    string // empty: no group, Assign hands out every partition
	Instance string // static member name in the group; empty: a member of the moment
	// Installation tells members of another installation in the group apart (Members): any word that this one's have in common; empty: they are not.
	Installation string

	ClientID string // as brokers log it; default "headcount"

	SessionTimeout   time.Duration // after which a silent member's partitions go to others; default 10 s
	RebalanceTimeout time.Duration // how long the group waits for a member to rejoin; default 60 s
	MetadataInterval time.Duration // how often the topic is looked at unasked, for new partitions; default 10 s
	RequestTimeout   time.Duration // for a broker to answer; default 30 s
	DialTimeout      time.Duration // for Dial to reach any broker; default 10 s
	MaxWait          time.Duration // how long a broker holds a fetch that finds nothing; default 250 ms

	MaxBatchBytes int // that a record batch may unpack to and be held as a whole, 128 MiB at most: a larger one is read piece by piece; default 64 MiB
	MaxBytes      int // of fetched data held, over all partitions of a Reader; default 64 MiB

	ProducerTime bool // records may carry their producers' timestamps: Check does not fail that

	Compression string // of what Produce writes: none, gzip, snappy, lz4, zstd; default lz4

	Linger time.Duration // that a partition waits for more to write with what is there; 0: none, what comes while a batch is on its way goes with the next

	TLS    *tls.Config    // nil: plain
	SASL   sasl.Mechanism // nil: none
	Logger *slog.Logger   // nil: discard
}

// Validate says what is wrong, all at once.
func (c *Config) Validate() error {
	var errs []error
	if len(c.Brokers) == 0 {
		errs = append(errs, errors.New("kafka brokers: none given: want host:port"))
	}
	for _, b := range c.Brokers {
		if _, port, err := net.SplitHostPort(b); err != nil || port == "" {
			errs = append(errs, fmt.Errorf("kafka broker %q: want host:port", b))
		}
	}
	if err := validTopic(c.Topic); err != nil {
		errs = append(errs, err)
	}
	if c.Instance != "" && c.Group == "" {
		errs = append(errs, fmt.Errorf("kafka instance %q: a member's name means nothing without a group: name one", c.Instance))
	}
	if _, ok := batch.ParseCodec(c.Compression); !ok {
		errs = append(errs, fmt.Errorf("kafka compression %q: want none, gzip, snappy, lz4 or zstd", c.Compression))
	}
	for name, d := range map[string]time.Duration{
		"session_timeout": c.SessionTimeout, "rebalance timeout": c.RebalanceTimeout, "metadata interval": c.MetadataInterval,
		"request timeout": c.RequestTimeout, "dial timeout": c.DialTimeout, "max wait": c.MaxWait,
	} {
		if d < 0 {
			errs = append(errs, fmt.Errorf("kafka %s: %v is negative", name, d))
		}
	}
	if c.MaxBatchBytes < 0 || c.MaxBytes < 0 {
		errs = append(errs, errors.New("kafka memory limits: negative"))
	}
	return errors.Join(errs...)
}

// mostSent is the most that a record batch may be as a broker sends it, in bytes. That is the topic's max.message.bytes to say; brokers take no
// request of more than 100 MiB unless they were told to.
func (c *Config) mostSent() int { return max(c.MaxBatchBytes, batch.MostUnpacked) }

// validTopic checks a topic's name as brokers do.
func validTopic(name string) error {
	if name == "" || len(name) > 249 || name == "." || name == ".." {
		return fmt.Errorf("kafka topic %q: want 1–249 letters, digits, '.', '_' or '-'", name)
	}
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return fmt.Errorf("kafka topic %q: %q cannot stand in a topic's name", name, c)
		}
	}
	return nil
}

// filled returns c with the defaults in place.
func (c Config) filled() Config {
	orDuration := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	orDuration(&c.SessionTimeout, 10*time.Second)
	orDuration(&c.RebalanceTimeout, 60*time.Second)
	orDuration(&c.MetadataInterval, 10*time.Second)
	orDuration(&c.RequestTimeout, 30*time.Second)
	orDuration(&c.DialTimeout, 10*time.Second)
	orDuration(&c.MaxWait, 250*time.Millisecond)
	if c.ClientID == "" {
		c.ClientID = "headcount"
	}
	if c.MaxBatchBytes == 0 {
		c.MaxBatchBytes = 64 << 20
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 64 << 20
	}
	if c.Compression == "" {
		c.Compression = batch.DefaultCompression
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Package collect is the HTTP door for events: what is posted goes to the log, and is acknowledged when all in-sync replicas have it.
//
// What it promises:
//
//   - 202 says that every event of the request is durable in the log. Any other answer says nothing of the kind: to send all of it again is
//     always safe, since what is counted is a set.
//   - What the door can see to be uncountable goes to the log as it came, too, so that the dead letter, the invoice's hold and a recount
//     know of it; the answer lists such events by index. What only the door can know, such as whose key a request came with, stands in a header
//     of the record (events.DoorHeader).
//   - Nothing is kept on disk, and memory for bodies is bounded by Config.Buffer: past it the answer is 503.
//   - Neither addresses nor user agents are kept, and of a request's headers only those that are a CloudEvent's.
//
// Layout:
//
//	collect.go            Config, the way of a request
//	body.go               bodies, unpacked and bounded
//	split.go binary.go    the events of a body, in the modes that CloudEvents has
//	event.go              what becomes of an event: its key and the door's verdict
//	rate.go               how much a key may send
//	answer.go figures.go  answers, by RFC 9457 where they are no; what the door has done
//	keyring/              keys
package collect

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"headcount/events/decode"
	"headcount/events/stream"
	"headcount/ingest/collect/keyring"
)

// Sender puts records on the log, durable when it returns. It is called by many goroutines at a time.
type Sender interface {
	Produce(ctx context.Context, messages []stream.Message) error
}

// Config says how a door works. Zero values stand for the defaults given.
type Config struct {
	Send    Sender
	Decoder func() *decode.Decoder // makes one, which one goroutine uses at a time

	Keys    func(now time.Time) *keyring.Keys // in force
	Open    bool                              // as long as no key was made, whoever comes may send
	FillApp bool                              // an event without an app is of the key's; where events are CloudEvents

	MaxBody   int64         // bytes of a body, unpacked; default 4 MiB
	MaxEvent  int           // bytes of an event; default 768 KiB, which a broker takes
	MaxEvents int           // of a body; default 10,000
	Buffer    int64         // bytes of bodies, unpacked, that are held at a time, of one key half of it; default 128 MiB
	Patience  time.Duration // with the brokers, before the answer is 503; default 10 s
	Origins   []string      // of pages whose scripts may send; *: any

	Now     func() time.Time // default time.Now
	Logger  *slog.Logger     // default: discard
	Figures *Figures         // nil: none are kept
}

// Door answers requests. Made by New.
type Door struct {
	cfg      Config
	memory   memory
	rates    rates
	decoders sync.Pool
	mux      *http.ServeMux
	troubled atomic.Int64 // when the log did not take what came last, nanoseconds since 1970; 0: it took it
}

// New makes a door: POST /v1/events.
func New(cfg Config) *Door {
	setDefault(&cfg.MaxBody, 4<<20)
	setDefault(&cfg.MaxEvent, 768<<10)
	setDefault(&cfg.MaxEvents, 10_000)
	setDefault(&cfg.Buffer, 128<<20)
	setDefault(&cfg.Patience, 10*time.Second)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Figures == nil {
		cfg.Figures = &Figures{}
	}
	d := &Door{cfg: cfg, memory: memory{left: cfg.Buffer, each: cfg.Buffer / 2, by: map[string]int64{}}, mux: http.NewServeMux()}
	d.decoders.New = func() any { return &reader{decoder: cfg.Decoder()} }
	d.mux.HandleFunc("POST /v1/events", d.events)
	d.mux.HandleFunc("OPTIONS /v1/events", d.preflight)
	return d
}

func setDefault[T int | int64 | time.Duration](v *T, def T) {
	if *v == 0 {
		*v = def
	}
}

// troubles is how long a door is troubled that nobody comes to any longer, as its readiness is asked for by who sends them: then it is to be tried again.
const troubles = 15 * time.Second

// Troubled says whether the log did not take what came last, not long ago.
func (d *Door) Troubled() bool {
	at := d.troubled.Load()
	return at != 0 && d.cfg.Now().Sub(time.Unix(0, at)) < troubles
}

// Handle answers a pattern, as http.ServeMux has them, in another way.
func (d *Door) Handle(pattern string, h http.Handler) { d.mux.Handle(pattern, h) }

func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	d.mux.ServeHTTP(w, r)
}

// events is the way of a request: who sends, what, what becomes of it, and then the log.
func (d *Door) events(w http.ResponseWriter, r *http.Request) {
	d.allowOrigin(w, r)
	held := holding{of: &d.memory}
	defer held.release()
	began := d.cfg.Now()
	reply := d.take(r, &held)
	held.release() // the answer holds nothing of the body, and may be read slowly
	d.cfg.Figures.count(&reply, d.cfg.Now().Sub(began))
	if reply.status == http.StatusServiceUnavailable && reply.err != nil {
		d.cfg.Logger.Warn("events were not written: the sender is told to send them again", "error", reply.err)
	}
	if reply.drop { // what was not read of the body is not worth a wait
		w.Header().Set("Connection", "close")
	}
	reply.write(w)
}

func (d *Door) take(r *http.Request, held *holding) answer {
	now := d.cfg.Now()
	key, refusal := d.sender(r, now)
	if refusal != nil {
		return *refusal
	}
	if key != nil {
		held.key = key.ID
	}
	body, refusal := d.body(r, held)
	if refusal != nil {
		return *refusal
	}
	parts, refusal := d.split(r, body)
	if refusal != nil {
		return *refusal
	}
	beside := int64(len(parts)) * perEvent
	for _, p := range parts[:min(len(parts), 1)] { // of binary mode there is one
		for _, h := range p.headers {
			beside += int64(len(h.Key) + len(h.Value))
		}
	}
	if !held.grow(beside) {
		return *full()
	}
	if wait := d.rates.take(key, len(parts), now); wait > 0 {
		return no(http.StatusTooManyRequests, "the key may send no more at the moment").after(wait)
	}
	messages, dead, err := d.judge(parts, key, now)
	if err != nil {
		return no(http.StatusServiceUnavailable, "the rules cannot be read").because(err).after(5 * time.Second)
	}
	// The sender may be gone by now; what was read is written all the same, and what others sent with it does not depend on them.
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(r.Context()), d.cfg.Patience, errPatience)
	defer cancel()
	err = d.cfg.Send.Produce(ctx, messages)
	if stream.IsTooLarge(err) { // of these events, and no trouble of the log's
		return *no(http.StatusRequestEntityTooLarge, "one of the events is larger than the log takes: some or all of the others may be written; send them again without it").because(err)
	}
	if err != nil {
		d.troubled.Store(d.cfg.Now().UnixNano())
		return no(http.StatusServiceUnavailable, "the log did not take the events in time: send all of them again, which does no harm").because(err).after(5 * time.Second)
	}
	d.troubled.Store(0)
	return answer{status: http.StatusAccepted, accepted: len(messages) - len(dead), dead: dead}
}

var errPatience = errors.New("the brokers did not answer in time")

// sender finds the key that a request comes with; nil where none is asked for.
func (d *Door) sender(r *http.Request, now time.Time) (*keyring.Key, *answer) {
	keys := d.cfg.Keys(now)
	if d.cfg.Open && len(keys.All) == 0 {
		if origin := r.Header.Get("Origin"); origin != "" && !d.allows(origin) { // any page that is open on this machine can reach the door
			return nil, no(http.StatusForbidden, "pages may not send: the origin of this one is not allowed").unread()
		}
		return nil, nil
	}
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		text = r.URL.Query().Get("key") // of a page's beacon, which can send no headers
	}
	if text = strings.TrimSpace(text); text == "" {
		return nil, unauthorized("a key is needed: Authorization: Bearer KEY")
	}
	k, err := keys.Check(text, now)
	if err != nil {
		return nil, unauthorized("the key " + err.Error())
	}
	return k, nil
}

func (d *Door) allowOrigin(w http.ResponseWriter, r *http.Request) {
	origin := r.Header.Get("Origin")
	if len(d.cfg.Origins) == 0 || origin == "" {
		return
	}
	w.Header().Add("Vary", "Origin")
	if d.allows(origin) {
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Access-Control-Expose-Headers", "Retry-After")
	}
}

// allows says whether pages of an origin may send.
func (d *Door) allows(origin string) bool {
	return slices.ContainsFunc(d.cfg.Origins, func(o string) bool { return o == "*" || strings.EqualFold(o, origin) })
}

func (d *Door) preflight(w http.ResponseWriter, r *http.Request) {
	d.allowOrigin(w, r)
	w.Header().Set("Access-Control-Allow-Methods", "POST")
	w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Content-Encoding, ce-specversion, ce-type, ce-source, ce-id, ce-time, ce-subject, ce-superapp")
	w.Header().Set("Access-Control-Max-Age", "7200")
	w.WriteHeader(http.StatusNoContent)
}

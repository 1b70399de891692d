package sim

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"headcount/events"
	"headcount/events/identity"
	"headcount/events/stream"
)

// World is one run.
type World struct {
	seed uint64
	rng  *rand.PCG
	now  int64 // milliseconds

	tasks    []*task
	runnable []*task // room for those that are
	current  *task
	next     *task
	steps    int
	failed   error
	trace    func(format string, args ...any) // nil: none

	years    bool // a long run
	odd      int  // days of other than 24 hours, and leap days, that had events
	zone     *time.Location
	zoneName string
	months   []events.Month
	remote   bool // the state lies in an object store
	group    *group
	alone    bool // no group: each process reads all
	shaky    bool // the log may lose a seal while the month is closed
	log      *broker
	topic    *stream.Topic
	disk     *disk
	objects  *objects
	books    ledgerOf
	interval time.Duration // between checkpoints
	keys     *identity.Keyring
	template *events.Template
	limits   limits
	limited  bool         // there are some
	bounded  bool         // the books open with a month, or there is a bound on how far away months may be
	from     events.Month // with which the books open; 0: no bound
	back     int          // how many months away one may be; 0: no bound
	flooded  int          // the app that somebody invents devices of, where there are
	traffic  *traffic

	processes   []*process
	born        int
	over        bool     // nothing is started any more
	deserted    int      // closes while which no ingest is started
	accept      bool     // the operator accepts losses
	halts       int      // partitions that were halted
	lossy       bool     // the log lost what could be read
	flipped     []string // files with a changed bit, not seen yet
	closed      map[events.Month]bool
	closes      int // under way or to come
	contracts   int // how often the contract was changed
	lastClose   error
	stopped     error                      // what cannot be had back, by a close
	printed     map[events.Month]*document // what a close printed
	bills       map[string]*bill           // that were read, by their documents
	prints      map[person][16]byte        // that were made
	secrets     map[string][]byte          // of apps, by population
	held        int
	gaps        []loss
	sealedAt    map[sealOf]events.Offset  // offsets, of closed months
	billed      map[events.Month]*process // by month: the close that the ledger has the result of
	unrecovered int                       // runs that ended with a halt
	read        int                       // records that were handed out

	budget int
	rates  [faults]int
	fired  [faults]int
	effect [faults]int
}

// loss is one that a process accepted in a partition.
type loss struct {
	partition events.Partition
	from, to  events.Offset // offsets
	before    events.Month  // the month of a seal that the log has lost: both that follow are concerned; 0: none
	by        *process      // nil: it came to nothing
	at        int           // the step with which that process went on: from then on it is on record; 0: it did not yet
}

var errDead = errors.New("the process is dead")

// draw returns a number below n.
func (w *World) draw(n int) int {
	hi, lo := uint32(w.rng.Uint64()>>32), uint64(n)
	return int(uint64(hi) * lo >> 32)
}

func (w *World) chanceEven() bool { return w.draw(2) == 0 }

// fail ends the run with what is wrong.
func (w *World) fail(format string, args ...any) {
	if w.failed == nil {
		w.failed = fmt.Errorf("at %s, step %d: %s", stamp(w.now), w.steps, fmt.Sprintf(format, args...))
	}
}

func (w *World) say(format string, args ...any) {
	if w.trace != nil {
		w.trace("%s %6d  %s", stamp(w.now), w.steps, fmt.Sprintf(format, args...))
	}
}

// name makes the random part of a file's name.
func (w *World) name() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	var b strings.Builder
	for v := w.rng.Uint64(); b.Len() < 12; v >>= 5 {
		b.WriteByte(letters[v&31])
	}
	return b.String()
}

// Read makes seal ids.
func (w *World) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(w.draw(256))
	}
	return len(b), nil
}

// gate precedes whatever a process asks of the outside: it gives way, and the process may be killed.
func (w *World) gate(p *process) error {
	if p.dead {
		return errDead
	}
	w.step()
	if p.dead {
		return errDead
	}
	if w.hit(crash) {
		w.kill(p, crash)
		return errDead
	}
	if p.closing && w.hit(closeKilled) {
		w.kill(p, closeKilled)
		return errDead
	}
	return nil
}

// request is a gate to the broker, which may not answer.
func (w *World) request(p *process) error {
	if err := w.gate(p); err != nil {
		return err
	}
	if w.hit(brokerError) {
		return errBroker
	}
	return nil
}

// The keys are the same in every run: nothing depends on them.
var (
	sealKey = ed25519.NewKeyFromSeed([]byte("a seed of thirty-two bytes, fine"))
	rawKey  = [16]byte([]byte("sixteen bytes ok"))
	keyring = identity.NewKeyring(identity.NewGUIDKey(rawKey))
)

var zones = []string{"UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Sydney", "Asia/Kolkata"}

// shape is what is not left to the seed.
type shape struct {
	zone   string       // empty: drawn
	first  events.Month // 0: drawn
	months int          // 0: drawn
	budget int          // of faults; 0: drawn
}

// newWorld draws a world.
func newWorld(seed uint64, of shape) *World {
	w := &World{seed: seed, rng: rand.NewPCG(seed, 0x5eed), years: of.months > 0}
	if w.zoneName = of.zone; w.zoneName == "" {
		w.zoneName = zones[w.draw(len(zones))]
	}
	var err error
	if w.zone, err = time.LoadLocation(w.zoneName); err != nil {
		w.fail("%v", err)
	}
	first, n := of.first, of.months
	if first == 0 {
		first, n = events.MonthOf(2023, 1)+events.Month(w.draw(60)), 2+w.draw(4)/3
	}
	for i := range n {
		w.months = append(w.months, first+events.Month(i))
	}
	w.remote = w.draw(3) == 0
	w.alone = w.draw(8) == 0
	w.topic = &stream.Topic{Name: "sdk-events", ID: "0198f7d2-6a4c-7c31-9b55-0f6d0a5b7c11", Cluster: "sim"}
	w.log = &broker{w: w}
	for range 1 + min(w.draw(4), w.draw(4)) {
		w.grow()
	}
	w.disk = newDisk(w)
	w.objects = &objects{w: w, files: map[string][]byte{}}
	w.group = &group{w: w, owner: map[events.Partition]*process{}, target: map[events.Partition]*process{}}
	w.keys = keyring
	w.template = &events.Template{TimeZone: w.zoneName, Precision: 6, Limits: events.DefaultLimits, KeyID: keyring.Newest().ID(), SealKey: sealKey.Public().(ed25519.PublicKey)}
	w.drawLimits()
	w.drawBounds()
	w.shaky = rand.New(rand.NewPCG(seed, 0x5ea1)).IntN(4) == 0 && !w.years
	w.interval = time.Duration(1+w.draw(72)) * time.Hour
	w.now = w.start(0)
	w.printed, w.bills, w.prints, w.secrets = map[events.Month]*document{}, map[string]*bill{}, map[person][16]byte{}, map[string][]byte{}
	w.closed, w.sealedAt, w.billed = map[events.Month]bool{}, map[sealOf]events.Offset{}, map[events.Month]*process{}
	w.books = &shelf{w: w}
	if seed%10 == 0 {
		w.books = &sqlite{}
	}
	w.drawFaults()
	if of.budget > 0 {
		w.budget = of.budget
	}
	w.traffic = newTraffic(w)
	return w
}

// grow gives the topic a further partition.
func (w *World) grow() {
	id := events.Partition(len(w.log.partitions))
	w.log.partitions = append(w.log.partitions, &partition{id: id, held: -1, epoch: 1, committed: -1})
	w.topic.Partitions = append(w.topic.Partitions[:id:id], stream.PartitionInfo{ID: id})
}

// start is the first instant of the i-th month.
func (w *World) start(i int) int64 {
	m := w.months[0] + events.Month(i)
	return time.Date(m.Year(), m.Calendar(), 1, 0, 0, 0, 0, w.zone).UnixMilli()
}

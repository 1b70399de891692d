package month

// Record is one record of the log. Its slices are valid until the next call of Next.
type Record struct {
	Key       []byte // the GUID as it is spelled; nil where there is none
	Value     []byte
	Headers   []Header // of the binary mode, else nil
	Timestamp int64    // when it reached the log, milliseconds since 1970; never falls
}

// Header is one record header.
type Header struct {
	Name  string
	Value []byte
}

// Generator makes a month, record by record. Not for concurrent use.
type Generator struct {
	Config
	*population
	clock
	calendar calendar
	r        random
	made     int

	sessions [1024]session // those that go on, one drawn for each event
	guidNow  [2]uint64     // of the present event's device
	subject  []byte
	value    []byte
	last     []byte // the record before, for repeats
	lastKey  []byte
	latest   int64 // highest timestamp so far

	oddBelow, loginBelow, componentBelow, reportedBelow, binaryBelow uint64 // shares, of 2^32
}

// session is a device at work.
type session struct {
	device uint64
	left   int // events still to come; 0: over
}

// New checks the Config and makes a generator.
func New(c Config) (*Generator, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	share := func(s float64) uint64 { return uint64(s * (1 << 32)) }
	return &Generator{
		Config: c, population: newPopulation(c), clock: clock{rhythm: newRhythm(c.Month, c.Zone)},
		r:        random(mix(c.Seed)),
		oddBelow: share(c.Odd), loginBelow: share(c.Logins), componentBelow: share(c.Components),
		reportedBelow: share(c.Reported), binaryBelow: share(c.Binary),
	}, nil
}

var kindTypes = [3][2]string{
	open:        {"miniprogram.open", "minigame.open"},
	search:      {"miniprogram.search", "minigame.search"},
	predownload: {"miniprogram.predownload", "minigame.predownload"},
}

var components = [...]string{
	"component.push", "component.push", "component.push", "component.h5", "component.h5", "component.release",
	"component.basic-analysis", "component.custom-analysis", "component.performance", "component.sync",
}

// Next fills in the next record and says whether there was one.
func (g *Generator) Next(rec *Record) bool {
	if g.made == g.Events {
		return false
	}
	passed := float64(g.made) / float64(g.Events)
	g.made++
	now := g.at(passed)
	d := g.act(passed)
	u := g.r.next()

	g.guidNow = g.guid(d, passed)
	g.subject = appendUUID(g.subject[:0], g.guidNow)
	e := event{
		app: g.app(d, &g.r), subject: g.subject, arrival: now, source: sources[d%uint64(len(sources))],
		id: [2]uint64{uint64(now)<<16 | 0x7000 | u>>52, 2<<62 | mix(u)>>2},
	}
	e.time = g.sent(now, u)
	rec.Headers = nil
	switch pick := u & (1<<32 - 1); {
	case pick < g.reportedBelow:
		rec.Value = g.report(&e)
	case pick < g.reportedBelow+g.loginBelow:
		e.typ = "user.login"
		e.subject = appendHex(append(g.subject[:0], "user-"...), g.user(d), 8)
		rec.Value = g.write(&e)
	case pick < g.reportedBelow+g.loginBelow+g.componentBelow:
		e.typ = components[g.r.below(len(components))]
		rec.Value = g.write(&e)
	default:
		e.typ = kindTypes[g.kind(d, &g.r)][b2i(d%10 < 3)]
		e.program = 1 + int(g.r.next()>>33%400)
		if g.binaryBelow > 0 && g.r.next()>>32 < g.binaryBelow {
			g.binary(&e, rec)
			break
		}
		rec.Value = g.write(&e)
	}
	if g.oddBelow > 0 && g.r.next()>>32 < g.oddBelow && rec.Headers == nil && len(e.typ) > 0 {
		rec.Value = g.spoil(&e)
	}
	rec.Key = e.subject
	g.value = rec.Value
	if g.oddBelow > 0 && rec.Headers == nil {
		g.last = append(g.last[:0], rec.Value...)
		g.lastKey = append(g.lastKey[:0], rec.Key...)
	}
	g.latest = max(g.latest, e.arrival)
	rec.Timestamp = g.latest
	return true
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// act returns the device of the next event: one of those at work, or one that begins.
func (g *Generator) act(passed float64) uint64 {
	s := &g.sessions[g.r.below(len(g.sessions))]
	if s.left == 0 {
		s.device = g.pick(&g.r, passed)
		s.left = 1 + int(g.r.next()>>40%5)
	}
	s.left--
	return s.device
}

// sent returns when an event that reaches the log now happened: nearly always within the last seconds, one in a hundred up to
// two hours before, one in a thousand up to two days. In a clean month it is always of the month.
func (g *Generator) sent(now int64, u uint64) int64 {
	t := now - int64(u>>54)*4
	switch v := u >> 32 % 1000; {
	case v == 0:
		t -= int64(g.r.below(2 * dayMS))
	case v <= 10:
		t -= int64(g.r.below(dayMS / 12))
	}
	if g.oddBelow == 0 {
		t = max(t, g.start)
	}
	return t
}

// write writes an event in the usual way, into the generator's buffer.
func (g *Generator) write(e *event) []byte { return e.append(g.value[:0], &g.calendar) }

// binary writes an event in CloudEvents' binary mode.
func (g *Generator) binary(e *event, rec *Record) {
	rec.Headers = []Header{
		{"ce_specversion", []byte("1.0")},
		{"ce_type", []byte(e.typ)},
		{"ce_source", []byte(e.source)},
		{"ce_id", appendUUID(nil, e.id)},
		{"ce_time", g.calendar.append(nil, e.time)},
		{"ce_subject", e.subject},
		{"ce_superapp", e.app},
		{"content-type", []byte("application/json")},
	}
	rec.Value = append(g.value[:0], `{"superapp":"decoy"}`...)
}

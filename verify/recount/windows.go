package recount

// Counters count an app's events.
type Counters struct{ Events, Skewed uint64 }

// Stretch counts records that are not counted, between two seals. Those over a limit are among the rejected, but for those of months too
// far away, which need no limit.
type Stretch struct{ Expired, Rejected, OverLimit, BeforeBooks uint64 }

func (s *Stretch) add(o Stretch) {
	s.Expired += o.Expired
	s.Rejected += o.Rejected
	s.OverLimit += o.OverLimit
	s.BeforeBooks += o.BeforeBooks
}

// Quantity is what a report is about.
type Quantity struct {
	Meter, Source string
	Day           int // 0: the whole month
}

// Standing is what was reported of it: the highest revision stands, of two with the same the higher value.
type Standing struct{ Revision, Value int64 }

// totals are what stands of quantities.
type totals map[Quantity]Standing

// take takes a report, or what stands elsewhere.
func (t totals) take(q Quantity, s Standing) {
	if was, ok := t[q]; !ok || s.above(was) {
		t[q] = s
	}
}

func (t totals) takeAll(all totals) {
	for q, s := range all {
		t.take(q, s)
	}
}

// window is an app's numbers in a month in one partition, but for facts.
type window struct {
	Counters
	totals  totals
	sources map[string]map[string]bool // by meter
	devices map[print]bool             // nil where nothing limits them
}

// held says whose devices are limited together.
type held struct {
	month Month
	late  bool
}

// windows are the windows of a month, by app.
type windows map[string]*window

// window returns the window of a reading; nil where the month has too many apps, or takes no app's first device.
func (p *partition) window(r *reading) *window {
	in := p.open[r.month]
	if r.month == p.sealed {
		in = p.late
	}
	if in == nil {
		in = windows{}
		if r.month == p.sealed {
			p.late = in
		} else {
			p.open[r.month] = in
		}
	}
	w := in[r.app]
	if w == nil {
		if len(in) >= r.rules.Limits.Apps || r.outcome == counted && p.full(r) {
			return nil
		}
		w = &window{totals: totals{}, sources: map[string]map[string]bool{}}
		in[r.app] = w
	}
	return w
}

// full says whether all devices of the reading's month are as many as its rules allow.
func (p *partition) full(r *reading) bool {
	limit := r.rules.Limits.Devices
	return limit > 0 && p.devices[held{r.month, r.month == p.sealed}] >= limit
}

// takes says whether the window takes the device of a reading: one that it has, or a new one within the limits.
func (p *partition) takes(w *window, r *reading) bool {
	limit := r.rules.Limits.AppDevices
	if limit == 0 && r.rules.Limits.Devices == 0 || w.devices[r.who] {
		return true
	}
	if limit > 0 && len(w.devices) >= limit || p.full(r) {
		return false
	}
	if w.devices == nil {
		w.devices = map[print]bool{}
	}
	w.devices[r.who] = true
	p.devices[held{r.month, r.month == p.sealed}]++
	return true
}

// report takes a quantity; false where the meter has too many sources.
func (w *window) report(r *reading) bool {
	if !w.sources[r.meter][r.source] {
		if len(w.sources[r.meter]) >= r.rules.Limits.Sources && r.rules.Limits.Sources > 0 {
			return false
		}
		if w.sources[r.meter] == nil {
			w.sources[r.meter] = map[string]bool{}
		}
		w.sources[r.meter][r.source] = true
	}
	w.totals.take(Quantity{r.meter, r.source, r.day}, Standing{r.revision, r.value})
	return true
}

func (s Standing) above(o Standing) bool {
	return s.Revision > o.Revision || s.Revision == o.Revision && s.Value > o.Value
}

package sim

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/axiomhq/hyperloglog"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headcount/events"
	"headcount/rating/ledger"
	"headcount/rollup/closed"
)

// document is a month's usage as it is printed.
type document struct {
	Sealed []struct {
		Partition events.Partition `json:"partition"`
		Offset    events.Offset    `json:"offset"`
	} `json:"sealed"`
	Usage    []appUsage `json:"usage"`
	Rejected int        `json:"rejected"`
	Before   int        `json:"before_books"`

	text string // as it was printed
}

type appUsage struct {
	App        string  `json:"app"`
	Account    *string `json:"account"`
	Events     int     `json:"events"`
	Duplicates int     `json:"duplicates"`
	Skewed     int     `json:"skewed"`
	Expired    int     `json:"expired"`
	Unknown    []struct {
		Events int `json:"events"`
	} `json:"unknown"`
	Rejected int `json:"rejected"`
	Before   int `json:"before_books"`
	Kinds    map[string]struct {
		Exact    int `json:"exact"`
		Estimate int `json:"estimate"`
	} `json:"kinds"`
	Meters []struct {
		Meter   string `json:"meter"`
		Exact   int64  `json:"exact"`
		Verdict string `json:"verdict"`
	} `json:"meters"`
	Daily jsontext.Value `json:"daily"` // compared as text, where the numbers are known
	Late  []struct {
		Devices int `json:"devices"`
		Users   int `json:"users"`
	} `json:"late"`
	Digest string `json:"digest"`
}

// day is what an app's devices and users did on a day.
type day struct {
	Day    string `json:"day"`
	Active int    `json:"active"`
	New    int    `json:"new"`
	Users  int    `json:"users"`
}

type bill struct {
	Account  string `json:"account"`
	Status   string `json:"status"`
	Reason   string `json:"reason"`
	Total    string `json:"total"`
	Revision int    `json:"revision"`
}

// sealOf names a month's seal in a partition.
type sealOf struct {
	month     events.Month
	partition events.Partition
}

// check holds what a close printed against the log.
func (w *World) check(m events.Month, r *closed.Result) {
	d, again := w.printed[m]
	if again && d.text != string(r.Document) {
		w.fail("two closes of %s print\n%s\n%s", m, d.text, r.Document)
	}
	if !again {
		d = &document{text: string(r.Document)}
		if err := json.Unmarshal(r.Document, d); err != nil {
			w.fail("usage of %s: %v", m, err)
			return
		}
		w.printed[m] = d
	}
	for _, s := range d.Sealed {
		w.sealedAt[sealOf{m, s.Partition}] = s.Offset
	}
	sealLost, cut := w.sealLost(m, d)
	if len(w.gaps) > 0 || w.halts > 0 || sealLost {
		w.checkLossy(m, r, d)
		w.checkHeld(m, r, d, again, cut)
		return
	}
	if !again && w.sealDeletedAt(m, d) {
		w.took(sealDeleted)
	}
	closings := w.closings()
	t := w.tell(closings)
	c := &comparison{w: w, month: m, want: t.month(m), before: t.months[m-1], closings: closings}
	c.document(d)
	c.bills(t, r)
	if len(c.wrong) > 0 {
		w.fail("%s is wrong:\n\t%s", m, strings.Join(c.wrong, "\n\t"))
	}
}

// checkHeld is what must be so where the loss of records was accepted: a month that may lack some of them is billed to nobody unseen, if
// the loss was on record when its close looked at the log. A loss since then is none of its. cut: so it is with its
// seals that were cut off, each of which is named.
func (w *World) checkHeld(m events.Month, r *closed.Result, d *document, again bool, cut []string) {
	concerned := len(cut) > 0
	for _, s := range d.Sealed {
		for _, g := range w.gaps {
			if g.partition != s.Partition || g.at == 0 || g.at >= w.looked(m, g.partition) || g.from > s.Offset {
				continue
			}
			// What lies before the seal of the month before the last is none of this month's.
			after := g.to > w.lastSeal(m-2, g.partition)
			concerned = concerned || after || g.before != 0 && m <= g.before+2
		}
	}
	if !concerned || again {
		return
	}
	w.held++
	if len(cut) > 0 {
		w.took(sealCut)
	}
	l, err := w.books.open()
	if err != nil {
		w.fail("ledger: %v", err)
	}
	before, err := l.Invoices(context.Background(), m-1)
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		w.fail("invoices of %s: %v", m-1, err)
	}
	for _, v := range append(before, r.Invoices...) {
		if (v.Month == m) != (v.Revision == 1) { // not of this close, which settles what came late: that may be lost too
			continue
		}
		if v.Status != "held" || !strings.Contains(v.Reason, "lost") {
			w.fail("%s of %s, revision %d, is %s (%s), though records were lost before %s was sealed", v.Account, v.Month, v.Revision, v.Status, v.Reason, m)
		}
		for _, seal := range cut {
			if !strings.Contains(v.Reason, seal) {
				w.fail("%s of %s, revision %d, is held (%s), which does not name %s", v.Account, v.Month, v.Revision, v.Reason, seal)
			}
		}
	}
}

// lastSeal is the offset of a month's seal in a partition, or of its last repeat: the month is sealed there where it is counted again from a
// log that has lost those before.
func (w *World) lastSeal(m events.Month, partition events.Partition) events.Offset {
	last := w.sealedAt[sealOf{m, partition}]
	for _, b := range w.log.partitions[partition].batches {
		if b.sealOf(m, partition) {
			last = max(last, b.base)
		}
	}
	return last
}

// comparison collects what is wrong with a month.
type comparison struct {
	w      *World
	month  events.Month
	want   *month
	before *month // nil: none
	of     string // what is compared now: an app, an account; empty: the month
	wrong  []string

	closings map[events.Month]begun
}

func (c *comparison) same(what string, got, want any) {
	if got != want && len(c.wrong) < 12 {
		c.wrong = append(c.wrong, fmt.Sprintf("%s %s: got %v, want %v", c.of, what, got, want))
	}
}

func (c *comparison) document(d *document) {
	c.same("rejected", d.Rejected, c.want.lost)
	c.same("before the books", d.Before, 0) // each has an app
	for _, s := range d.Sealed {
		at, ok := c.want.offsets[s.Partition]
		if !ok || s.Offset != at {
			c.same(fmt.Sprintf("seal of partition %d", s.Partition), s.Offset, fmt.Sprint(at, ok))
		}
	}
	c.same("partitions", len(d.Sealed), len(c.want.offsets))
	apps := map[string]bool{}
	for app := range c.want.apps {
		apps[app] = true
	}
	late, lateUsers := map[string]int{}, map[string]int{}
	if c.before != nil {
		for app, a := range c.before.apps {
			if n := a.lateDevices(); n > 0 {
				late[app], apps[app] = n, true
			}
			if n := a.lateUsers(); n > 0 {
				lateUsers[app], apps[app] = n, true
			}
		}
	}
	var got []string
	for _, a := range d.Usage {
		got = append(got, a.App)
	}
	c.same("apps", strings.Join(got, " "), strings.Join(keys(apps), " "))
	for _, a := range d.Usage {
		want := c.want.apps[a.App]
		if want == nil {
			want = (&month{apps: map[string]*appMonth{}}).app(a.App)
		}
		c.app(&a, want, late[a.App], lateUsers[a.App])
	}
}

var deviceKinds = kinds(0, 1, 2, 4)

func (a *appMonth) lateDevices() int {
	return people(deviceKinds, a.facts, a.late)[0] - people(deviceKinds, a.facts)[0]
}

func (a *appMonth) lateUsers() int {
	const login = 3 // of kindNames
	return people(kinds(login), a.facts, a.late)[0] - people(kinds(login), a.facts)[0]
}

func (c *comparison) app(got *appUsage, want *appMonth, late, lateUsers int) {
	c.of = got.App
	c.same("events", got.Events, want.events)
	c.same("duplicates", got.Duplicates, want.events-want.facts.number())
	c.same("skewed", got.Skewed, want.skewed)
	c.same("expired", got.Expired, want.expired)
	c.same("rejected", got.Rejected, want.rejected)
	c.same("before the books", got.Before, want.before)
	unknown := 0
	for _, x := range got.Unknown {
		unknown += x.Events
	}
	c.same("of unknown types", unknown, want.unknown)
	account, prices := accountOf(got.App, 0)
	if (got.Account == nil) != (account == "") || got.Account != nil && *got.Account != account {
		c.same("account", got.Account, account)
	}
	n := 0
	for k, name := range kindNames {
		did := people(kinds(k), want.facts)[0]
		if did > 0 || k <= 2 {
			n++
			c.same(name, got.Kinds[name].Exact, did)
			c.same(name+" estimate", got.Kinds[name].Estimate, c.estimate(got.App, k, want.facts))
		}
	}
	c.same("kinds", len(got.Kinds), n)
	if c.same("meters", len(got.Meters), len(prices)); len(got.Meters) == len(prices) {
		for _, m := range got.Meters {
			for _, p := range prices {
				if m.Meter == p.meter {
					c.same(m.Meter, m.Exact, want.quantity(p, false))
					c.same(m.Meter+" verdict", m.Verdict, map[bool]string{true: "agree", false: "none"}[p.kinds != 0 && !p.peak])
				}
			}
		}
	}
	c.days(got, want)
	if len(got.Late) == 2 {
		c.same("late", got.Late[0].Devices, late)
		c.same("late users", got.Late[0].Users, lateUsers)
	}
	c.same("digest", got.Digest, c.digest(got.App, want))
}

func (c *comparison) days(got *appUsage, want *appMonth) {
	var active, fresh, users [32]int
	for _, d := range want.facts {
		seen := false
		for day := 1; day < len(d); day++ {
			if d[day]&deviceKinds != 0 {
				active[day]++
				if !seen {
					seen = true
					fresh[day]++
				}
			}
			if d[day]&kinds(login) != 0 {
				users[day]++
			}
		}
	}
	days := time.Date(c.month.Year(), c.month.Calendar()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	b := make([]byte, 0, len(got.Daily))
	for i := 1; i <= days; i++ {
		b = append(b, `,{"day":"`...)
		b = append(b, c.month.String()...)
		b = append(b, '-', '0'+byte(i/10), '0'+byte(i%10))
		b = strconv.AppendInt(append(b, `","active":`...), int64(active[i]), 10)
		b = strconv.AppendInt(append(b, `,"new":`...), int64(fresh[i]), 10)
		b = strconv.AppendInt(append(b, `,"users":`...), int64(users[i]), 10)
		b = append(b, '}')
	}
	b[0] = '['
	if b = append(b, ']'); !bytes.Equal(got.Daily, b) {
		c.same("days", string(got.Daily), string(b))
	}
}

// estimate is what a sketch says of the same set.
func (c *comparison) estimate(app string, kind int, all facts) int {
	s, err := hyperloglog.NewSketch(uint8(c.w.template.Precision), false)
	if err != nil {
		panic(err)
	}
	x, y := salt(app, c.month)
	for who, d := range all {
		if d[0]&kinds(kind) != 0 {
			s.InsertHash(sketchHash(x, y, c.w.print(app, who, kind == login)))
		}
	}
	return int(s.Estimate())
}

// digest is the SHA-256 of the facts and quantities of an app, as counter/digest.go says.
func (c *comparison) digest(app string, a *appMonth) string {
	type row struct {
		print [16]byte
		did   *did
		of    kindSet
	}
	var rows []row
	for who, d := range a.facts {
		if d[0]&deviceKinds != 0 {
			rows = append(rows, row{c.w.print(app, who, false), d, deviceKinds})
		}
		if d[0]&kinds(login) != 0 {
			rows = append(rows, row{c.w.print(app, who, true), d, kinds(login)})
		}
	}
	slices.SortFunc(rows, func(x, y row) int { return bytes.Compare(x.print[:], y.print[:]) })
	b := []byte("headcount usage 1\n" + c.month.String())
	text := func(s string) { b = append(binary.LittleEndian.AppendUint16(b, uint16(len(s))), s...) }
	text(app)
	for _, r := range rows {
		set, days := uint16(0), []byte(nil)
		for k := range kindNames { // their indexes rise as they do
			if r.did[0]&r.of&kinds(k) == 0 {
				continue
			}
			on := uint32(0)
			for day := 1; day < len(r.did); day++ {
				if r.did[day]&kinds(k) != 0 {
					on |= 1 << day
				}
			}
			set |= 1 << kindIndex[k]
			days = binary.LittleEndian.AppendUint32(days, on)
		}
		b = append(append(b, 1), r.print[:]...)
		b = append(binary.LittleEndian.AppendUint16(b, set), days...)
	}
	b = append(b, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(a.totals)))
	order := func(x, y total) int {
		if n := strings.Compare(x.meter+"\x00"+x.source, y.meter+"\x00"+y.source); n != 0 {
			return n
		}
		return x.day - y.day
	}
	for _, at := range slices.SortedFunc(maps.Keys(a.totals), order) {
		text(at.meter)
		text(at.source)
		b = append(b, byte(at.day))
		b = binary.LittleEndian.AppendUint64(b, uint64(a.totals[at].revision))
		b = binary.LittleEndian.AppendUint64(b, uint64(a.totals[at].value))
	}
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// bills holds the ledger's invoices against what the sets imply.
func (c *comparison) bills(t *truth, r *closed.Result) {
	c.of = ""
	l, err := c.w.books.open()
	if err != nil {
		c.same("ledger", err, nil)
		return
	}
	for _, m := range []events.Month{c.month, c.month - 1} {
		known := t.months[m]
		if known == nil || c.w.printed[m] == nil {
			continue
		}
		stored, err := l.Invoices(context.Background(), m)
		if err != nil {
			c.same("invoices of "+m.String(), err, nil)
			continue
		}
		revisions := map[string][]*bill{}
		for _, v := range stored {
			c.same(fmt.Sprintf("%s of %s, revision %d, is numbered", v.Account, m, v.Revision), v.Number != nil, v.Status == ledger.Final)
			b := c.w.bills[string(v.Document)]
			if b == nil {
				b = &bill{}
				if err := json.Unmarshal(v.Document, b); err != nil {
					c.same("invoice", err, nil)
				}
				c.w.bills[string(v.Document)] = b
			}
			revisions[b.Account] = append(revisions[b.Account], b)
		}
		c.same("accounts", len(revisions), len(accountApps))
		for account, apps := range accountApps {
			c.account(m, account, apps, known, t.months[m-1], revisions[account], m != c.month)
		}
	}
}

// account holds an account's invoices of a month, all revisions, against what it owes; settled: with what came late. before is the month
// before, nil: it was not closed.
func (c *comparison) account(m events.Month, account string, apps []string, known, before *month, got []*bill, settled bool) {
	c.of = account + " of " + m.String()
	first, late, changed := int64(0), int64(0), false
	mau := c.closings[m].mau
	for _, app := range apps {
		a := known.apps[app]
		_, prices := accountOf(app, mau)
		for _, p := range prices {
			on := a.quantity(p, false)
			first += p.amount(on)
			if settled {
				with := a.quantity(p, true)
				changed = changed || with != on
				late += p.amount(with) - p.amount(on)
			}
		}
	}
	want := 1
	if changed {
		want = 2
	}
	if c.same("revisions", len(got), want); len(got) != want {
		return
	}
	c.same("total", got[0].Total, money(first))
	c.same("revision", got[0].Revision, 1)
	held := false
	var jumps, lateJumps []string
	for _, app := range apps {
		var was *appMonth
		if before != nil {
			was = before.apps[app]
		}
		jumps = append(jumps, known.apps[app].jumps(app, was, false)...)
		lateJumps = append(lateJumps, known.apps[app].jumps(app, was, true)...)
		if a := known.apps[app]; a != nil {
			odd, records := a.skewed+a.expired, a.events+a.expired+a.rejected
			held = held || odd >= holdLeast && 10*odd > a.events+a.expired || a.rejected >= holdLeast && 5*a.rejected > records
		}
		if lost, records := known.lost, known.records(); lost >= holdLeast && 5*lost > records { // of no app
			held = true
		}
		if c.w.limited {
			held = c.past(app, known.apps[app], got[0]) || held
		}
	}
	held = held || len(jumps) > 0
	c.same("held", got[0].Status == "held", held)
	c.jumped(got[0], jumps)
	if changed {
		c.same("what came late is held", got[1].Status == "held", held || len(lateJumps) > 0)
		c.jumped(got[1], append(jumps, lateJumps...))
		if account == "beta" { // late: report
			late = 0
		}
		c.same("total of what came late", got[1].Total, money(late))
		c.same("revision of what came late", got[1].Revision, 2)
	}
}

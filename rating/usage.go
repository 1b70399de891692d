package rating

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headcount/internal/appid"
)

// Usage is a month's sealed numbers: what rating needs of them.
type Usage struct {
	Month Month // 0: whichever it is rated for
	Apps  []AppUsage
	File  string // what errors call it; empty: they name the line alone
}

// at says where a line of the usage is; 0: it was not read from a text.
func (u *Usage) at(line int) string {
	switch {
	case line == 0:
		return "usage of " + u.Month.String()
	case u.File == "":
		return fmt.Sprintf("line %d", line)
	}
	return fmt.Sprintf("%s: line %d", u.File, line)
}

// Check says what cannot be in the usage of any month. What ParseUsage returns is checked.
func (u *Usage) Check() error {
	if err := checkMonth(u.Month); err != nil {
		return fmt.Errorf("%s: %w", u.at(0), err)
	}
	seen := make(map[string]bool, len(u.Apps))
	for i := range u.Apps {
		a := &u.Apps[i]
		fail := func(field string, args ...any) error {
			return fmt.Errorf("%s: usage[%d]"+field, append([]any{u.at(a.line), i}, args...)...)
		}
		switch {
		case a.App == "" || len(a.App) > appid.MaxBytes || strings.ContainsFunc(a.App, unicode.IsControl):
			return fail(".app: %q: want 1 to %d bytes without control characters", a.App, appid.MaxBytes)
		case seen[a.App]:
			return fail(".app: %q is there twice", a.App)
		}
		seen[a.App] = true
		for j := range a.Meters {
			m := &a.Meters[j]
			if err := m.check(u.Month); err != nil {
				return fail(".meters[%d]: %w", j, err)
			}
			for _, other := range a.Meters[:j] {
				if other.Meter == m.Meter {
					return fail(".meters[%d].meter: %q is there twice", j, m.Meter)
				}
			}
		}
	}
	return nil
}

func (m *MeterUsage) check(month Month) error {
	if m.Exact < 0 {
		return fmt.Errorf("exact %d is negative", m.Exact)
	}
	var seen [32]bool
	for i, v := range m.Days {
		day, err := ParseDate(v.Day)
		if err != nil {
			return fmt.Errorf("days[%d]: %w", i, err)
		}
		if day.Month != month || seen[day.Day] || v.Value < 0 {
			return fmt.Errorf("days[%d]: %s with %d: want each day of %s at most once, values not negative", i, day, v.Value, month)
		}
		seen[day.Day] = true
	}
	return nil
}

// AppUsage is the usage of one app.
type AppUsage struct {
	App    string
	Meters []MeterUsage
	Counts *AppCounts // nil: not said; what Fit needs, Rate does not
	line   int
}

// MeterUsage is the month of one meter.
type MeterUsage struct {
	Meter string
	Exact int64
	Days  []DayValue // of Unique that day's new devices, of Counter what was reported for the day; empty: not known
	line  int
}

// DayValue is a meter's figure of one day.
type DayValue struct {
	Day   string // 2026-10-01
	Value int64
}

// The JSON of the printed usage document, of which only what follows is read. What else stands in a meter must be known: a
// misspelt days would price it without its days.
type (
	usageJSON struct {
		Month *string     `json:"month"`
		Usage *[]*appJSON `json:"usage"`
	}
	appJSON struct {
		App    *string       `json:"app"`
		Meters *[]*meterJSON `json:"meters"`
		Kinds  kindsJSON     `json:"kinds"`
		Daily  dailyJSON     `json:"daily"`
		offset int64
	}
	kindsJSON map[string]int64                 // nil: not there, or not to be read: nothing else needs them
	dailyJSON struct{ fresh, mostUsers int64 } // likewise
	meterJSON struct {
		Meter *string    `json:"meter"`
		Exact *int64     `json:"exact"`
		Days  []*dayJSON `json:"days"`

		Estimate jsontext.Value `json:"estimate"`
		Bound    jsontext.Value `json:"bound"`
		Verdict  jsontext.Value `json:"verdict"`

		offset int64
	}
	dayJSON struct {
		Day   *string `json:"day"`
		Value *int64  `json:"value"`
	}
)

func (a *appJSON) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	type plain appJSON
	d.PeekKind()
	a.offset = d.InputOffset()
	return json.UnmarshalDecode(d, (*plain)(a))
}

func (m *meterJSON) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	type plain meterJSON
	d.PeekKind()
	m.offset = d.InputOffset()
	return json.UnmarshalDecode(d, (*plain)(m), json.RejectUnknownMembers(true))
}

// ParseUsage reads the usage document as it is printed. Only month and each app's meters are needed. Errors name line and field.
func ParseUsage(data []byte) (Usage, error) {
	var doc usageJSON
	if err := json.Unmarshal(data, &doc); err != nil {
		return Usage{}, jsonError(data, err)
	}
	lines := lineCounter{data: data}
	switch {
	case doc.Month == nil:
		return Usage{}, errors.New("line 1: misses the field month")
	case doc.Usage == nil:
		return Usage{}, errors.New("line 1: misses the field usage")
	}
	month, err := ParseMonth(*doc.Month)
	if err != nil {
		return Usage{}, fmt.Errorf("line %d: %w", lines.at(0), err)
	}
	u := Usage{Month: month}
	for i, a := range *doc.Usage {
		if a == nil {
			return Usage{}, fmt.Errorf("usage[%d]: is null", i)
		}
		app := AppUsage{line: lines.at(a.offset)}
		fail := func(f string, err error) (Usage, error) {
			return Usage{}, fmt.Errorf("line %d: usage[%d]%s: %w", app.line, i, f, err)
		}
		if a.App == nil || a.Meters == nil {
			return fail("", errors.New("misses the field app or meters"))
		}
		app.App, app.Counts = *a.App, a.counts()
		for j, m := range *a.Meters {
			read, err := m.read(&lines)
			if err != nil {
				return fail(fmt.Sprintf(".meters[%d]", j), err)
			}
			app.Meters = append(app.Meters, read)
		}
		u.Apps = append(u.Apps, app)
	}
	if err := u.Check(); err != nil {
		return Usage{}, err
	}
	return u, nil
}

func (k *kindsJSON) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	var kinds map[string]struct {
		Exact int64 `json:"exact"`
	}
	text, err := d.ReadValue()
	if err != nil || json.Unmarshal(text, &kinds) != nil || kinds == nil {
		return err
	}
	*k = make(kindsJSON, len(kinds))
	for name, kind := range kinds {
		(*k)[name] = kind.Exact
	}
	return nil
}

func (s *dailyJSON) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	var days []struct {
		New   int64 `json:"new"`
		Users int64 `json:"users"`
	}
	text, err := d.ReadValue()
	if err != nil || json.Unmarshal(text, &days) != nil {
		return err
	}
	for _, day := range days {
		s.fresh, s.mostUsers = s.fresh+day.New, max(s.mostUsers, day.Users)
	}
	return nil
}

// counts returns what an app's kinds and days say.
func (a *appJSON) counts() *AppCounts {
	if a.Kinds == nil {
		return nil
	}
	return &AppCounts{Kinds: a.Kinds, New: a.Daily.fresh, Users: a.Daily.mostUsers}
}

func (m *meterJSON) read(lines *lineCounter) (MeterUsage, error) {
	if m == nil {
		return MeterUsage{}, errors.New("is null")
	}
	if m.Meter == nil || m.Exact == nil {
		return MeterUsage{}, errors.New("misses the field meter or exact")
	}
	out := MeterUsage{Meter: *m.Meter, Exact: *m.Exact, line: lines.at(m.offset)}
	for i, v := range m.Days {
		if v == nil || v.Day == nil || v.Value == nil {
			return out, fmt.Errorf("days[%d] misses the field day or value", i)
		}
		out.Days = append(out.Days, DayValue{*v.Day, *v.Value})
	}
	return out, nil
}

// lineCounter turns rising offsets into lines, in one pass.
type lineCounter struct {
	data  []byte
	from  int
	lines int
}

func (l *lineCounter) at(offset int64) int {
	to := min(int(offset), len(l.data))
	for to < len(l.data) && strings.IndexByte(" \t\r\n,", l.data[to]) >= 0 {
		to++
	}
	if to < l.from {
		l.from, l.lines = 0, 0
	}
	l.lines += bytes.Count(l.data[l.from:to], []byte{'\n'})
	l.from = to
	return l.lines + 1
}

func jsonError(data []byte, err error) error {
	lines := lineCounter{data: data}
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return fmt.Errorf("line %d: %s: is there twice", lines.at(syntax.ByteOffset), fieldOf(syntax.JSONPointer))
		}
		return fmt.Errorf("line %d: is not JSON: %w", lines.at(syntax.ByteOffset), syntax.Err)
	}
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		line, field := lines.at(semantic.ByteOffset), fieldOf(semantic.JSONPointer)
		if errors.Is(err, json.ErrUnknownName) {
			return fmt.Errorf("line %d: %s: unknown field", line, field)
		}
		if field == "" {
			field = "the document"
		}
		want := "an object"
		if semantic.GoType != nil {
			switch semantic.GoType.Kind().String() {
			case "int64":
				want = "an integer below 2^63"
			case "string":
				want = "a string"
			case "slice":
				want = "an array"
			}
		}
		return fmt.Errorf("line %d: %s: %s, want %s", line, field, found(semantic), want)
	}
	return err
}

// fieldOf turns a JSON pointer into the form that other errors use.
func fieldOf(p jsontext.Pointer) string {
	var b strings.Builder
	for t := range p.Tokens() {
		if digits(t) {
			b.WriteString("[" + t + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(t)
	}
	return b.String()
}

func found(e *json.SemanticError) string {
	switch {
	case e.JSONKind == '{':
		return "an object"
	case e.JSONKind == '[':
		return "an array"
	case len(e.JSONValue) > 0 && len(e.JSONValue) < 64:
		return string(e.JSONValue)
	}
	return e.JSONKind.String()
}

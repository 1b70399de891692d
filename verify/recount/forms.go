package recount

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

var digitsForm = regexp.MustCompile(`^[0-9]+$`)

// digits reads a decimal integer of digits alone, below 2^63.
func digits(s string) (int64, bool) {
	if !digitsForm.MatchString(s) {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

var epochForm = regexp.MustCompile(`^-?([0-9]+)(\.[0-9]+)?$`)

// epoch reads a number of units since 1970, the whole part below 2^63. What lies outside the years 0001–9999 is held at their ends.
func epoch(s, unit string) (time.Time, bool) {
	m := epochForm.FindStringSubmatch(s)
	nanos, known := map[string]int64{"s": 1e9, "ms": 1e6, "us": 1e3, "ns": 1}[unit]
	if m == nil || !known {
		return time.Time{}, false
	}
	if _, ok := digits(m[1]); !ok {
		return time.Time{}, false
	}
	count, _ := new(big.Rat).SetString(s)
	count.Mul(count, new(big.Rat).SetInt64(nanos))
	ns := new(big.Int).Div(count.Num(), count.Denom()) // rounds down
	if !count.IsInt() {
		ns.Or(ns, big.NewInt(1)) // still after the millisecond
	}
	seconds, rest := new(big.Int).DivMod(ns, big.NewInt(1e9), new(big.Int))
	switch {
	case seconds.Cmp(big.NewInt(253402300799)) > 0:
		return time.Unix(253402300799, 0), true
	case seconds.Cmp(big.NewInt(-62135596800)) < 0:
		return time.Unix(-62135596800, 0), true
	}
	return time.Unix(seconds.Int64(), rest.Int64()), true
}

// named says whether s is 1–limit bytes of UTF-8 without control characters.
func named(s string, limit int) bool {
	return s != "" && len(s) <= limit && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

var timeForm = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d)(?::(\d\d)(\.\d+)?)?([Zz]|[+-]\d\d:?\d\d)$`)

// instant reads an RFC 3339 time, of which the seconds and an offset's colon may be left out. A leap second is the last instant of the second before it, at the end of a month in UTC.
func instant(s string) (time.Time, bool) {
	m := timeForm.FindStringSubmatch(s)
	if m == nil {
		return time.Time{}, false
	}
	second, leap := m[3], m[3] == "60"
	switch second {
	case "60":
		second = "59"
	case "":
		second = "00"
	}
	zone := strings.Replace(strings.ToUpper(m[5]), ":", "", 1)
	if zone != "Z" && (zone[1:3] > "23" || zone[3:] > "59") {
		return time.Time{}, false
	}
	t, err := time.Parse("2006-01-02T15:04:05Z", m[1]+"T"+m[2]+":"+second+"Z")
	if err != nil {
		return time.Time{}, false
	}
	if zone != "Z" {
		hours, _ := strconv.Atoi(zone[1:3])
		minutes, _ := strconv.Atoi(zone[3:])
		offset := time.Duration(hours*60+minutes) * time.Minute
		if zone[0] == '+' {
			offset = -offset
		}
		t = t.Add(offset)
	}
	if leap {
		next := t.Add(time.Second).UTC()
		return t.Add(time.Second - time.Nanosecond), next.Day() == 1 && next.Hour() == 0 && next.Minute() == 0 && next.Second() == 0
	}
	if m[4] != "" {
		fraction := m[4][1:]
		rest := ""
		if len(fraction) > 9 {
			fraction, rest = fraction[:9], fraction[9:]
		}
		n, _ := strconv.Atoi((fraction + "000000000")[:9])
		if strings.Trim(rest, "0") != "" && n%1e6 == 0 {
			n++ // beyond what a time holds: still after the millisecond
		}
		t = t.Add(time.Duration(n))
	}
	return t, true
}

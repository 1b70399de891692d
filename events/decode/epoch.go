package decode

import (
	"bytes"
	"math"
	"strconv"
)

// readEpoch reads a time since 1970 in units of which so many make a second: a decimal number without exponent, whose whole part is
// below 2^63 in magnitude. All that lies before 1970 is one instant: no such time counts.
func readEpoch(b []byte, units int64) (t instant, ok bool) {
	digits, before := bytes.CutPrefix(b, []byte("-"))
	whole, fraction, dotted := bytes.Cut(digits, []byte("."))
	n, ok := readValue(whole)
	if !ok || dotted && len(fraction) == 0 || len(bytes.Trim(fraction, "0123456789")) > 0 {
		return t, false
	}
	if before {
		return instant{ms: -1}, true
	}
	if units > 1000 {
		per := units / 1000
		return instant{ms: n / per, more: n%per != 0 || !allZero(fraction)}, true
	}
	ms := int64(0)
	if units == 1 { // milliseconds are the first three places
		places := append(append(make([]byte, 0, 3), fraction[:min(3, len(fraction))]...), "000"...)[:3]
		ms, _ = strconv.ParseInt(string(places), 10, 64)
		fraction = fraction[min(3, len(fraction)):]
		if n > math.MaxInt64/2000 { // far beyond any year; what it says of milliseconds is no matter
			n = math.MaxInt64 / 2000
		}
		n *= 1000
	}
	return instant{ms: n + ms, more: !allZero(fraction)}, true
}

func allZero(digits []byte) bool { return len(bytes.Trim(digits, "0")) == 0 }

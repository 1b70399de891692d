package events

// Clock says what is wrong with a device's.
type Clock uint8

// Wrong clocks. A year is told by that of the record's timestamp.
const (
	Ahead    Clock = iota // of the record's timestamp
	Unset                 // before the year 2000: never set
	Buddhist              // the year is counted by that era, 543 ahead
	Islamic               // by the lunar Hijri calendar
	Persian               // by the solar Hijri calendar
	Minguo                // by the era of the Republic of China
	Reiwa                 // by that of Japan
)

func (c Clock) String() string {
	return [...]string{"ahead", "never set", "Buddhist year", "Islamic year", "Persian year", "Minguo year", "Reiwa year"}[c]
}

// ClockOf tells a wrong clock by the year that it shows and the one in which its record was written.
func ClockOf(shown, written int) Clock {
	near := func(year int) bool { return year-1 <= shown && shown <= year+1 }
	switch {
	case near(written + 543):
		return Buddhist
	case shown > written:
		return Ahead
	case near((written - 622) * 33 / 32):
		return Islamic
	case near(written - 621):
		return Persian
	case near(written - 1911):
		return Minguo
	case near(written - 2018):
		return Reiwa
	case shown < 2000:
		return Unset
	}
	return Ahead
}

package decode

import (
	"encoding/binary"
	"time"
)

// instant is a point in time: milliseconds since 1970, rounded down, and whether anything was cut off by that.
type instant struct {
	ms   int64
	more bool
}

// parseTime reads an RFC 3339 date-time: T and Z of any case, any number of fractional digits, any offset. Beyond it, seconds may be
// left out, as Java does where they are zero, and an offset may lack its colon. A leap second is taken where one can be, in the last
// minute of a month in UTC; it belongs to the day it ends.
//
// Date and clock, fraction, offset, leap second: with fraction and offset as functions of their own it takes a tenth longer.
func (c *timeReader) parseTime(b []byte) (t instant, ok bool) {
	if len(b) < len("2006-01-02T15:04Z") {
		return t, false
	}
	if b[10]|0x20 != 't' || b[13] != ':' || !c.read(b) {
		return t, false
	}
	hour, ok1 := twoDigits(b, 11)
	minute, ok2 := twoDigits(b, 14)
	if !ok1 || !ok2 || hour > 23 || minute > 59 {
		return t, false
	}

	i := len("2006-01-02T15:04")
	second, millis := 0, 0
	if b[i] == ':' {
		if i += len(":05"); i >= len(b) {
			return t, false
		}
		if second, ok1 = twoDigits(b, i-2); !ok1 || second > 60 {
			return t, false
		}
	}
	if b[i] == '.' && b[16] == ':' {
		i++
		first := i
		for ; i < len(b) && b[i]-'0' <= 9; i++ {
			digit := int(b[i] - '0')
			switch i - first {
			case 0:
				millis = digit * 100
			case 1:
				millis += digit * 10
			case 2:
				millis += digit
			default:
				t.more = t.more || digit != 0
			}
		}
		if i == first || i == len(b) {
			return t, false
		}
	}

	offset := 0 // minutes
	switch b[i] {
	case 'Z', 'z':
		i++
	case '+', '-':
		at := i + len("+00")
		if at < len(b) && b[at] == ':' {
			at++
		}
		if len(b) != at+2 {
			return t, false
		}
		h, ok1 := twoDigits(b, i+1)
		m, ok2 := twoDigits(b, at)
		if !ok1 || !ok2 || h > 23 || m > 59 {
			return t, false
		}
		offset = h*60 + m
		if b[i] == '-' {
			offset = -offset
		}
		i = len(b)
	}
	if i != len(b) {
		return t, false
	}

	leap := second == 60
	if leap {
		second = 59
	}
	seconds := c.midnight + int64(hour*3600+minute*60+second) - int64(offset)*60
	if leap {
		if !endsMonth(seconds) {
			return t, false
		}
		return instant{ms: seconds*1000 + 999, more: true}, true
	}
	t.ms = seconds*1000 + int64(millis)
	return t, true
}

// timeReader remembers the date and the hour it read last: most events are of the same as the one before.
type timeReader struct {
	date     [10]byte
	midnight int64 // seconds since 1970

	day, hour uint64 // 2006-01-02T15, as the words at 0 and at 5; zero: none
	ms        int64  // at which it begins
}

const usualTime = "2006-01-02T15:04:05.000Z"

// Of the words at 13 and 16 of a usual time, 14 and 17 on are digits.
const (
	zeroMinutes      = ':' | '0'<<8 | '0'<<16 | ':'<<24
	tooManyInMinutes = 0x7f | 0x76<<8 | 0x76<<16 | 0x7f<<24
	zeroSeconds      = ':' | '0'<<8 | '0'<<16 | '.'<<24 | '0'<<32 | '0'<<40 | '0'<<48 | 'Z'<<56
	tooManyInSeconds = 0x7f | 0x76<<8 | 0x76<<16 | 0x7f<<24 | 0x76<<32 | 0x76<<40 | 0x76<<48 | 0x7f<<56
)

// readTime is parseTime, quick with what SDKs write: milliseconds, UTC, the hour of the event before.
func (c *timeReader) readTime(b []byte) (t instant, ok bool) {
	if len(b) != len(usualTime) {
		return c.parseTime(b)
	}
	day, hour := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[5:])
	// Exchanged with what stands there at zero, digits become their value and the marks between them zero. Added to that, a
	// byte's high bit says that it is more than it may be; it carries only where the byte had its own high bit.
	m := binary.LittleEndian.Uint32(b[13:]) ^ zeroMinutes
	s := binary.LittleEndian.Uint64(b[16:]) ^ zeroSeconds
	wrong := uint64((m+tooManyInMinutes)|m)&(highs>>32) | ((s+tooManyInSeconds)|s)&highs
	minute, second := uint64(m>>8&0xff*10+m>>16&0xff), s>>8&0xff*10+s>>16&0xff
	within := int64(minute*60_000 + second*1000 + s>>32&0xff*100 + s>>40&0xff*10 + s>>48&0xff)
	if wrong != 0 || minute > 59 || second > 59 {
		return c.parseTime(b)
	}
	if day != c.day || hour != c.hour || day == 0 {
		if t, ok = c.parseTime(b); ok {
			c.day, c.hour, c.ms = day, hour, t.ms-within
		}
		return t, ok
	}
	return instant{ms: c.ms + within}, true
}

// read reads the date that b begins with.
func (c *timeReader) read(b []byte) bool {
	if b[4] == '-' && string(b[:10]) == string(c.date[:]) { // at first, date is none
		return true
	}
	century, ok0 := twoDigits(b, 0)
	year, ok1 := twoDigits(b, 2)
	month, ok2 := twoDigits(b, 5)
	day, ok3 := twoDigits(b, 8)
	year += century * 100
	if !ok0 || !ok1 || !ok2 || !ok3 || b[4] != '-' || b[7] != '-' || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return false
	}
	copy(c.date[:], b)
	c.midnight = int64(daysSince1970(year, month, day)) * 86400
	return true
}

func twoDigits(b []byte, i int) (int, bool) {
	hi, lo := b[i]-'0', b[i+1]-'0'
	return int(hi)*10 + int(lo), hi <= 9 && lo <= 9
}

var monthDays = [13]uint8{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func daysIn(year, month int) int {
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		return 29
	}
	return int(monthDays[month])
}

// daysSince1970 counts the days from 1970-01-01 in the proleptic Gregorian calendar. Years begin in March here, so that the
// leap day is the last.
func daysSince1970(year, month, day int) int {
	if month <= 2 {
		year, month = year-1, month+12
	}
	year += 400 // year 0 begins in year −1: kept positive, so that divisions round down
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1 - 719468 - 146097
}

// endsMonth says whether a second is the last of a month in UTC.
func endsMonth(seconds int64) bool {
	next := seconds + 1
	if next%86400 != 0 {
		return false
	}
	return time.Unix(next, 0).UTC().Day() == 1
}

package decode

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"headcount/events"
	"headcount/events/signed"
)

// MaxMeterBytes is the longest name of a meter, bytes.
const MaxMeterBytes = 64

// reported gives the verdict on a usage.reported, whose members hold what it says. Its month is the one it names: at only says
// which month is the latest it can be.
//
// Whoever may produce records can write all of it but the signature: until that is checked no rules are fixed for it.
func (d *Decoder) reported(r *events.Record, e *events.Event, h *head, at int64) error {
	if e.App == nil {
		return reject(e, whyNoApp(h))
	}
	newest, err := d.monthOf(at)
	if err != nil {
		return err
	}
	q, month, why := d.readQuantity(newest)
	if why != "" {
		return reject(e, why)
	}
	signature, why := readSignature(d.members[slotSignature].val)
	if why != "" {
		return reject(e, why)
	}
	e.Month = month
	if d.tooOld(r, month) || month > d.bounds.last {
		return rejectFarOff(e)
	}
	if month < d.topic.From {
		return beforeBooks(e)
	}
	if month < d.floor {
		e.Outcome = events.Expired
		return nil
	}
	rules, why, err := d.authorize(month, d.report(h, q), signature)
	if err != nil {
		return err
	}
	if why == "" && len(r.Value) > rules.Limits.RecordBytes {
		why = events.OverLimit
	}
	if why != "" {
		return reject(e, why)
	}
	e.Outcome, e.Day, e.Quantity = events.Reported, q.Day, q
	return nil
}

// monthOf returns the month of an instant by the boundaries in its rules, and fixes none. Beyond the bounds none are asked for.
func (d *Decoder) monthOf(ms int64) (events.Month, error) {
	if s := d.current; s != nil && s.from <= ms && ms < s.until {
		return s.month, nil
	}
	m := events.MonthAt(d.zone, ms)
	if ms < d.bounds.from || ms >= d.bounds.until {
		return m, nil
	}
	rules, err := d.foreseen(m)
	switch {
	case err != nil:
		return 0, err
	case rules != nil && ms < rules.Start():
		m--
	case rules != nil && ms >= rules.End():
		m++
	}
	return m, nil
}

// foreseen returns the rules of a month, fixed or not; nil: there are none.
func (d *Decoder) foreseen(m events.Month) (*events.MonthRules, error) {
	if s := d.months[m]; s != nil {
		return s.rules, nil
	}
	rules, err := d.book.Foreseen(m)
	if err != nil {
		return nil, fmt.Errorf("rules of %s: %w", m, err)
	}
	return rules, nil
}

// report returns a quantity as its reporter signs it.
func (d *Decoder) report(h *head, q *events.Quantity) *signed.Report {
	text := func(s slot) string { return string(d.members[s].val) }
	r := &signed.Report{
		App: string(h.app), Meter: q.Meter, Month: text(slotMonth), Day: text(slotDay), Source: q.Source, Value: text(slotValue),
	}
	if len(d.members[slotRevision].val) > 0 {
		r.Revision = strconv.FormatInt(q.Revision, 10)
	}
	return r
}

// authorize returns the rules of a report's month, or says why it is not taken. It fixes them once the report proves to be signed.
func (d *Decoder) authorize(m events.Month, report *signed.Report, signature []byte) (*events.MonthRules, events.Reason, error) {
	rules, err := d.foreseen(m)
	if err != nil {
		return nil, "", err
	}
	if why := mayReport(rules, report, signature); why != "" {
		return nil, why, nil
	}
	fixed, err := d.book.MonthRules(m)
	if err != nil {
		return nil, "", fmt.Errorf("rules of %s: %w", m, err)
	}
	if fixed != rules && fixed.Hash() != rules.Hash() { // another process has fixed others just now
		return fixed, mayReport(fixed, report, signature), nil
	}
	return fixed, "", nil
}

// mayReport says why rules, which may be none, do not let a report count; empty: they do.
func mayReport(rules *events.MonthRules, report *signed.Report, signature []byte) events.Reason {
	if rules == nil {
		return events.UnknownReporter
	}
	by := rules.Reporter(report.Source)
	switch {
	case by == nil:
		return events.UnknownReporter
	case !by.MayReport(report.Meter):
		return events.NotItsMeter
	case !by.MayReportFor(report.App):
		return events.NotItsApp
	}
	key, err := by.PublicKey()
	if err != nil || report.Verify(rules.SealKey, key, signature) != nil {
		return events.WrongSignature
	}
	return ""
}

// readSignature reads an Ed25519 signature, whose base64 has one form.
func readSignature(text []byte) ([]byte, events.Reason) {
	if len(text) == 0 {
		return nil, events.Unsigned
	}
	signature, err := base64.StdEncoding.Strict().DecodeString(string(text))
	if err != nil || len(signature) != ed25519.SignatureSize || len(text) != base64.StdEncoding.EncodedLen(ed25519.SignatureSize) {
		return nil, events.BadSignature
	}
	return signature, ""
}

// readQuantity reads a quantity and its month from members, or says what is wrong with it.
func (d *Decoder) readQuantity(newest events.Month) (q *events.Quantity, month events.Month, why events.Reason) {
	if why = d.checkShapes(); why != "" {
		return nil, 0, why
	}
	month, ok := readMonth(d.members[slotMonth].val)
	if !ok || month < events.MonthAt(d.zone, d.topic.OldestMS) {
		return nil, 0, events.BadMonth
	}
	if month > newest {
		return nil, 0, events.FutureMonth
	}
	q = &events.Quantity{}
	if day := d.members[slotDay].val; len(day) > 0 {
		if q.Day, ok = readDay(day, month); !ok {
			return nil, 0, events.BadDay
		}
	}
	meter, source := d.members[slotMeter].val, d.members[slotSource].val
	if !named(meter, MaxMeterBytes) {
		return nil, 0, events.BadMeter
	}
	if !named(source, events.MaxReporterBytes) {
		return nil, 0, events.BadSource
	}
	q.Meter, q.Source = string(meter), string(source)
	if q.Value, ok = readValue(d.members[slotValue].val); !ok {
		return nil, 0, events.BadValue
	}
	if revision := d.members[slotRevision].val; len(revision) > 0 {
		if q.Revision, ok = readRevision(revision); !ok {
			return nil, 0, events.BadRevision
		}
	}
	return q, month, ""
}

// checkShapes says whether what a quantity is read from is text, each once; its revision may be a number.
func (d *Decoder) checkShapes() events.Reason {
	for _, s := range [...]slot{slotMeter, slotMonth, slotDay, slotSource, slotValue, slotRevision, slotSignature} {
		switch m := &d.members[s]; {
		case m.shape == repeated:
			return events.DuplicateName
		case m.shape == other, m.shape == number && s != slotRevision:
			return events.NotString
		case m.shape == notUTF8, m.shape == text && !utf8.Valid(m.val): // of a header; JSON is checked already
			return events.BadUTF8
		case m.shape == loneSurrogate:
			return events.BadSurrogate
		}
	}
	return ""
}

func readMonth(b []byte) (events.Month, bool) {
	m, err := events.ParseMonth(string(b))
	return m, err == nil
}

// readDay reads a day of the month: its date, 2026-10-03, or its number, 3 or 03.
func readDay(b []byte, m events.Month) (events.Day, bool) {
	if len(b) == len("2026-10-03") {
		if !bytes.HasPrefix(b, []byte(m.String())) || b[7] != '-' {
			return 0, false
		}
		b = b[8:]
	}
	if len(b) > 2 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b), 10, 8)
	return events.Day(n), err == nil && n >= 1 && int(n) <= m.Days()
}

// readValue reads a decimal integer of digits alone, below 2^63.
func readValue(b []byte) (int64, bool) {
	for _, c := range b {
		if c-'0' > 9 {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	return n, err == nil
}

// readRevision reads an integer below 2^31, written as a JSON number or, in a string or a header, as digits.
func readRevision(b []byte) (int64, bool) {
	digits, _ := bytes.CutPrefix(b, []byte("-"))
	n, ok := readValue(digits)
	if len(digits) < len(b) {
		n = -n
	}
	return n, ok && len(digits) > 0 && -math.MaxInt32 <= n && n <= math.MaxInt32
}

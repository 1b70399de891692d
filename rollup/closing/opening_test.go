package closing

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"headcount/events"
)

const march = october - 7

// One event dated seven months back is no reason to invoice seven months.
func TestOneOldEvent(t *testing.T) {
	for _, from := range []events.Month{0, october} {
		s := newTestSite(t)
		s.template.From = from
		s.open(0, "app-a", 77, march, 3)
		s.octoberEvents()
		months, err := s.closer(0).Due(t.Context())
		if from != 0 {
			if err != nil || !slices.Equal(months, []events.Month{october}) {
				t.Fatalf("due %v, %v", months, err)
			}
			r := s.mustClose(october)
			doc, err := r.Usage()
			if err != nil || doc.Usage[0].BeforeBooks != 1 || doc.Usage[0].Events != 6 || len(r.Invoices) != 2 {
				t.Errorf("%+v, %v, %d invoices", doc.Usage[0], err, len(r.Invoices))
			}
			if _, err := s.close(march); !is[*BooksOpenedLaterError](err) {
				t.Errorf("close of March: %v", err)
			}
			continue
		}
		e, ok := errors.AsType[*UnopenedError](err)
		if want := []MonthEvents{{march, 1}, {october, 11}}; !ok || e.Month != 0 || !slices.Equal(e.Events, want) {
			t.Fatalf("due %v, %v", months, err)
		}
		_, err = s.close(october)
		if e, ok = errors.AsType[*UnopenedError](err); !ok || e.Month != october || !slices.Equal(e.Events, []MonthEvents{{march, 1}}) {
			t.Fatalf("close of October: %v", err)
		}
		if want := "no month is closed yet, and to close 2026-10 opens the books with it: what is older is never billed, but 2026-03 has 1 events"; err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if s.ledger != nil {
			t.Error("a ledger was made")
		}
		c := s.closer(october)
		c.OpenBooks = true
		r, err := c.Close(t.Context(), october)
		if err != nil || len(r.Invoices) != 2 {
			t.Fatalf("%v, %v", r, err)
		}
		if all, err := s.ledger.Months(t.Context()); err != nil || len(all) != 1 || all[0].Month != october {
			t.Errorf("closed are %v, %v", all, err)
		}
		s.novemberEvents()
		s.mustClose(november) // the books are open: nothing is asked any more
		if months, err := s.closer(0).Due(t.Context()); err != nil || len(months) != 0 {
			t.Errorf("then due %v, %v", months, err)
		}
	}
}

// The oldest month that has events may open the books unasked, and so may a month where nothing is older.
func TestOldestOpensTheBooks(t *testing.T) {
	s := newTestSite(t)
	s.template.From = 0
	s.open(0, "app-a", 77, march, 3)
	s.octoberEvents()
	s.mustClose(march)
	if _, err := s.close(october); !is[*NotClosedBeforeError](err) {
		t.Errorf("close of October: %v", err)
	}
}

// With billing.from the first close is that month's, and no other's.
func TestBooksOpenWhereTheyAreSaidTo(t *testing.T) {
	s := newTestSite(t)
	s.octoberEvents()
	s.after(november, 3)
	if _, err := s.close(october - 1); !is[*BeforeBooksError](err) {
		t.Errorf("close of the month before: %v", err)
	}
	_, err := s.close(november)
	if e, ok := errors.AsType[*NotClosedBeforeError](err); !ok || e.Before != october {
		t.Errorf("close of the month after: %v", err)
	}
	c := s.closer(0)
	c.Yes = true
	if months, err := c.Due(t.Context()); err != nil || !slices.Equal(months, []events.Month{october, november}) {
		t.Errorf("due %v, %v", months, err)
	}
	s.mustClose(october)
	s.after(october-1, 3)
	s.ledger = nil
	s.template.From = november
	if months, err := s.closer(0).Due(t.Context()); err != nil || len(months) != 0 {
		t.Errorf("before the books open, due are %v, %v", months, err)
	}
}

// What the log holds that nobody has counted yet is counted before the books are opened: by those that read it, else here.
func TestOlderEventsThatNobodyCounted(t *testing.T) {
	s := newTestSite(t)
	s.template.From = 0
	s.open(1, "app-a", 77, march, 3)
	s.octoberEvents()
	s.group, s.owners = "readers", map[events.Partition]string{1: "a member"}
	s.slept = func(ctx context.Context) error {
		if s.naps < 3 { // it is slow
			return nil
		}
		return s.count(ctx, 1)
	}
	_, err := s.close(october)
	if e, ok := errors.AsType[*UnopenedError](err); !ok || !slices.Equal(e.Events, []MonthEvents{{march, 1}}) || s.naps < 3 {
		t.Errorf("after %d naps: %v", s.naps, err)
	}
	// A member that never gets there is waited for as long as is said.
	s = newTestSite(t)
	s.template.From = 0
	s.octoberEvents()
	s.group, s.owners = "readers", map[events.Partition]string{1: "a member"}
	s.slept = func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	c := s.closer(october)
	c.Timeout = time.Second
	_, err = c.Close(t.Context(), october)
	if e, ok := errors.AsType[*TimedOutError](err); !ok || !slices.Equal(e.Partitions, []events.Partition{1}) || !strings.Contains(e.Why, "a member") {
		t.Errorf("%v", err)
	}
}

// A forged event of a month to come, with a record's timestamp of that month, has no month invoiced before it is over, and keeps none
// from being closed. One too far ahead has no rules.
func TestEventsAhead(t *testing.T) {
	s := newTestSite(t)
	s.template.MonthsBack = 12
	for _, ahead := range []events.Month{1, 12, 13, 1200} {
		s.open(0, "app-a", 500+int(ahead), october+ahead, 5)
	}
	s.octoberEvents()
	if months, err := s.closer(0).Due(t.Context()); err != nil || !slices.Equal(months, []events.Month{october}) {
		t.Errorf("due %v, %v", months, err)
	}
	r := s.mustClose(october)
	doc, err := r.Usage()
	if err != nil || doc.Usage[0].Rejected != 2 || r.Held() || s.dead != 2 {
		t.Errorf("%+v, %v, held: %v", doc.Usage[0], err, r.Held())
	}
	rules, err := s.state().Rules(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if months, err := rules.Months(t.Context()); err != nil || !slices.Equal(months, []events.Month{october, october + 1, october + 12}) {
		t.Errorf("rules of %v, %v", months, err)
	}
	if months, err := s.closer(0).Due(t.Context()); err != nil || len(months) != 0 {
		t.Errorf("then due %v, %v", months, err)
	}
}

// At each call that fails while the books are about to be opened, nothing is billed, and the same goes through afterwards.
func TestOpeningFails(t *testing.T) {
	for at := 1; ; at++ {
		s := newTestSite(t)
		s.template.From = 0
		s.open(0, "app-a", 77, march, 3)
		s.octoberEvents()
		s.faults = faults{at: at}
		_, err := s.close(october)
		if s.faults.hit == "" {
			break
		}
		if is[*UnopenedError](err) { // it was a call that may fail
			continue
		}
		if err == nil || s.ledger != nil {
			t.Fatalf("call %d (%s) fails: %v, a ledger: %v", at, s.faults.hit, err, s.ledger != nil)
		}
		s.faults = faults{}
		if _, err := s.close(october); !is[*UnopenedError](err) {
			t.Fatalf("after call %d failed: %v", at, err)
		}
	}
}

package export

import (
	"errors"
	"path/filepath"
	"testing"

	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/rating/ledger"
	"headcount/rollup/closed"
)

func TestPrepareNotClosed(t *testing.T) {
	l, err := ledger.Create(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	bucket, err := checkpoint.OpenDirectory(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	const month = events.Month(2026*12 + 9)
	_, err = Prepare(t.Context(), Source{Month: month, Ledger: l, Bucket: bucket})
	if e, ok := errors.AsType[*closed.NotClosedError](err); !ok || e.Month != month {
		t.Errorf("%v", err)
	}
}

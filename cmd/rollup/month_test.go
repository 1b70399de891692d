package main

import (
	"testing"

	"headcount/cmd/cli"
	"headcount/cmd/site"
)

func TestNoLedger(t *testing.T) {
	err := site.FailureOf(&noLedgerError{"sqlite://l"})
	if want := "no month is closed yet: the ledger sqlite://l does not exist; the first `rollup close` makes it"; err.Error() != want || cli.Code(err) != cli.CheckFailed || !isOpen(err) {
		t.Errorf("got %d %s, want %s", cli.Code(err), err, want)
	}
}

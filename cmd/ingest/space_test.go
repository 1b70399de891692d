package main

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"headcount/events/stream"
)

func TestSpace(t *testing.T) {
	dir := t.TempDir()
	folders := []folder{{"state", dir}, {"ledger", filepath.Join(dir, "not", "there")}, {"log", "/"}}
	for _, c := range []struct {
		data room
		err  error
		want stream.Verdict
	}{
		{data: room{"a", 10 << 30, 1 << 20}, want: stream.Pass},
		{data: room{"a", littleSpace - 1, 1 << 20}, want: stream.Warn},
		{data: room{"a", noSpace - 1, 1 << 20}, want: stream.Fail},
		{data: room{"a", 0, 1 << 20}, want: stream.Fail},
		{data: room{"a", 10 << 30, 3}, want: stream.Fail},
		{err: errors.New("no such call"), want: stream.Warn},
	} {
		found := spaceOf(folders, func(at string) (room, error) {
			if at == "/" {
				return room{"root", 10 << 30, 1 << 20}, nil
			}
			if at != dir {
				t.Errorf("asked of %s", at)
			}
			return c.data, c.err
		})
		var verdicts []stream.Verdict
		for _, f := range found {
			verdicts = append(verdicts, f.Verdict)
			if (f.Verdict == stream.Pass) != (f.Remedy == "") {
				t.Errorf("%+v", f)
			}
		}
		want := []stream.Verdict{c.want, stream.Pass} // state and ledger lie on one
		if c.err != nil {
			want = []stream.Verdict{c.want, c.want, stream.Pass}
		}
		if !slices.Equal(verdicts, want) {
			t.Errorf("%+v: got %+v, want %v", c.data, found, want)
		}
	}
	if r, err := roomOn(dir); err != nil || r.on == "" || r.bytes == 0 {
		t.Errorf("of a real folder: %+v, %v", r, err)
	}
}

package events

import "testing"

func TestClockOf(t *testing.T) {
	for shown, want := range map[int]Clock{
		2569: Buddhist, 2568: Buddhist, 1448: Islamic, 1447: Islamic, 1405: Persian, 115: Minguo, 8: Reiwa, 1970: Unset, 1999: Unset, 1: Unset,
		2027: Ahead, 2026: Ahead, 9999: Ahead, 1600: Unset,
	} {
		if got := ClockOf(shown, 2026); got != want {
			t.Errorf("year %d in 2026: %s, want %s", shown, got, want)
		}
	}
}

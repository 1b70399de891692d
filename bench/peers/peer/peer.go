// Package peer is what the peers in Go share: flags, the event, and how they print what they counted.
package peer

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

// Options say what to count.
type Options struct {
	Brokers []string // to bootstrap from
	Topic   string   // to read from its beginning to its present end
	Month   string   // of UTC, 2026-10
}

// Event is what is read of an event.
type Event struct {
	Type     string `json:"type"`
	Subject  string `json:"subject"`
	Superapp string `json:"superapp"`
	Time     string `json:"time"`
}

// Counts says whether the event makes its device an active one of the month. Times must be of UTC, as those of a clean month are.
func (e *Event) Counts(month string) bool {
	switch e.Type {
	case "miniprogram.open", "minigame.open", "miniprogram.search", "minigame.search", "miniprogram.predownload", "minigame.predownload":
		return e.Subject != "" && e.Superapp != "" && strings.HasPrefix(e.Time, month)
	}
	return false
}

// Main reads the flags, counts, and prints the number of devices of each app as {"apps":{"app-001":1}}.
func Main(count func(context.Context, Options) (apps map[string]int, err error)) {
	brokers := flag.String("brokers", "127.0.0.1:9092", "`HOST:PORT,…`")
	topic := flag.String("topic", "sdk-events", "`TOPIC` to read to its present end")
	month := flag.String("month", "2026-10", "UTC `MONTH` to count")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	apps, err := count(ctx, Options{Brokers: strings.Split(*brokers, ","), Topic: *topic, Month: *month})
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(map[string]any{"apps": apps})
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", filepath.Base(os.Args[0]), err)
		os.Exit(1)
	}
}

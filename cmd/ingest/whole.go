package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"headcount/cmd/config"
	"headcount/cmd/site"
	"headcount/counter/checkpoint"
	"headcount/events/stream"
	"headcount/rating/ledger"
)

// checkWhole looks whether the ledger of the months that the state has sealed is there. Before the first close there is none.
func checkWhole(ctx context.Context, c *config.Config, state *checkpoint.Topic) []stream.Finding {
	l, err := site.Ledger(ctx, c, slog.New(slog.DiscardHandler), ledger.OpenReadOnly)
	if err == nil {
		l.Close()
	}
	if !errors.Is(err, ledger.ErrMissing) {
		return nil // it is there, or what is wrong with it is said already
	}
	sealed, err := state.NewestSealed(ctx)
	if err != nil || sealed == 0 {
		return nil
	}
	return []stream.Finding{{Check: "ledger", Verdict: stream.Fail,
		Detail: fmt.Sprintf("%s does not exist, but the state has months sealed, %s the newest: the closings, usage and invoices of all of them are gone", c.Ledger, sealed),
		Remedy: "restore it from its backup (`ledger:` in the config)"}}
}

// checkMembers names who reads the topic in the group, and who is a stranger there.
func checkMembers(ctx context.Context, c *config.Config, conn *site.Connection) []stream.Finding {
	if c.Kafka.Group == "" {
		return nil
	}
	members, err := conn.Members(ctx)
	if err != nil || len(members) == 0 {
		return nil // what is wrong with the group is said already
	}
	f := stream.Finding{Check: "readers", Verdict: stream.Pass}
	const shown = 20
	var names []string
	for i, m := range members {
		if m.Stranger != "" {
			f.Verdict, f.Remedy = stream.Fail, "stop it, or give one of the two another group (kafka.group): what it reads is not counted here"
			names = append([]string{m.String()}, names...)
		} else if i < shown {
			names = append(names, m.String())
		}
	}
	if more := len(members) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	f.Detail = strings.Join(names, "; ")
	return []stream.Finding{f}
}

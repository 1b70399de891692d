package closed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	fastjson "github.com/go-json-experiment/json"

	"headcount/events"
	"headcount/rating/ledger"
	"headcount/rollup/usage"
)

// Former tells what meters came to in a closed month as it was billed at a time: by its newest amendment until then, else by its close. It
// reads the ledger when it is asked first. A month that is not closed had nothing.
func Former(ctx context.Context, books Books, month events.Month, until time.Time) usage.Former {
	var apps map[string]json.RawMessage // usage of each
	return func(app string) (map[string]uint64, error) {
		if apps == nil {
			var err error
			if apps, err = billedUsage(ctx, books, month, until); err != nil {
				return nil, err
			}
		}
		text, ok := apps[app]
		if !ok {
			return nil, nil
		}
		var of struct {
			Meters []struct {
				Meter string `json:"meter"`
				Exact uint64 `json:"exact"`
			} `json:"meters"`
		}
		if err := fastjson.Unmarshal(text, &of); err != nil {
			return nil, fmt.Errorf("ledger, usage of %s, app %s: %w", month, app, err)
		}
		meters := map[string]uint64{}
		for _, m := range of.Meters {
			meters[m.Meter] = m.Exact
		}
		return meters, nil
	}
}

func billedUsage(ctx context.Context, books Books, month events.Month, until time.Time) (map[string]json.RawMessage, error) {
	apps := map[string]json.RawMessage{}
	stored, err := books.Result(ctx, month)
	if errors.Is(err, ledger.ErrNotFound) {
		return apps, nil
	}
	if err != nil {
		return nil, LedgerFailed(err)
	}
	for _, u := range stored.Usage {
		apps[u.App] = u.Document
	}
	amendments, err := books.Amendments(ctx, month)
	if err != nil {
		return nil, LedgerFailed(err)
	}
	for i := len(amendments) - 1; i >= 0; i-- {
		if a := &amendments[i]; !a.At.After(until) {
			return apps, amendedUsage(apps, a)
		}
	}
	return apps, nil
}

// amendedUsage puts an amendment's usage in the place of the close's.
func amendedUsage(apps map[string]json.RawMessage, a *ledger.Amendment) error {
	var of struct {
		Usage []json.RawMessage `json:"usage"`
	}
	if err := json.Unmarshal(a.Usage, &of); err != nil {
		return fmt.Errorf("ledger, amendment %d of %s: %w", a.Number, a.Month, err)
	}
	for _, text := range of.Usage {
		var x struct {
			App string `json:"app"`
		}
		if err := fastjson.Unmarshal(text, &x); err != nil {
			return fmt.Errorf("ledger, amendment %d of %s: %w", a.Number, a.Month, err)
		}
		apps[x.App] = text
	}
	return nil
}

// FormerApps tells what apps had in a closed month as it was billed at a time; nil where it is not closed.
func FormerApps(ctx context.Context, books Books, month events.Month, until time.Time) (map[string]usage.FormerApp, error) {
	apps, err := billedUsage(ctx, books, month, until)
	if err != nil || len(apps) == 0 {
		return nil, err
	}
	all := map[string]usage.FormerApp{}
	for app, text := range apps {
		var of struct {
			Events uint64 `json:"events"`
			Daily  []struct {
				New uint64 `json:"new"`
			} `json:"daily"`
		}
		if err := fastjson.Unmarshal(text, &of); err != nil {
			return nil, fmt.Errorf("ledger, usage of %s, app %s: %w", month, app, err)
		}
		f := usage.FormerApp{Events: of.Events}
		for _, d := range of.Daily {
			f.Devices += d.New
		}
		all[app] = f
	}
	return all, nil
}

package usage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/shopspring/decimal"

	"headcount/internal/canonical"
)

// Limits are past what an invoice is held. Those that a close begins with are in its closing: whoever goes on with it, settles what
// came late of its month or verifies it judges by them, whatever is configured by then.
//
// As a document they are canonical JSON, a member for each field, in this order. What a closing does not have, since a release before
// the limit began it, is that of DefaultLimits.
type Limits struct {
	HoldLeast    uint64    `json:"hold_least"`    // of how many events a share must be made to hold
	SkewLimit    Share     `json:"skew_limit"`    // of an app's events, with a wrong device clock or of a finished month
	RejectLimit  Share     `json:"reject_limit"`  // of an app's records, that were dead letters; of all records, those of no app
	UnknownLimit Share     `json:"unknown_limit"` // of an app's records, that were of unknown types
	FarLimit     Share     `json:"far_limit"`     // of an app's events, before the books by FarMonths or more
	DeviceJump   uint64    `json:"device_jump"`   // how many times the month before's devices, or what part of them, is said; it holds nothing. 0: it is not said
	QuantityJump uint64    `json:"quantity_jump"` // how many times what a meter of quantities had in the month before is implausible, from HoldLeast on; 0: nothing is
	Witnesses    Witnesses `json:"witnesses"`     // of the two counts of a meter; not configured
}

// DefaultLimits hold what nobody configured otherwise.
func DefaultLimits() Limits {
	onePercent := Share{decimal.New(1, -2)}
	return Limits{HoldLeast: 20, SkewLimit: onePercent, RejectLimit: onePercent, UnknownLimit: Share{decimal.New(1, 0)}, FarLimit: onePercent, DeviceJump: 2, QuantityJump: 10, Witnesses: Witnesses{Many: many, Narrow: Narrow, Wide: Wide}}
}

// Document returns the limits as a closing has them.
func (l Limits) Document() []byte { return canonical.MustMarshal(l) }

// ParseLimits reads what Document wrote; nothing at all is DefaultLimits.
func ParseLimits(document []byte) (Limits, error) {
	l := DefaultLimits()
	if len(document) == 0 {
		return l, nil
	}
	d := json.NewDecoder(bytes.NewReader(document))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return Limits{}, fmt.Errorf("limits %.200q: %w: use the release that began this close, or a newer one", document, err)
	}
	return l, nil
}

// Overridden says which limits are not the defaults, each by its name in the document.
func (l Limits) Overridden() (all []string) {
	d := DefaultLimits()
	for _, x := range []struct {
		name      string
		is, usual any
	}{
		{"hold_least", l.HoldLeast, d.HoldLeast},
		{"skew_limit", l.SkewLimit, d.SkewLimit},
		{"reject_limit", l.RejectLimit, d.RejectLimit},
		{"unknown_limit", l.UnknownLimit, d.UnknownLimit},
		{"far_limit", l.FarLimit, d.FarLimit},
		{"device_jump", l.DeviceJump, d.DeviceJump},
		{"quantity_jump", l.QuantityJump, d.QuantityJump},
		{"witnesses", l.Witnesses, d.Witnesses},
	} {
		if is, usual := fmt.Sprint(x.is), fmt.Sprint(x.usual); is != usual {
			all = append(all, fmt.Sprintf("%s is %s, not %s", x.name, is, usual))
		}
	}
	return all
}

// Share is a part of a whole, 0 to 1. It prints as 0.01.
type Share struct{ decimal.Decimal }

// ParseShare reads a share such as 0.01. One of 1 or more is never passed.
func ParseShare(text string) (Share, error) {
	share, err := decimal.NewFromString(text)
	if err == nil && share.IsNegative() {
		err = errors.New("it is negative")
	}
	if err != nil {
		return Share{}, fmt.Errorf("share %q: %w: write it as \"0.01\"", text, err)
	}
	return Share{share}, nil
}

// Passed says whether some of a whole are more than a share of it, and so many that a handful of forged or odd records cannot have made
// it.
func (l *Limits) Passed(share Share, some, whole uint64) bool {
	return some >= l.HoldLeast && decimal.NewFromUint64(some).GreaterThan(share.Mul(decimal.NewFromUint64(whole)))
}

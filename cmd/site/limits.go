package site

import (
	"headcount/cmd/config"
	"headcount/rollup/usage"
)

// Limits are past what invoices are held, as the configuration has it.
func Limits(c *config.Config) (l usage.Limits, err error) {
	l = usage.DefaultLimits()
	l.HoldLeast, l.QuantityJump, l.DeviceJump = uint64(c.Billing.HoldLeast), uint64(c.Billing.QuantityJump), uint64(c.Billing.DeviceJump)
	for _, share := range []struct {
		field, text string
		to          *usage.Share
	}{{"skew_limit", c.Billing.SkewLimit, &l.SkewLimit}, {"reject_limit", c.Billing.RejectLimit, &l.RejectLimit},
		{"unknown_limit", c.Billing.UnknownLimit, &l.UnknownLimit}, {"far_limit", c.Billing.FarLimit, &l.FarLimit}} {
		if *share.to, err = usage.ParseShare(share.text); err != nil {
			return l, &config.Error{Where: c.File, What: "billing." + share.field + ": " + err.Error()}
		}
	}
	return l, nil
}

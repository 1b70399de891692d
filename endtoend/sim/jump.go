package sim

import (
	"fmt"
	"strings"
)

// quantityJump is how many times what a meter of quantities was in the month before holds an invoice, from holdLeast on.
const quantityJump = 10

func jumped(value, before int64) bool {
	return before > 0 && value >= holdLeast && value > quantityJump*before
}

// jumps are the reasons of an app's invoice for its quantities, given what was billed of the month before, nil: nothing. What came late is held
// against what was billed of the month itself, too.
func (a *appMonth) jumps(app string, before *appMonth, late bool) (reasons []string) {
	_, prices := accountOf(app, 0)
	for _, p := range prices {
		if p.kinds != 0 {
			continue
		}
		value, was := a.quantity(p, late), before.quantity(p, false)
		if late {
			was = max(was, a.quantity(p, false))
		}
		if jumped(value, was) {
			reasons = append(reasons, fmt.Sprintf("app %s: quantities: meter %s: %d is more than %d times the %d of the month before", app, p.meter, value, quantityJump, was))
		}
	}
	return reasons
}

// jumped wants an invoice to name the quantities of its apps that are implausible, and no others.
func (c *comparison) jumped(v *bill, want []string) {
	var got []string
	for reason := range strings.SplitSeq(v.Reason, "; ") {
		if strings.Contains(reason, ": quantities: ") {
			got = append(got, reason)
		}
	}
	if len(want) > 0 {
		c.w.event(implausible)
	}
	c.same("quantities that hold", strings.Join(got, "; "), strings.Join(want, "; "))
}

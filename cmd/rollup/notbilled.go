package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"headcount/internal/visible"
	"headcount/rollup/usage"
)

// shownNotBilled is how much of what is not billed a table has: what holds invoices first, then what weighs most.
const shownNotBilled = 25

// notBilled prints what a month does not bill, and what wants a look before it is billed.
func notBilled(out io.Writer, d *usage.Document, soFar bool) error {
	if len(d.NotBilled) == 0 {
		return nil
	}
	list := slices.Clone(d.NotBilled)
	slices.SortStableFunc(list, func(a, b usage.NotBilled) int {
		if a.Held != b.Held {
			if a.Held {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.Count, a.Count)
	})
	held := "held: "
	if soFar {
		held = "will be held: "
	}
	fmt.Fprintf(out, "\nNot billed, or to look at:\n")
	for _, n := range list[:min(len(list), shownNotBilled)] {
		mark := ""
		if n.Held {
			mark = held
		}
		fmt.Fprintf(out, "  %s%s\n", mark, visible.Text(n.Text))
	}
	var err error
	if more := len(list) - shownNotBilled + d.NotBilledMore; more > 0 {
		_, err = fmt.Fprintf(out, "  … and %d more: --json has them\n", more)
	}
	return err
}

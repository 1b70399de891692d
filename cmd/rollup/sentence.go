package main

import (
	"fmt"
	"regexp"
	"strings"

	"headcount/rating"
)

var (
	unitForm  = regexp.MustCompile(`^(?:\(.*\)|[0-9]+) × ([0-9.]+)$`)
	blockForm = regexp.MustCompile(`^[⌈⌊].* / ([0-9]+)([⌉⌋]) = ([0-9]+) blocks? × ([0-9.]+)$`)
	daysForm  = regexp.MustCompile(`^(.*) × ([0-9]+)/([0-9]+) days in use$`)
)

// sentence says in words what a line's formula does; a formula of another form stays as it is.
func sentence(l rating.Line, currency string) string {
	how, days := l.How, ""
	if m := daysForm.FindStringSubmatch(how); m != nil {
		how, days = m[1], fmt.Sprintf(", for the %s of %s days on which it was in use", m[2], m[3])
	}
	if l.Was != nil && l.Now != nil {
		return corrected(l, currency)
	}
	if l.Meter == "" {
		return l.How
	}
	quota := "all " + grouped(l.Quantity)
	if l.Free != "0" {
		quota = fmt.Sprintf("%s above the %s that are free", grouped(l.Billable), grouped(l.Free))
	}
	unit, block := unitForm.FindStringSubmatch(how), blockForm.FindStringSubmatch(how)
	switch {
	case (unit != nil || block != nil) && l.Quantity == "0":
		return "nothing was used"
	case (unit != nil || block != nil) && l.Billable == "0":
		return fmt.Sprintf("%s, within the %s that are free", grouped(l.Quantity), grouped(l.Free))
	case unit != nil:
		return fmt.Sprintf("%s, at %s each%s", quota, money(unit[1], currency), days)
	case block != nil:
		begun := ""
		if block[2] == "⌉" {
			begun = " begun"
		}
		return fmt.Sprintf("%s: %s, each of %s%s, at %s%s", quota, plural(block[3], "block"), grouped(block[1]), begun, money(block[4], currency), days)
	}
	return l.How
}

func plural(n, word string) string {
	if n == "1" {
		return "1 " + word
	}
	return grouped(n) + " " + word + "s"
}

// corrected says what was billed, and what is right.
func corrected(l rating.Line, currency string) string {
	one := func(s *rating.Standing) string {
		text := grouped(s.Quantity)
		if s.Free != "0" {
			text += fmt.Sprintf(" (%s free)", grouped(s.Free))
		}
		if s.UnitPrice != "0" {
			text += " at " + money(s.UnitPrice, currency)
		}
		return text + ": " + money(s.Amount, currency)
	}
	text := fmt.Sprintf("billed was %s; right is %s", one(l.Was), one(l.Now))
	if strings.HasSuffix(l.How, "reported, not billed") {
		text += "; reported, not billed"
	}
	return text
}

// changed shows a value that a correction changed: what was, and what is right.
func changed(l rating.Line, of func(*rating.Standing) string, plain string) string {
	if l.Was == nil || l.Now == nil {
		return grouped(plain)
	}
	was, now := grouped(of(l.Was)), grouped(of(l.Now))
	if was == now {
		return now
	}
	return was + " → " + now
}

// cells are what the columns quantity, free, billable and unit price show of a line.
func cells(l rating.Line) [4]string {
	return [4]string{
		changed(l, func(s *rating.Standing) string { return s.Quantity }, l.Quantity),
		changed(l, func(s *rating.Standing) string { return s.Free }, l.Free),
		changed(l, func(s *rating.Standing) string { return s.Billable }, l.Billable),
		changed(l, func(s *rating.Standing) string { return s.UnitPrice }, l.UnitPrice),
	}
}

package main

import (
	"fmt"
	"strings"
	"time"

	"headcount/rating"
)

// title is what a document is called.
func title(v *rating.Invoice) string {
	switch {
	case v.WhatIf:
		return "What-if invoice"
	case v.Document == rating.DocumentCredit:
		return "Credit note"
	}
	return "Invoice"
}

// state is how an invoice stands, in words.
func state(v *rating.Invoice) string {
	if v.WhatIf && v.Status == rating.StatusHeld {
		return "what-if: it would be held"
	}
	if v.WhatIf {
		return "what-if"
	}
	words := []string{v.Status}
	if v.Released != nil {
		words = append(words, "released")
	}
	if v.Amended != nil {
		words = append(words, "amended")
	}
	return strings.Join(words, ", ")
}

// acts are what was done to an invoice, a sentence each: who, when and why. A reason of holding stands in it once.
func acts(v *rating.Invoice) (all []string) {
	if a := v.Amended; a != nil {
		all = append(all, fmt.Sprintf("amended by %s on %s: %s", a.By, moment(a.At), a.Reason))
	}
	why := v.Reason
	if v.Amended != nil { // the amendment's own reason is said
		why = strings.TrimPrefix(why, "amended: "+v.Amended.Reason)
		why = strings.TrimPrefix(why, "; held: ")
	}
	switch {
	case why == "":
	case v.Status == rating.StatusHeld:
		all = append(all, "held because: "+why)
	case v.Released != nil:
		all = append(all, "was held because: "+why)
	default:
		all = append(all, "reason: "+why)
	}
	if r := v.Released; r != nil {
		all = append(all, fmt.Sprintf("released by %s on %s: %s", r.By, moment(r.At), r.Reason))
	}
	return all
}

// moment shortens a time of the ledger.
func moment(at string) string {
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return at
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// recipient is whom an invoice is made out to, but for its account's id; empty: nothing is said.
func recipient(v *rating.Invoice) (all []string) {
	add := func(label, text string) {
		if text != "" {
			all = append(all, label+text)
		}
	}
	add("", v.Name)
	if v.Legal != nil {
		add("", strings.Join(v.Legal.Address, ", "))
		add("tax id ", v.Legal.TaxID)
	}
	add("contact ", v.Contact)
	add("order ", v.PO)
	add("tags ", strings.Join(v.Tags, ", "))
	return all
}

// sender is who sends an invoice.
func sender(v *rating.Invoice) (all []string) {
	if v.Issuer == nil {
		return nil
	}
	for _, text := range append([]string{v.Issuer.Name}, v.Issuer.Address...) {
		if text != "" {
			all = append(all, text)
		}
	}
	if v.Issuer.TaxID != "" {
		all = append(all, "tax id "+v.Issuer.TaxID)
	}
	return all
}

// dates are when an invoice was issued, and until when it is to be paid.
func dates(v *rating.Invoice) (all []string) {
	if v.Issued != "" {
		all = append(all, "issued "+v.Issued)
	}
	switch {
	case v.Due != "" && v.Terms != "":
		all = append(all, "due "+v.Due+" ("+v.Terms+")")
	case v.Terms != "":
		all = append(all, "terms "+v.Terms)
	}
	if v.Corrects != "" {
		all = append(all, "belongs to "+v.Corrects)
	}
	return all
}

// taxed says what an invoice's tax is; empty: none is said.
func taxed(v *rating.Invoice) string {
	text := "tax"
	switch {
	case v.TaxRate != "":
		text += " " + taxPercent(v.TaxRate)
	case !charged(v.Tax):
		return ""
	}
	if v.TaxNote != "" {
		text += " (" + v.TaxNote + ")"
	}
	if v.Retaxed() {
		text += ", of all that is billed of the month, less what was asked for"
	}
	return text
}

// daysSum sums up the days on which an invoice was billed, where its book bills by day: how many had a charge, from which to which.
func daysSum(v *rating.Invoice) (days int, first, last, sum string) {
	sum = "0"
	for _, d := range v.Daily {
		if !charged(d.Amount) {
			continue
		}
		if days++; days == 1 {
			first = d.Day
		}
		last = d.Day
		if total, err := rating.Sum(sum, d.Amount); err == nil {
			sum = total
		}
	}
	return days, first, last, sum
}

// zero says whether nothing is asked for or given back by an invoice, nor was paid ahead.
func zero(v *rating.Invoice) bool { return !charged(v.Total) && !charged(v.Tax) && len(v.Prepaid) == 0 }

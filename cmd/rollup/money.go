package main

import (
	"strings"
)

// symbols are how amounts of a currency are written where it is at home.
var symbols = map[string]string{
	"USD": "$", "CNY": "¥", "EUR": "€", "GBP": "£", "JPY": "¥", "KRW": "₩", "INR": "₹", "HKD": "HK$", "SGD": "S$", "TWD": "NT$", "AUD": "A$", "CAD": "CA$",
	"BRL": "R$", "THB": "฿", "VND": "₫", "PHP": "₱", "ILS": "₪", "TRY": "₺", "NGN": "₦", "UAH": "₴",
}

// money writes an amount for people: $1,234.50, ¥88.00, CHF 7.00. It has the decimals that it came with.
func money(amount, currency string) string {
	sign, number := "", grouped(amount)
	if rest, negative := strings.CutPrefix(number, "-"); negative {
		sign, number = "-", rest
	}
	if s, ok := symbols[currency]; ok {
		return sign + s + number
	}
	return sign + currency + " " + number
}

// headline is money with the currency's code, where the symbol alone may be another's.
func headline(amount, currency string) string {
	if _, ok := symbols[currency]; ok {
		return money(amount, currency) + " " + currency
	}
	return money(amount, currency)
}

// grouped separates the thousands of a decimal; what is none stays.
func grouped(text string) string {
	if !numeral.MatchString(text) {
		return text
	}
	whole, fraction, point := strings.Cut(text, ".")
	sign := ""
	if rest, negative := strings.CutPrefix(whole, "-"); negative {
		sign, whole = "-", rest
	}
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	if point {
		whole += "." + fraction
	}
	return sign + whole
}

// taxPercent writes a share such as 0.19 as 19%.
func taxPercent(share string) string {
	whole, fraction, _ := strings.Cut(share, ".")
	for len(fraction) < 2 {
		fraction += "0"
	}
	number := strings.TrimLeft(whole+fraction[:2], "0")
	if number == "" {
		number = "0"
	}
	if rest := strings.TrimRight(fraction[2:], "0"); rest != "" {
		number += "." + rest
	}
	return number + "%"
}

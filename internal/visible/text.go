// Package visible has ids read as what they are: what is invisible in them is shown, and what looks alike is named. Ids of apps come from
// whoever sends events.
package visible

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text writes what nobody would see as escapes: app\u200b1. These are control and formatting characters (zero width, direction, soft hyphen),
// spaces but the ASCII one, fillers, variation selectors, and whatever has no shape of its own; of broken UTF-8, the bytes (\xff). All
// else stays as it is.
func Text(s string) string {
	if strings.IndexFunc(s, hidden) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	escape(&b, s, "")
	return b.String()
}

// escape writes s as Text does, but for the characters in keep.
func escape(b *strings.Builder, s, keep string) {
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(b, `\x%02x`, s[i])
		case !hidden(r) || strings.ContainsRune(keep, r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(b, `\U%08x`, r)
		default:
			fmt.Fprintf(b, `\u%04x`, r)
		}
	}
}

// hidden says that a character is not seen, or not for what it is.
func hidden(r rune) bool {
	return !unicode.IsPrint(r) || r == 0x2800 /* Braille without dots */ || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// Writer passes text on as Text writes it, but for ends of lines and tabs. It is for what people read: tables, pages, logs.
func Writer(w io.Writer) io.Writer { return &writer{w: w} }

type writer struct {
	w    io.Writer
	rest []byte // of a character whose other bytes have not come yet
}

func (w *writer) Write(p []byte) (int, error) {
	all := p
	if len(w.rest) > 0 {
		all = append(w.rest, p...)
	}
	w.rest = nil
	end := len(all)
	for i := max(0, end-utf8.UTFMax+1); i < end; i++ {
		if utf8.RuneStart(all[i]) && !utf8.FullRune(all[i:]) {
			end = i
			break
		}
	}
	if end < len(all) {
		w.rest = append([]byte{}, all[end:]...)
	}
	var b strings.Builder
	escape(&b, string(all[:end]), "\n\t")
	if _, err := io.WriteString(w.w, b.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}

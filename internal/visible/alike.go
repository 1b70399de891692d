package visible

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Alike returns groups of ids that a reader may take for one another, each group sorted, in the order of their first. Ids look alike that
// are the same without invisible characters, without regard to case, in Unicode's compatibility form (full width, ligatures), and with
// letters of Cyrillic and Greek, and digits, taken for the Latin ones that they look like. Repeats of one id are that id.
func Alike(ids []string) [][]string {
	byLook := map[string][]string{}
	for _, id := range ids {
		look := skeleton(id)
		if !slices.Contains(byLook[look], id) {
			byLook[look] = append(byLook[look], id)
		}
	}
	var groups [][]string
	for _, g := range byLook {
		if len(g) > 1 {
			slices.Sort(g)
			groups = append(groups, g)
		}
	}
	slices.SortFunc(groups, slices.Compare)
	return groups
}

// skeleton is the same for ids that look alike.
func skeleton(id string) string {
	var b strings.Builder
	for _, r := range norm.NFKC.String(id) {
		if hidden(r) && !unicode.IsSpace(r) {
			continue
		}
		if unicode.IsSpace(r) {
			r = ' '
		}
		for _, r := range norm.NFKC.String(string(unicode.ToLower(unicode.ToUpper(r)))) { // ToUpper first: ſ and ς have no other way
			if like, ok := looks[r]; ok {
				r = like
			}
			b.WriteRune(r)
		}
	}
	return norm.NFC.String(strings.TrimSpace(b.String()))
}

// looks says which letter or digit a character is taken for, in lower case. It has what keyboards and fonts make likely, and is no full table of
// confusables: it warns, and decides nothing.
var looks = func() map[rune]rune {
	all := map[rune]rune{}
	for like, from := range map[rune]string{
		'a': "аα", 'b': "вβ", 'c': "сϲ", 'd': "ԁ", 'e': "еεҽ", 'g': "ɡ", 'h': "нһη", 'i': "іιı", 'j': "јϳ", 'k': "кκ", 'l': "1|ӏ", 'm': "мμ",
		'n': "пν", 'o': "0оοσօ", 'p': "рρ", 'q': "ԛ", 's': "ѕ", 't': "тτ", 'u': "υս", 'w': "ԝω", 'x': "хχ", 'y': "уүγ", 'z': "ζ",
		'-': "‐‑‒–—―−", '_': "＿", '.': "․",
	} {
		for _, r := range from {
			all[r] = like
		}
	}
	return all
}()

// Pair is an id, and another that it looks like, both in ASCII: what else they have is escaped, since that is what they differ by.
type Pair struct{ ID, Like string }

// Pairs names ids that look alike, at most so many of them, and says how many more there are. Like is in ASCII where any of a group is.
func Pairs(ids []string, most int) (pairs []Pair, more int) {
	for _, g := range Alike(ids) {
		slices.SortStableFunc(g, func(a, b string) int { return len(ascii(a)) - len(a) - (len(ascii(b)) - len(b)) })
		for _, id := range g[1:] {
			if len(pairs) == most {
				more++
				continue
			}
			pairs = append(pairs, Pair{ascii(id), ascii(g[0])})
		}
	}
	return pairs, more
}

// ascii escapes all that is not ASCII.
func ascii(id string) string {
	quoted := strconv.QuoteToASCII(id)
	return quoted[1 : len(quoted)-1]
}

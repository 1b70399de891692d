package rating

import (
	"strings"
	"unicode"
)

// unseen are characters that leave no mark: fillers, joiners, directions, variants. White space is apart.
var unseen = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x00ad, 0x00ad, 1}, {0x034f, 0x034f, 1}, {0x061c, 0x061c, 1}, {0x115f, 0x1160, 1}, {0x17b4, 0x17b5, 1}, {0x180b, 0x180f, 1},
		{0x200b, 0x200f, 1}, {0x202a, 0x202e, 1}, {0x2060, 0x206f, 1}, {0x3164, 0x3164, 1}, {0xfe00, 0xfe0f, 1}, {0xfeff, 0xfeff, 1},
		{0xffa0, 0xffa0, 1},
	},
	R32:         []unicode.Range32{{0xe0000, 0xe0fff, 1}},
	LatinOffset: 1,
}

// seen returns what of an id can be seen: without unseen characters, each white space as one blank, none at its ends.
func seen(id string) string {
	plain := true
	for i := range len(id) {
		plain = plain && '!' <= id[i] && id[i] <= '~'
	}
	if plain {
		return id
	}
	visible := func(r rune) rune {
		if unicode.Is(unseen, r) {
			return -1
		}
		return r
	}
	return strings.Join(strings.Fields(strings.Map(visible, id)), " ")
}

// lookalikes refuses ids, of accounts or of apps, that people cannot tell apart.
func (a *Accounts) lookalikes() error {
	type named struct {
		id string
		by *account
	}
	var odd [2][]named // account ids and apps that are not what can be seen of them
	for _, x := range a.list {
		if seen(x.id) != x.id {
			odd[0] = append(odd[0], named{x.id, x})
		}
		for _, app := range x.apps {
			if seen(app) != app {
				odd[1] = append(odd[1], named{app, x})
			}
		}
	}
	for k, what := range []string{"account", "app"} {
		others := make(map[string]named)
		for _, o := range odd[k] {
			look := seen(o.id)
			other, ok := others[look]
			if !ok {
				if y := a.called(k, look); y != nil {
					other, ok = named{look, y}, true
				}
			}
			if ok && other.id != o.id {
				e := o.by.at.Errorf("%s %+q looks like %+q of %s: they differ by white space or characters that nobody sees", what, o.id, other.id, other.by.seenFrom(o.by))
				e.Field = strings.TrimPrefix(e.Field+[]string{".id", ".apps"}[k], ".")
				return e
			}
			others[look] = o
		}
	}
	return nil
}

// called returns the account with an id, or one with an app of that id.
func (a *Accounts) called(k int, id string) *account {
	if k == 0 {
		return a.find(id)
	}
	if of := a.of(id); len(of) > 0 {
		return of[0]
	}
	return nil
}

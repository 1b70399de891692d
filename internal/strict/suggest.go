package strict

import "strings"

// DidYouMean returns `; did you mean "…"?` for the known word nearest to one that is unknown, or nothing where none is near.
func DidYouMean(word string, known []string) string {
	if near := Nearest(word, known, max(1, len(word)/3)); near != "" {
		return `; did you mean "` + near + `"?`
	}
	return ""
}

// Nearest returns the first of the known words that fewest slips of the finger turn into this one, at most so many; empty: there
// is none. Capitals count as small letters.
func Nearest(word string, known []string, slips int) string {
	best, nearest := slips+1, ""
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < best {
			best, nearest = d, k
		}
	}
	return nearest
}

// distance is how many letters must be put in, taken out, exchanged or swapped with their neighbour to make b of a.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	var before, last, row []int
	for j := range len(b) + 1 {
		last = append(last, j)
	}
	for i := range len(a) {
		row = append([]int(nil), i+1)
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			d := min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				d = min(d, before[j-1]+1)
			}
			row = append(row, d)
		}
		before, last = last, row
	}
	return last[len(b)]
}

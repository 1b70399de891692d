package checkpoint

// level is the logarithm of a segment's size, to the base levelFactor, in units of levelUnit bytes.
func level(size int64) int {
	l := 0
	for size > levelUnit {
		size = (size + levelFactor - 1) / levelFactor
		l++
	}
	return l
}

const (
	levelFactor = 8
	levelUnit   = 4096
)

// plan says which of the segments with these sizes, oldest first, to write as one: those from the result on. The last is
// about to be written in any case.
//
// It keeps the levels from rising towards the newest, and fewer than levelFactor segments on each. What is rewritten comes
// to lie at least one level higher: so a byte is written at most once a level, and the segments number at most
// levelFactor − 1 a level.
func plan(sizes []int64) int {
	from := len(sizes) - 1
	for sum := sizes[from]; ; {
		begin := from
		for from > 0 && level(sizes[from-1]) < level(sum) {
			from--
			sum += sizes[from]
		}
		i, s := from, sum
		for i > 0 && level(sizes[i-1]) == level(sum) {
			i--
			s += sizes[i]
		}
		if from-i+1 >= levelFactor {
			from, sum = i, s
		}
		if from == begin {
			return from
		}
	}
}

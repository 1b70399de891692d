package counter

// lookPlain is lookAtRegisters in Go, and says no less.
func (b *batch) lookPlain(rises, few int) {
	for _, r := range b.rises[:rises] {
		w, e := b.windows[r.event], &b.events[r.event]
		index, value := w.registerOf(&b.prints[r.event])
		if w.sketches[e.Kind].dense[index] >= value {
			b.found[r.event] |= isLow
		}
	}
	for _, r := range b.few[:few] {
		for _, slot := range b.windows[r.event].sketches[b.events[r.event].Kind].line(r.value >> 8) {
			if slot>>8 == r.value>>8 && slot >= r.value {
				b.found[r.event] |= isLow
			}
		}
	}
}

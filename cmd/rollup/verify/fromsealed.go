package verify

import (
	"fmt"
	"maps"
	"slices"
)

// fromSealed counts from the sealed files, where there is no log: what they say is united and compared with the ledger. What
// they left out, or say wrongly, cannot be seen.
func (v *verification) fromSealed(files map[int32]*sealedFile) error {
	v.report.remark("the log was not read: that the sealed files hold what the log held was not checked, nor the seals' signatures and the ledger's head in the closed records; late facts of the month before were not counted")
	v.before = 0
	for _, id := range slices.Sorted(maps.Keys(files)) {
		f := files[id]
		p := newPartition(v, id)
		v.parts[id] = p
		p.sealOffset, p.onTime = f.Offset, windows{}
		p.nameless = stretch{f.Unattributed.Expired, f.Unattributed.Rejected, f.Unattributed.OverLimit}
		var sum, late sums
		for {
			a, err := f.r.nextApp()
			if err != nil {
				v.report.wrong("sealed files", f.data, "a file that can be read", err.Error())
				break
			}
			if a == nil {
				break
			}
			to := &sum
			if a.section == 1 {
				to = &late
			}
			to.apps++
			to.rows += a.devices
			if a.section == 1 {
				continue
			}
			to.events += a.counters.events
			to.repeats += a.repeats
			to.skewed += a.counters.skewed
			w := &window{counters: a.counters, totals: a.totals}
			p.onTime[a.app] = w
			p.stretches[a.app] = a.stretch
			to.stretch.expired += a.stretch.expired
			to.stretch.rejected += a.stretch.rejected
			to.stretch.overLimit += a.stretch.overLimit
			distinct := uint64(0)
			for {
				r, err := f.r.nextRow()
				if err != nil {
					return fmt.Errorf("%s: %w", f.data, err)
				}
				if r == nil {
					break
				}
				for k, days := range r.days {
					x := fact{partition: id, app: a.app, who: r.who, kind: uint8(k)}
					for day := range 32 {
						if days>>day&1 == 1 {
							distinct++
							if err := v.facts.add(x, day); err != nil {
								return err
							}
						}
					}
				}
			}
			v.report.same("sealed counters", a.repeats, a.counters.events-distinct, "%s: app %s: duplicates, by events and facts", f.data, a.app)
		}
		f.r.rest()
		v.report.same("sealed files", f.r.sum(), f.Sum, "%s: SHA-256 by its index", f.data)
		v.report.same("sealed files", f.r.size, f.Size, "%s: bytes by its index", f.data)
		v.compareSums(f, &sum, &late)
	}
	return v.unite(nil)
}

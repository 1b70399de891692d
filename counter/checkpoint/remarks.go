package checkpoint

import (
	"slices"

	"headcount/counter"
	"headcount/events"
)

// remarksSince is the version of manifests and indexes from which on they have remarks.
const remarksSince = 3

// noRemarks is from where a document has remarks that has none.
const noRemarks = events.Offset(-1)

// Remark is counter.Remark, as documents have it.
type Remark struct {
	App     text
	Cause   counter.Cause
	Name    text
	Records uint64
}

func (r *Remark) describe(f *form) {
	f.text(`{"app":`, &r.App)
	f.text(`,"cause":`, &r.Cause)
	f.text(`,"name":`, &r.Name)
	number(f, `,"records":`, &r.Records)
	f.literal("}")
}

// describeRemarks is the end of an object. Remarks come sorted, each once.
func describeRemarks(f *form, all *[]Remark, from *events.Offset) {
	if f.version < remarksSince {
		*all, *from = []Remark{}, noRemarks
		return
	}
	list(f, `,"remarks":`, all, (*Remark).describe)
	number(f, `,"remarked_from":`, from)
	for i := 1; f.err == nil && i < len(*all); i++ {
		if counter.CompareRemarks((*all)[i-1].remark(), (*all)[i].remark()) >= 0 {
			f.fail(errForm)
		}
	}
}

func (r *Remark) remark() counter.Remark {
	return counter.Remark{App: string(r.App), Cause: r.Cause, Name: string(r.Name), Records: r.Records}
}

func recordRemarks(all []counter.Remark) []Remark {
	recorded := make([]Remark, len(all))
	for i, r := range all {
		recorded[i] = Remark{text(r.App), r.Cause, text(r.Name), r.Records}
	}
	return recorded
}

func remarksOf(recorded []Remark) (all []counter.Remark) {
	for i := range recorded {
		all = append(all, recorded[i].remark())
	}
	return all
}

// Remarked are an index's remarks.
func (x *Index) Remarked() []counter.Remark { return remarksOf(x.Remarks) }

// WhollyRemarked says whether an index's remarks are of all of its stretch: no part was counted by a release that made none.
func (x *Index) WhollyRemarked() bool { return x.RemarkedFrom == 0 }

// sameRemarks says whether two indexes have the same remarks: they must where both were counted with them.
func (x *Index) sameRemarks(o *Index) bool {
	return !x.WhollyRemarked() || !o.WhollyRemarked() || slices.Equal(x.Remarks, o.Remarks)
}

package counter

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// TestRemarksAreBounded: whoever writes records names as many types and apps as he likes.
func TestRemarksAreBounded(t *testing.T) {
	r := &remarks{}
	for i := range 3 * MostTypes {
		kind := fmt.Sprintf("type-%03d", i)
		r.add([]byte("app"), Unknown, r.typeName([]byte(kind)), 1)
		r.add([]byte("app"), Unknown, r.typeName([]byte(kind)), 1)
	}
	r.add([]byte("app"), Unknown, r.typeName([]byte(strings.Repeat("x", MostTypeBytes+1))), 1)
	all := r.list()
	if len(all) != MostTypes+1 || all[0] != (Remark{"app", Unknown, OtherTypes, 4*MostTypes + 1}) || all[MostTypes] != (Remark{"app", Unknown, "type-099", 2}) {
		t.Errorf("%d remarks, %+v to %+v", len(all), all[0], all[len(all)-1])
	}
	if again := newRemarks(all); again.typeName([]byte("another")) != OtherTypes || again.typeName([]byte("type-007")) != "type-007" || !reflect.DeepEqual(again.list(), all) {
		t.Error("a list makes other remarks than it is of")
	}

	r = &remarks{}
	for i := range MostRemarked + 5 {
		r.add(fmt.Appendf(nil, "app-%d", i), Rejected, "no type", 1)
	}
	r.add([]byte("app-1"), Rejected, "no type", 1)
	r.add([]byte("new"), Expired, "2026-08", 1) // each cause has its own bound
	all = r.list()
	if len(all) != MostRemarked+2 || all[0] != (Remark{"", Rejected, "no type", 5}) {
		t.Errorf("%d remarks, the first %+v", len(all), all[0])
	}
	if again := newRemarks(all); !reflect.DeepEqual(again.list(), all) || again.named != r.named {
		t.Error("a list of many apps makes other remarks than it is of")
	}
}

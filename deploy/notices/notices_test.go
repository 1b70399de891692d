package main

import (
	"reflect"
	"strings"
	"testing"
	unicodetables "unicode"

	"headcount/internal/zoneinfo"
)

// TestNotices: what is not the Go authors' is found with its terms, up to two empty lines.
func TestNotices(t *testing.T) {
	got := notices("// Copyright 2009 The Go Authors. All rights reserved.\n// Use of this.\n\npackage p\n\n// About.\n//\n// Copyright (C) 1993 by Some One.\n// Go.\n//\n// Freely.\n//\n//\n// The method.\nvar x int\n// This is in the public domain.\n")
	want := []string{" Copyright (C) 1993 by Some One.\n Go.\n\n Freely.", " This is in the public domain."}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestUnknownTerms: a text that nobody has read stops the command; a phrase in a licence file is not enough.
func TestUnknownTerms(t *testing.T) {
	for _, x := range []text{
		{name: "LICENSE", content: "All rights reserved. Ask us."},
		{name: "LICENSE", content: "Cephes"},
		{name: "math/x.go", content: "Copyright (C) 1993. Ask us.", notice: true},
	} {
		p := part{name: "m", texts: []text{x}}
		if got, err := p.licences(); err == nil || !strings.Contains(err.Error(), x.name) {
			t.Errorf("%q: %q, %v", x.content, got, err)
		}
	}
}

func TestLegalNames(t *testing.T) {
	for name, want := range map[string]bool{
		"LICENSE": true, "LICENCE.txt": true, "license.md": true, "LICENSE-3RD-PARTY.md": true, "NOTICE": true, "NOTICES.txt": true, "COPYING": true,
		"PATENTS": true, "UNLICENSE": true, "LICENSE_MIT": true, "licensecheck": false, "noticed": false, "README": false,
	} {
		if legal.MatchString(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

// TestData holds the versions of what no module brings against what is there.
func TestData(t *testing.T) {
	if release := zoneinfo.Embedded().Release(); data[0].version != release {
		t.Errorf("zoneinfo.zip is of %s, the notices say %s", release, data[0].version)
	}
	if data[1].version != unicodetables.Version {
		t.Errorf("Unicode tables are of %s, the notices say %s", unicodetables.Version, data[1].version)
	}
}

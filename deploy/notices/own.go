package main

import _ "embed"

//go:embed unicode.txt
var unicode string

// data is what is in the programs and is no module. TestData holds the versions against what is there.
var data = []part{
	{name: "IANA time zone database", version: "2026f", about: "internal/zoneinfo/zoneinfo.zip, made of the compiled files in the wheel tzdata on PyPI.",
		texts: []text{{name: "LICENSE of its release", content: "This database is in the public domain: unless specified otherwise, all files in the tz code and data are.\n"}}},
	{name: "Unicode character data", version: "15.0.0", about: "Tables made of it are in Go's standard library, golang.org/x/text and github.com/rivo/uniseg.",
		texts: []text{{name: "Unicode License v3", content: unicode}}},
}

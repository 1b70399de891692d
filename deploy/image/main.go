// Command image makes an OCI image of the two programs: from nothing, for a user that is not root, and the same bytes each time from
// the same programs.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	binaries := flag.String("binaries", "dist/bin", "folder with linux-ARCH/ingest and linux-ARCH/rollup")
	arches := flag.String("arch", "amd64,arm64", "for these processors")
	version := flag.String("version", "devel", "of the programs")
	revision := flag.String("revision", "", "commit that they are built from")
	created := flag.Int64("created", 0, "seconds since 1970 that the image says it was made at: the commit's")
	out := flag.String("out", "dist/image", "folder for the OCI layout, which must not exist")
	flag.Parse()
	digest, err := write(*out, *binaries, strings.Split(*arches, ","), about{*version, *revision, time.Unix(*created, 0).UTC()})
	if err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
	fmt.Println(digest)
}

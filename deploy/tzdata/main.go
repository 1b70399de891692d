// Command tzdata makes the tz database that the programs have in them out of a release as it is published compiled: the wheel tzdata on
// PyPI (a zip), whose zones lie under tzdata/zoneinfo/ and whose tzdata.zi names the release.
//
//	go run ./deploy/tzdata WHEEL internal/zoneinfo/zoneinfo.zip
//
// The result depends on the wheel alone: members sorted, stored, without times.
package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"strings"

	"headcount/internal/zoneinfo"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: tzdata WHEEL ZIP")
		os.Exit(2)
	}
	release, zones, err := convert(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "tzdata:", err)
		os.Exit(1)
	}
	fmt.Printf("%s: tz database %s, %d zones\n", os.Args[2], release, zones)
}

func convert(wheel, file string) (release string, zones int, err error) {
	in, err := zip.OpenReader(wheel)
	if err != nil {
		return "", 0, err
	}
	defer in.Close()
	members := map[string][]byte{}
	for _, f := range in.File {
		name, ours := strings.CutPrefix(f.Name, "tzdata/zoneinfo/")
		if !ours || f.FileInfo().IsDir() {
			continue
		}
		data, err := content(f)
		switch {
		case err != nil:
			return "", 0, err
		case bytes.HasPrefix(data, []byte("TZif")):
			members[name] = data
		case name == "tzdata.zi":
			first, _, _ := bytes.Cut(data, []byte("\n"))
			release, _ = strings.CutPrefix(string(first), "# version ")
		}
	}
	if !zoneinfo.IsRelease(release) || len(members) < 500 {
		return "", 0, fmt.Errorf("%s: release %q, %d zones: want a release such as 2026f and 500 zones or more", wheel, release, len(members))
	}
	zones = len(members)
	members[zoneinfo.VersionFile] = []byte(release + "\n")
	packed, err := pack(members)
	if err != nil {
		return "", 0, err
	}
	return release, zones, os.WriteFile(file, packed, 0o644)
}

func content(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func pack(members map[string][]byte) ([]byte, error) {
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		data := members[name]
		size := uint64(len(data))
		w, err := out.CreateRaw(&zip.FileHeader{Name: name, Method: zip.Store, CompressedSize64: size, UncompressedSize64: size, CRC32: crc32.ChecksumIEEE(data)})
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(data); err != nil {
			return nil, err
		}
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

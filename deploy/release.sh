#!/usr/bin/env bash
# Makes what is released, in dist/: the programs, an OCI image, .deb, .rpm, an SBOM of each program, and checksums of all. From one commit
# and one release of Go the bytes are the same on every machine.
set -euo pipefail
cd "$(dirname "$0")/.."
go=${GO:-go} version=${VERSION:-devel}
created=$(git log -1 --format=%ct) revision=$(git rev-parse HEAD)
number=${version#v}
[[ $number == [0-9]* ]] || number=0.0.0+$number # packages have numbers

rm -rf dist && mkdir -p dist/bin
for arch in amd64 arm64; do
	out=dist/bin/linux-$arch
	mkdir -p "$out"
	CGO_ENABLED=0 GOOS=linux GOARCH=$arch GOFLAGS= "$go" build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X headcount/cmd/cli.Version=$version" -o "$out/" ./cmd/ingest ./cmd/rollup
	tar --sort=name --mtime="@$created" --owner=0 --group=0 --numeric-owner -C "$out" -cf - ingest rollup -C "$PWD" LICENSE THIRD_PARTY_NOTICES README.md | gzip -n >"dist/headcount-$version-linux-$arch.tar.gz"
	for kind in deb rpm; do
		ARCH=$arch VERSION=$number BINARIES=$out SOURCE_DATE_EPOCH=$created "$go" run "$NFPM" package --config deploy/package/nfpm.yaml --packager $kind --target dist/
	done
done
for program in ingest rollup; do
	"$go" run "$CYCLONEDX" app -json -noserial -std=false -licenses -main "cmd/$program" -output "dist/$program.cdx.json" .
done
(cd deploy/image && "$go" build -o ../../dist/make-image .)
dist/make-image -binaries dist/bin -version "$version" -revision "$revision" -created "$created" -out dist/image | tee dist/image.digest
rm dist/make-image
tar --sort=name --mtime="@$created" --owner=0 --group=0 --numeric-owner -C dist/image -cf dist/image.tar .
rm -rf dist/image
(cd dist && find . -type f ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort | xargs sha256sum >SHA256SUMS)
cat dist/SHA256SUMS

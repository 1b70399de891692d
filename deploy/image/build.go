package main

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// user is who the programs run as: nobody's number on common systems.
const user = 65532

// about is what the image says of itself.
type about struct {
	version, revision string
	created           time.Time
}

// write makes an OCI layout in a folder, with an image for each processor, and returns the digest of their index.
func write(out, binaries string, arches []string, a about) (v1.Hash, error) {
	if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
		return v1.Hash{}, fmt.Errorf("%s is there already: remove it, or name another", out)
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, arch := range arches {
		image, err := build(filepath.Join(binaries, "linux-"+arch), arch, a)
		if err != nil {
			return v1.Hash{}, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}})
	}
	root := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), mutate.IndexAddendum{
		Add: index, Descriptor: v1.Descriptor{Annotations: map[string]string{"org.opencontainers.image.ref.name": "headcount:" + a.version}},
	})
	if _, err := layout.Write(out, root); err != nil {
		return v1.Hash{}, err
	}
	return index.Digest()
}

// build makes the image for a processor of the programs in a folder.
func build(folder, arch string, a about) (v1.Image, error) {
	content, err := files(folder)
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
		tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if image, err = mutate.Append(image, mutate.Addendum{Layer: layer, History: v1.History{Created: v1.Time{Time: a.created}, CreatedBy: "deploy/image"}}); err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", arch, v1.Time{Time: a.created}
	config.Config = v1.Config{
		User: fmt.Sprintf("%d:%d", user, user), WorkingDir: "/var/lib/headcount", Env: []string{"PATH=/"},
		Cmd: []string{"/ingest", "run", "--config", "/etc/headcount/headcount.yaml", "--metrics", ":9464"},
		Labels: map[string]string{
			"org.opencontainers.image.title": "headcount", "org.opencontainers.image.version": a.version,
			"org.opencontainers.image.revision": a.revision, "org.opencontainers.image.licenses": "Apache-2.0",
		},
	}
	return mutate.ConfigFile(image, config)
}

// files is the image's file system as a tar: the programs, the authorities that public servers are known by, and the folders that
// configuration and state are mounted at.
func files(folder string) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	add := func(h tar.Header, content []byte) error {
		h.Size, h.ModTime, h.Format = int64(len(content)), time.Unix(0, 0), tar.FormatUSTAR
		if err := w.WriteHeader(&h); err != nil {
			return err
		}
		_, err := w.Write(content)
		return err
	}
	directory := func(name string, mode int64, owner int) error {
		return add(tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: mode, Uid: owner, Gid: owner}, nil)
	}
	file := func(name string, mode int64, content []byte) error {
		return add(tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode}, content)
	}
	err := errors.Join(
		directory("etc/", 0o755, 0), directory("etc/headcount/", 0o755, 0), directory("etc/ssl/", 0o755, 0), directory("etc/ssl/certs/", 0o755, 0),
		file("etc/passwd", 0o644, fmt.Appendf(nil, "headcount:x:%d:%d::/var/lib/headcount:/\n", user, user)),
		file("etc/group", 0o644, fmt.Appendf(nil, "headcount:x:%d:\n", user)),
		file("etc/ssl/certs/ca-certificates.crt", 0o644, authorities()),
	)
	for _, program := range []string{"ingest", "rollup"} {
		content, e := os.ReadFile(filepath.Join(folder, program))
		if e == nil {
			e = file(program, 0o755, content)
		}
		err = errors.Join(err, e)
	}
	err = errors.Join(err, directory("tmp/", 0o1777, 0), directory("var/", 0o755, 0), directory("var/lib/", 0o755, 0), directory("var/lib/headcount/", 0o700, user), w.Close())
	return b.Bytes(), err
}

// authorities are Mozilla's, as the module has them: of the version that go.sum names, not of the machine that builds.
func authorities() []byte {
	var b bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil { // a program that reads PEM could not know it
			_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // into memory
		}
	}
	return b.Bytes()
}

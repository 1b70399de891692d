package main

import (
	"archive/tar"
	"crypto/x509"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// programs makes a folder of what stands for the programs.
func programs(t *testing.T, content string) string {
	t.Helper()
	folder := t.TempDir()
	for _, arch := range []string{"amd64", "arm64"} {
		if err := os.MkdirAll(filepath.Join(folder, "linux-"+arch), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"ingest", "rollup"} {
			if err := os.WriteFile(filepath.Join(folder, "linux-"+arch, name), []byte(content+arch+name), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return folder
}

var some = about{"v1", "abc", time.Unix(1_000_000, 0).UTC()}

func image(t *testing.T, binaries string, a about) (folder, digest string) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "image")
	h, err := write(folder, binaries, []string{"amd64", "arm64"}, a)
	if err != nil {
		t.Fatal(err)
	}
	return folder, h.String()
}

// TestSameBytes: two builds have one digest; other programs, or another version, have another.
func TestSameBytes(t *testing.T) {
	_, one := image(t, programs(t, "x"), some)
	_, two := image(t, programs(t, "x"), some)
	_, other := image(t, programs(t, "y"), some)
	_, later := image(t, programs(t, "x"), about{"v2", "abc", some.created})
	if one != two || one == other || one == later {
		t.Errorf("digests %s, %s; of other programs %s, of another version %s", one, two, other, later)
	}
}

// TestImage reads the image as a runtime does.
func TestImage(t *testing.T) {
	folder, digest := image(t, programs(t, "x"), some)
	l, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(l); err != nil {
		t.Fatal(err)
	}
	m, err := l.IndexManifest()
	if err != nil || len(m.Manifests) != 1 || m.Manifests[0].Digest.String() != digest {
		t.Fatalf("%+v, %v; printed was %s", m, err, digest)
	}
	index, err := l.ImageIndex(m.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	if m, err = index.IndexManifest(); err != nil || len(m.Manifests) != 2 {
		t.Fatalf("%+v, %v", m, err)
	}
	for _, d := range m.Manifests {
		i, err := index.Image(d.Digest)
		if err != nil {
			t.Fatal(err)
		}
		c, err := i.ConfigFile()
		if err != nil || c.Config.User != "65532:65532" || c.Architecture != d.Platform.Architecture || !c.Created.Equal(some.created) {
			t.Errorf("%+v, %v", c, err)
		}
		layers, err := i.Layers()
		if err != nil || len(layers) != 1 {
			t.Fatalf("%d layers, %v", len(layers), err)
		}
		r, err := layers[0].Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]*tar.Header{}
		for files := tar.NewReader(r); ; {
			h, err := files.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			found[h.Name] = h
			if h.Mode&0o022 != 0 && h.Name != "tmp/" || h.Mode&0o6000 != 0 || h.Uid != 0 && h.Name != "var/lib/headcount/" {
				t.Errorf("%s has mode %04o and owner %d", h.Name, h.Mode, h.Uid)
			}
			content, err := io.ReadAll(files)
			if err != nil {
				t.Fatal(err)
			}
			if h.Name == "ingest" && string(content) != "x"+d.Platform.Architecture+"ingest" {
				t.Errorf("ingest for %s is %q", d.Platform.Architecture, content)
			}
			if h.Name == "etc/ssl/certs/ca-certificates.crt" && !x509.NewCertPool().AppendCertsFromPEM(content) {
				t.Error("no authority can be read")
			}
		}
		if len(found) != 13 || found["ingest"] == nil || found["rollup"].Mode != 0o755 {
			t.Errorf("%d files", len(found))
		}
	}
	if _, err := write(folder, programs(t, "x"), []string{"amd64"}, some); err == nil {
		t.Error("an image that is there was written over")
	}
}

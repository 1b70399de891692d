package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"headcount/internal/durable"
)

// directory is a bucket in a folder. Temporary files lie in it while they are written; CheckName allows no such name.
type directory struct {
	disk   disk
	folder *durable.Folder
	root   string
	within string // what precedes the names in paths
	name   func() string
}

func openDirectory(d disk, root string, name func() string) (*directory, error) {
	root = filepath.Clean(root)
	if _, err := d.List(root); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open folder %s: %w", root, err)
	}
	within := strings.TrimSuffix(filepath.Join(root, "x"), "x")
	return &directory{disk: d, folder: durable.Open(d, root, name), root: root, within: within, name: name}, nil
}

// path returns where a file or folder is, of a name that CheckName takes; of an empty one: the root.
func (d *directory) path(name string) string {
	if name == "" {
		return d.root
	}
	return d.within + filepath.FromSlash(name)
}

// Create implements Bucket.
func (d *directory) Create(ctx context.Context, name string, write func(io.Writer) error) error {
	if err := errors.Join(CheckName(name), ctx.Err()); err != nil {
		return err
	}
	if err := d.folder.Create(ctx, d.path(name), write); err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	return nil
}

// NewName implements namer.
func (d *directory) NewName() string { return d.name() }

// Persist makes a file that is there last.
func (d *directory) Persist(_ context.Context, name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if err := d.folder.Persist(d.path(name)); err != nil {
		return fmt.Errorf("persist %s: %w", name, err)
	}
	return nil
}

// Open implements Bucket.
func (d *directory) Open(ctx context.Context, name string) (File, error) {
	if err := errors.Join(CheckName(name), ctx.Err()); err != nil {
		return nil, err
	}
	f, err := d.disk.Open(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", d.path(name), err)
	}
	return f, nil
}

// List implements Bucket. A folder that is gone by the time it is read holds nothing.
func (d *directory) List(ctx context.Context, prefix string) ([]string, error) {
	base, begin := "", prefix // the names' part that must be folders, and how what is in it must begin
	if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
		base, begin = prefix[:i], prefix[i+1:]
		if err := CheckName(base); err != nil {
			return nil, err
		}
	}
	var names []string
	var walk func(base, begin string) error
	walk = func(base, begin string) error {
		entries, err := d.disk.List(d.path(base))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err := errors.Join(err, ctx.Err()); err != nil {
			return fmt.Errorf("list %s: %w", d.path(base), err)
		}
		for _, e := range entries {
			name := e.Name()
			if !strings.HasPrefix(name, begin) || checkElement(name, name) != nil {
				continue // not asked for; or temporary, or not ours
			}
			if base != "" {
				name = base + "/" + name
			}
			switch {
			case len(name) > maxName:
			case e.IsDir():
				if err := walk(name, ""); err != nil {
					return err
				}
			default:
				names = append(names, name)
			}
		}
		return nil
	}
	if err := walk(base, begin); err != nil {
		return nil, err
	}
	slices.Sort(names)
	return names, nil
}

// Delete implements Bucket.
func (d *directory) Delete(ctx context.Context, name string) error {
	if err := errors.Join(CheckName(name), ctx.Err()); err != nil {
		return err
	}
	if err := d.disk.Remove(d.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete %s: %w", name, err)
	}
	return nil
}

var _ Bucket = (*directory)(nil)

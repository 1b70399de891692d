package broker

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"headcount/internal/durable"
)

// Files in a broker's folder.
const (
	idFile   = "cluster.id"     // a line: the id, made with the folder, before anybody is answered
	metaFile = "meta.json"      // the cluster's own, which has it too
	lockName = "headcount.lock" // locked as long as a broker runs over the folder
)

// ClusterID returns the id by which the broker over a folder is known to its clients; empty: no broker was ever started over it.
func ClusterID(dataDir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dataDir, idFile))
	if errors.Is(err, fs.ErrNotExist) {
		return metaID(dataDir) // of a folder that is older than the file
	}
	if err != nil {
		return "", fmt.Errorf("whose broker it is: %w", err)
	}
	id := strings.TrimSpace(string(text))
	if id == "" {
		return "", fmt.Errorf("%s is empty: restore it from a backup, or remove it", filepath.Join(dataDir, idFile))
	}
	return id, nil
}

// metaID returns the id that the cluster's own file has; empty: there is none.
func metaID(dataDir string) (string, error) {
	path := filepath.Join(dataDir, metaFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	var meta struct {
		ClusterID string `json:"cluster_id"`
	}
	if err == nil {
		err = json.Unmarshal(text, &meta)
	}
	if err != nil {
		return "", fmt.Errorf("whose broker it is: %s: %w", path, err)
	}
	return meta.ClusterID, nil
}

// identify returns the folder's cluster id, and makes it lasting where it is new.
func identify(dataDir string) (string, error) {
	id, err := ClusterID(dataDir)
	if err != nil {
		return "", err
	}
	if known, err := metaID(dataDir); err != nil {
		return "", err
	} else if known != "" && known != id {
		return "", fmt.Errorf("its %s says that it is of cluster %s, but its log is of %s: files of two brokers are mixed; restore the folder from a backup", idFile, id, known)
	}
	if id == "" {
		raw := make([]byte, 16)
		rand.Read(raw)
		id = base64.RawURLEncoding.EncodeToString(raw)
	}
	err = durable.CreateFile(filepath.Join(dataDir, idFile), []byte(id+"\n"), 0o600)
	if errors.Is(err, durable.ErrExists) {
		err = nil
	}
	return id, err
}

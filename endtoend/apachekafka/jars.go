package apachekafka

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Version is the version of Apache Kafka that pom.xml names.
const Version = "4.1.0"

// ErrUnavailable is what a missing java, a missing Maven or unreachable jars come to.
var ErrUnavailable = errors.New("apache kafka is not available here")

//go:embed pom.xml
var pom []byte

// Jars returns the folder that holds the broker's jars, fetching them first where nobody has. Concurrent callers, also in
// other processes, fetch once.
func Jars(ctx context.Context) (string, error) {
	base := os.Getenv("HEADCOUNT_KAFKA_CACHE")
	if base == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			cache = os.TempDir()
		}
		base = filepath.Join(cache, "headcount", "kafka-"+Version)
	}
	lib := filepath.Join(base, "lib")
	if complete(lib) {
		return lib, nil
	}
	if err := os.MkdirAll(base, 0o755); err != nil {
		return "", fmt.Errorf("make the folder for kafka's jars (set HEADCOUNT_KAFKA_CACHE to another): %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(base, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", fmt.Errorf("lock the folder of kafka's jars: %w", err)
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock the folder of kafka's jars: %w", err)
	}
	if complete(lib) {
		return lib, nil
	}
	if err := fetch(ctx, base, lib); err != nil {
		return "", err
	}
	return lib, nil
}

// complete says whether the folder was filled: it gets its name only then.
func complete(lib string) bool {
	_, err := os.Stat(lib)
	return err == nil
}

// fetch fills a folder beside lib and renames it: the rename is what makes the jars count as fetched.
func fetch(ctx context.Context, base, lib string) error {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return fmt.Errorf("%w: no mvn on the PATH to fetch its jars with (apt-get install maven)", ErrUnavailable)
	}
	work, err := os.MkdirTemp(base, "fetch-")
	if err != nil {
		return fmt.Errorf("make a folder for kafka's jars: %w", err)
	}
	defer os.RemoveAll(work)
	file := filepath.Join(work, "pom.xml")
	if err := os.WriteFile(file, pom, 0o644); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	jars := filepath.Join(work, "lib")
	cmd := exec.CommandContext(ctx, mvn, "-q", "-B", "-ntp", "-f", file,
		"org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies", "-DoutputDirectory="+jars)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w: mvn could not fetch its jars: %v\n%s", ErrUnavailable, err, tail(out.Bytes()))
	}
	if err := os.Rename(jars, lib); err != nil {
		return fmt.Errorf("keep kafka's jars: %w", err)
	}
	return nil
}

// tail returns the end of a process's output, where it says what went wrong.
func tail(b []byte) []byte {
	if len(b) > 4000 {
		b = b[len(b)-4000:]
	}
	return bytes.TrimSpace(b)
}

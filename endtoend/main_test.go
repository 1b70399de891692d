package endtoend

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"headcount/endtoend/apachekafka"
)

var (
	buildFlags []string
	binaries   string // folder of ingest and rollup
	kafkaAddr  string // of Apache Kafka; empty: the embedded broker
	seed       = flag.Uint64("seed", 0, "seed of the random moments; 0: a new one, printed")
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "headcount-endtoend-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binaries = dir
	args := append([]string{"build", "-o", dir + string(filepath.Separator)}, buildFlags...)
	if out, err := exec.Command("go", append(args, "headcount/cmd/ingest", "headcount/cmd/rollup")...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the commands: %v\n%s", err, out)
		return 1
	}
	switch addr := os.Getenv(apachekafka.Env); addr {
	case "":
	case "start":
		k, err := apachekafka.Start(context.Background(), apachekafka.Config{})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer k.Close()
		kafkaAddr = k.Addr
	default:
		kafkaAddr = addr
	}
	return m.Run()
}

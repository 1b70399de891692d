package objecttest

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Gateway is versitygw, a real S3 server on a folder of the host, as a process.
type Gateway struct {
	URL string

	t       testing.TB
	program string
	addr    string
	folder  string
	cmd     *exec.Cmd
}

// GatewayVariable names the environment variable with the path of versitygw's program; without it tests of a real server are skipped.
const GatewayVariable = "HEADCOUNT_VERSITYGW"

// StartGateway starts versitygw with one bucket, until the test ends, and sets its credentials.
func StartGateway(t testing.TB) *Gateway {
	t.Helper()
	program := os.Getenv(GatewayVariable)
	if program == "" {
		t.Skip("no S3 server: `make test-s3` builds one and runs this test")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &Gateway{t: t, program: program, addr: l.Addr().String(), folder: t.TempDir()}
	l.Close()
	g.URL = "http://" + g.addr
	if err := os.Mkdir(filepath.Join(g.folder, Bucket), 0o755); err != nil {
		t.Fatal(err)
	}
	for k, v := range map[string]string{"AWS_ACCESS_KEY_ID": "headcount", "AWS_SECRET_ACCESS_KEY": "a-secret-of-the-test", "AWS_EC2_METADATA_DISABLED": "true"} {
		os.Setenv(k, v) // not Setenv of the test: it may be parallel, and all say the same
	}
	t.Cleanup(g.Kill)
	g.Start()
	return g
}

// State is the URL of a state store on the server.
func (g *Gateway) State(prefix string) string {
	return (&Server{URL: g.URL}).State(prefix)
}

// Start starts the server and waits until it answers.
func (g *Gateway) Start() {
	g.t.Helper()
	g.cmd = exec.Command(g.program, "--port", g.addr, "--access", "headcount", "--secret", "a-secret-of-the-test", "--quiet", "posix", g.folder)
	g.cmd.Stderr = os.Stderr
	if err := g.cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, g.URL, nil)
		if err != nil {
			g.t.Fatal(err)
		}
		if answer, err := http.DefaultClient.Do(r); err == nil {
			answer.Body.Close()
			return
		}
		if ctx.Err() != nil {
			g.t.Fatalf("%s does not answer at %s", g.program, g.addr)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Kill ends the server as a crash would.
func (g *Gateway) Kill() {
	if g.cmd != nil {
		_ = g.cmd.Process.Kill()
		_ = g.cmd.Wait()
		g.cmd = nil
	}
}

package peers

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

func buildGo(ctx context.Context, p *Peer, dir string) error {
	return output(exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(dir, p.Name), "headcount/bench/peers/"+p.Name))
}

func goPeer(name string) func(string, Job) (env, args []string) {
	return func(dir string, j Job) (env, args []string) {
		return nil, []string{filepath.Join(dir, name), "--brokers", j.Brokers, "--topic", j.Topic, "--month", j.Month}
	}
}

// buildDuckDB puts DuckDB beside the script, whatever else the machine's Python has.
func buildDuckDB(ctx context.Context, p *Peer, dir string) error {
	python, err := tool("python3", "apt-get install python3-pip")
	if err != nil {
		return err
	}
	if err := p.unpack(dir); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, python, "-m", "pip", "install", "--quiet", "--target", filepath.Join(dir, "lib"), "-r", filepath.Join(dir, "requirements.txt"))
	if err := output(cmd); err != nil {
		return fmt.Errorf("%w: pip could not fetch DuckDB: %w", ErrMissing, err)
	}
	return nil
}

func duckDB(dir string, j Job) (env, args []string) {
	return []string{"PYTHONPATH=" + filepath.Join(dir, "lib")}, []string{"python3", filepath.Join(dir, "peer.py"), "--file", j.File, "--month", j.Month}
}

// buildJava fetches the jars that pom.xml names and compiles the peer over them.
func buildJava(ctx context.Context, p *Peer, dir string) error {
	mvn, err := tool("mvn", "apt-get install maven")
	if err != nil {
		return err
	}
	javac, err := tool("javac", "apt-get install openjdk-17-jdk-headless")
	if err != nil {
		return err
	}
	if err := p.unpack(dir); err != nil {
		return err
	}
	lib := filepath.Join(dir, "lib")
	cmd := exec.CommandContext(ctx, mvn, "-q", "-B", "-ntp", "-f", filepath.Join(dir, "pom.xml"),
		"org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+lib)
	if err := output(cmd); err != nil {
		return fmt.Errorf("%w: mvn could not fetch its jars: %w", ErrMissing, err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.java"))
	if err != nil {
		return err
	}
	return output(exec.CommandContext(ctx, javac, append([]string{"-proc:none", "-d", dir, "-cp", filepath.Join(lib, "*")}, files...)...))
}

// java is a peer on a JVM with a fixed heap. The serial collector took the least CPU of the serial, the parallel and G1.
func java(dir string, heapMB int, j Job, flags ...string) []string {
	heap := strconv.Itoa(heapMB) + "m"
	args := append([]string{"java", "-Xms" + heap, "-Xmx" + heap, "-XX:+UseSerialGC"}, flags...)
	return append(args, "-cp", dir+":"+filepath.Join(dir, "lib", "*"), "Peer",
		"--brokers", j.Brokers, "--topic", j.Topic, "--month", j.Month, "--state", j.State, "--passes", strconv.Itoa(max(1, j.Passes)))
}

func streams(dir string, j Job) (env, args []string) {
	return nil, append(java(dir, 1024, j), "--commit-interval-ms", strconv.FormatInt(j.Checkpoint.Milliseconds(), 10))
}

func flink(dir string, j Job) (env, args []string) {
	var opens []string // what Flink's own scripts open on Java 17
	for _, name := range strings.Fields("lang lang.invoke lang.reflect util util.concurrent net io nio time text") {
		opens = append(opens, "--add-opens=java.base/java."+name+"=ALL-UNNAMED")
	}
	return nil, append(java(dir, 2048, j, opens...), "--checkpoint-interval", j.Checkpoint.String())
}

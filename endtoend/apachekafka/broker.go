package apachekafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/segmentio/kafka-go"

	"headcount/endtoend/port"
)

// Config says what to start. The zero value starts a broker on a free port of 127.0.0.1 over a temporary folder.
type Config struct {
	DataDir    string            // kept when given; else a temporary folder, removed by Close
	HeapMB     int               // of the JVM; 0: 512
	Properties map[string]string // further server.properties, for instance log.message.timestamp.type
	Wait       time.Duration     // for the broker to answer; 0: five minutes
}

// Kafka is a running broker. Not for concurrent use.
type Kafka struct {
	Addr string // host:port to bootstrap from; empty for none

	config   Config
	lib      string
	dir      string
	ports    []*port.Kept // broker's and controller's
	process  *exec.Cmd
	ended    chan struct{} // closed when the process has ended
	endError error         // set before ended is closed
	output   *Output
}

// Start formats a data folder, starts a broker over it and returns when the broker answers.
func Start(ctx context.Context, c Config) (*Kafka, error) {
	if c.HeapMB == 0 {
		c.HeapMB = 512
	}
	if c.Wait == 0 {
		c.Wait = 5 * time.Minute
	}
	if _, err := exec.LookPath("java"); err != nil {
		return nil, fmt.Errorf("%w: no java on the PATH (apt-get install openjdk-17-jre-headless)", ErrUnavailable)
	}
	lib, err := Jars(ctx)
	if err != nil {
		return nil, err
	}
	k := &Kafka{config: c, lib: lib, dir: c.DataDir}
	if k.dir == "" {
		if k.dir, err = os.MkdirTemp("", "headcount-kafka-"); err != nil {
			return nil, fmt.Errorf("make kafka's data folder: %w", err)
		}
	}
	// Where ports cannot be kept one can be taken between being found and being used: then try others.
	for try := 0; ; try++ {
		err := k.format(ctx)
		if err == nil {
			err = k.Restart(ctx)
		}
		if err == nil {
			return k, nil
		}
		if try == 2 || ctx.Err() != nil || !strings.Contains(err.Error(), "Address already in use") {
			k.Close()
			return nil, err
		}
	}
}

// format picks ports, writes server.properties and formats the data folder where it is new.
func (k *Kafka) format(ctx context.Context) error {
	k.letGo()
	for range 2 {
		p, err := port.Keep()
		if err != nil {
			return fmt.Errorf("find a free port for kafka: %w", err)
		}
		k.ports = append(k.ports, p)
	}
	k.Addr = k.ports[0].Addr
	var b strings.Builder
	fmt.Fprintf(&b, `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:%[2]d
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:%[1]d,CONTROLLER://127.0.0.1:%[2]d
advertised.listeners=PLAINTEXT://127.0.0.1:%[1]d
log.dirs=%[3]s
log.retention.ms=-1
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
`, k.ports[0].Number, k.ports[1].Number, filepath.Join(k.dir, "log"))
	for name, value := range k.config.Properties {
		fmt.Fprintf(&b, "%s=%s\n", name, value)
	}
	if err := os.MkdirAll(k.dir, 0o755); err != nil {
		return fmt.Errorf("make kafka's data folder: %w", err)
	}
	if err := os.WriteFile(k.properties(), []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("write kafka's server.properties: %w", err)
	}
	out, err := k.java(ctx, "kafka.tools.StorageTool", "format", "--ignore-formatted",
		"-t", "headcount-test-cluster", "-c", k.properties()).CombinedOutput()
	if err != nil {
		return fmt.Errorf("format kafka's data folder %s: %w\n%s", k.dir, err, tail(out))
	}
	return nil
}

func (k *Kafka) properties() string { return filepath.Join(k.dir, "server.properties") }

func (k *Kafka) java(ctx context.Context, main string, args ...string) *exec.Cmd {
	jvm := []string{fmt.Sprintf("-Xmx%dm", k.config.HeapMB), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=4", "-Xshare:auto", "-cp", filepath.Join(k.lib, "*"), main}
	return exec.CommandContext(ctx, "java", append(jvm, args...)...)
}

// Restart starts the broker, after Stop or Kill, on the same port and data, and returns when it answers. A running broker is
// left alone.
func (k *Kafka) Restart(ctx context.Context) error {
	if k.process != nil {
		return nil
	}
	// The broker outlives the context of the call that starts it: only Stop, Kill and Close end it.
	k.process = k.java(context.Background(), "kafka.Kafka", k.properties())
	k.output = new(Output)
	k.process.Stdout, k.process.Stderr = k.output, k.output
	k.process.SysProcAttr = DieWithParent()
	if err := k.process.Start(); err != nil {
		k.process = nil
		return fmt.Errorf("start kafka: %w", err)
	}
	process, ended := k.process, make(chan struct{})
	k.ended = ended
	go func() {
		k.endError = process.Wait()
		close(ended)
	}()
	if err := k.ready(ctx); err != nil {
		k.Kill()
		return err
	}
	return nil
}

// ready waits until the broker answers a metadata request.
func (k *Kafka) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, k.config.Wait)
	defer cancel()
	transport := &kafka.Transport{DialTimeout: time.Second}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(k.Addr), Transport: transport, Timeout: 2 * time.Second}
	for {
		r, err := client.Metadata(ctx, &kafka.MetadataRequest{})
		if err == nil && len(r.Brokers) > 0 {
			return nil
		}
		select {
		case <-k.ended:
			return fmt.Errorf("kafka ended at its start: %v\n%s", k.endError, tail(k.output.Bytes()))
		case <-ctx.Done():
			return fmt.Errorf("kafka at %s does not answer after %v: %w\n%s", k.Addr, k.config.Wait, ctx.Err(), tail(k.output.Bytes()))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Stop ends the broker in good order and waits for its end; one that takes over 30 s is killed.
func (k *Kafka) Stop() error { return k.end(syscall.SIGTERM, 30*time.Second) }

// Kill ends the broker at once, as a crash would.
func (k *Kafka) Kill() error { return k.end(syscall.SIGKILL, 30*time.Second) }

func (k *Kafka) end(s syscall.Signal, wait time.Duration) error {
	if k.process == nil {
		return nil
	}
	if err := k.process.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal kafka: %w", err)
	}
	select {
	case <-k.ended:
	case <-time.After(wait):
		k.process.Process.Kill()
		<-k.ended
	}
	k.process = nil
	return nil
}

// PID returns the running broker's process id, 0 when it is down.
func (k *Kafka) PID() int {
	if k.process == nil {
		return 0
	}
	return k.process.Process.Pid
}

// Close kills the broker and removes its data, unless the folder was the caller's.
func (k *Kafka) Close() error {
	err := k.Kill()
	k.letGo()
	if k.config.DataDir == "" {
		err = errors.Join(err, os.RemoveAll(k.dir))
	}
	return err
}

func (k *Kafka) letGo() {
	for _, p := range k.ports {
		p.Close()
	}
	k.ports = nil
}

// Output keeps what a process prints; it may be read while the process runs.
type Output struct {
	mu   sync.Mutex
	text []byte
}

func (o *Output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, b...)
	return len(b), nil
}

// Bytes returns what was printed so far.
func (o *Output) Bytes() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clip(o.text) // what is printed later is appended behind it, or elsewhere
}

func (o *Output) String() string { return string(o.Bytes()) }

package broker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// start starts a broker over a folder, with a topic of one partition, and a client of it.
func start(t *testing.T, folder string) (*Broker, *kgo.Client) {
	t.Helper()
	b, err := Start(t.Context(), Config{Addr: "127.0.0.1:0", DataDir: folder})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()), kgo.DefaultProduceTopic("events"), kgo.ProducerLinger(0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	if _, err := kadm.NewClient(client).CreateTopic(t.Context(), 1, 1, nil, "events"); err != nil && !errors.Is(err, context.Canceled) {
		t.Log(err) // it is there
	}
	return b, client
}

// send sends records until one is not acknowledged, at most n, and returns how many were.
func send(ctx context.Context, client *kgo.Client, n int) (int, error) {
	for i := range n {
		if err := client.ProduceSync(ctx, kgo.StringRecord(fmt.Sprint(i))).FirstErr(); err != nil {
			return i, err
		}
	}
	return n, nil
}

// TestFullDisk: a broker whose disk is full acknowledges nothing that it does not have, not on the tenth try either, and ends; the
// next finds all that was acknowledged. /dev/full stands where the log's next file is to be, or is what flushing meets.
func TestFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("this system has no /dev/full")
	}
	for name, hinder := range map[string]func(t *testing.T, partition string){
		"writing": func(t *testing.T, partition string) {
			if err := os.MkdirAll(partition, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("/dev/full", filepath.Join(partition, "0.dat")); err != nil {
				t.Fatal(err)
			}
		},
		"making the folder": func(t *testing.T, partition string) {
			if err := os.MkdirAll(filepath.Dir(partition), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(partition, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"flushing": func(t *testing.T, partition string) { // of which the cluster knows nothing
			if err := os.MkdirAll(partition, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("/dev/full", filepath.Join(partition, "also")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			b, client := start(t, folder)
			partition := filepath.Join(folder, "partitions", "events-0")
			os.RemoveAll(partition)
			hinder(t, partition)
			acknowledged := make(chan error, 1)
			client.Produce(t.Context(), kgo.StringRecord("a"), func(_ *kgo.Record, err error) { acknowledged <- err })
			select {
			case <-b.Failed():
			case <-time.After(10 * time.Second):
				t.Fatal("the broker goes on")
			}
			select {
			case err := <-acknowledged: // the client sends it again and again, with the same sequence number
				if err == nil {
					t.Error("a record was acknowledged that is nowhere")
				}
			case <-time.After(time.Second):
			}
			client.Close()
			if err := b.Err(); !errors.Is(err, ErrFailed) {
				t.Errorf("it says %v", err)
			}
			if err := b.Close(); !errors.Is(err, ErrFailed) {
				t.Errorf("closed: %v", err)
			}
			os.RemoveAll(partition)
			_, client = start(t, folder)
			if n, err := send(t.Context(), client, 3); n != 3 {
				t.Fatalf("after it: %d records, %v", n, err)
			}
			ends, err := kadm.NewClient(client).ListEndOffsets(t.Context(), "events")
			if err != nil {
				t.Fatal(err)
			}
			if o, _ := ends.Lookup("events", 0); o.Offset != 3 {
				t.Errorf("the log ends at %d, want 3", o.Offset)
			}
		})
	}
}

// TestAcknowledgedIsFlushed: each record that was acknowledged lies in a file that was flushed at that size.
func TestAcknowledgedIsFlushed(t *testing.T) {
	folder := t.TempDir()
	b, client := start(t, folder)
	for range 20 {
		if _, err := send(t.Context(), client, 1); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"0.dat", "0.idx"} {
			path := filepath.Join(folder, "partitions", "events-0", name)
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			b.flusher.mu.Lock()
			if got := b.flusher.sizes[path]; got != info.Size() {
				t.Errorf("%s: flushed at %d bytes, has %d", name, got, info.Size())
			}
			b.flusher.mu.Unlock()
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b, client = start(t, folder)
	ends, err := kadm.NewClient(client).ListEndOffsets(t.Context(), "events")
	if o, _ := ends.Lookup("events", 0); err != nil || o.Offset != 20 {
		t.Errorf("the log ends at %d, %v", o.Offset, err)
	}
	if b.Err() != nil {
		t.Error(b.Err())
	}
}

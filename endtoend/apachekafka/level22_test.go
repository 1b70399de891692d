package apachekafka_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"headcount/endtoend/apachekafka"
	"headcount/events/stream"
)

const level22 = `
import java.util.Properties;
import org.apache.kafka.clients.producer.*;

public class Level22 {
  public static void main(String[] args) throws Exception {
    Properties p = new Properties();
    p.put("bootstrap.servers", args[0]);
    p.put("compression.type", "zstd");
    p.put("compression.zstd.level", "22");
    p.put("batch.size", "500000");
    p.put("linger.ms", "200");
    p.put("key.serializer", "org.apache.kafka.common.serialization.StringSerializer");
    p.put("value.serializer", "org.apache.kafka.common.serialization.StringSerializer");
    try (KafkaProducer<String, String> producer = new KafkaProducer<>(p)) {
      for (int i = 0; i < 20000; i++) producer.send(new ProducerRecord<>("wide", "key", "value " + i));
    }
  }
}
`

// What the Java client packs at zstd's highest level is read, with as little memory as may be given to it.
func TestLevel22(t *testing.T) {
	k := apachekafka.NeedOwn(t, apachekafka.Config{})
	lib, err := apachekafka.Jars(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	log, err := stream.Dial(t.Context(), stream.Config{Brokers: []string{k.Addr}, Topic: "wide", MaxBatchBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if _, err := log.CreateTopic(t.Context(), "wide", 1, nil); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "Level22.java")
	if err := os.WriteFile(program, []byte(level22), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "java", "-cp", filepath.Join(lib, "*"), program, k.Addr).CombinedOutput(); err != nil {
		t.Skipf("no Java that compiles: %v\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r := log.NewReader(ctx)
	defer r.Close()
	p := r.Open(0, stream.Position{BatchOffset: -1, LeaderEpoch: -1})
	defer p.Close()
	for n := 0; n < 20000; {
		b, err := p.Next(ctx)
		if err != nil {
			t.Fatalf("after %d records: %v", n, err)
		}
		for more := true; more; {
			if b.Refused != nil {
				t.Fatalf("refused: %+v", b.Refused)
			}
			for _, rec := range b.Records {
				if want := fmt.Sprintf("value %d", n); string(rec.Value) != want {
					t.Fatalf("%q, want %q", rec.Value, want)
				}
				n++
			}
			if more, err = b.More(); err != nil {
				t.Fatal(err)
			}
		}
		b.Release()
	}
}

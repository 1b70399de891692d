package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"headcount/endtoend/month"
	"headcount/events/stream"
)

// write writes NDJSON.
func write(ctx context.Context, next func(*month.Record) bool, name string) (err error) {
	out := io.Writer(os.Stdout)
	if name != "-" {
		f, err := os.Create(name)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		out = f
	}
	w := bufio.NewWriterSize(out, 1<<20)
	var rec month.Record
	for n := 0; next(&rec); n++ {
		if n%10_000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		w.Write(rec.Value) // a failed write is returned by Flush
		w.WriteByte('\n')
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// sendBatch is how many records go to the log at a time: some megabytes.
const sendBatch = 20_000

// send sends the records to a topic. One batch is made while the last is sent; every partition keeps the order.
func send(ctx context.Context, next func(*month.Record) bool, c stream.Config) error {
	log, err := stream.Dial(ctx, c)
	if err != nil {
		return err
	}
	defer log.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	full, done := make(chan []stream.Message), make(chan struct{})
	go func() {
		defer close(done)
		for batch := range full {
			if ctx.Err() != nil {
				continue
			}
			if err := log.Produce(ctx, batch); err != nil {
				cancel(fmt.Errorf("send to %s: %w", c.Topic, err))
			}
		}
	}()
	var rec month.Record
	for more := true; more && ctx.Err() == nil; {
		batch := make([]stream.Message, 0, sendBatch)
		var arena []byte
		for len(batch) < sendBatch {
			if more = next(&rec); !more {
				break
			}
			if len(arena)+len(rec.Key)+len(rec.Value) > cap(arena) {
				arena = make([]byte, 0, 1<<20)
			}
			batch = append(batch, message(&rec, &arena))
		}
		full <- batch
	}
	close(full)
	<-done
	return context.Cause(ctx)
}

// message copies a record into the arena, which has room for key and value.
func message(rec *month.Record, arena *[]byte) stream.Message {
	keep := func(b []byte) []byte {
		n := len(*arena)
		*arena = append(*arena, b...)
		return (*arena)[n:len(*arena):len(*arena)]
	}
	m := stream.Message{Partition: -1, Value: keep(rec.Value), Time: time.UnixMilli(rec.Timestamp)}
	if rec.Key != nil {
		m.Key = keep(rec.Key)
	}
	for _, h := range rec.Headers {
		m.Headers = append(m.Headers, stream.Header{Key: h.Name, Value: bytes.Clone(h.Value)})
	}
	return m
}

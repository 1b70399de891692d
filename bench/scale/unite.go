package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"headcount/counter"
	"headcount/events"
)

// sorted is a counter.RowReader of one app with n devices, made up as they are read, of three kinds.
type sorted struct {
	n, at  uint64
	opened bool
	r      *rand.PCG
}

func (s *sorted) NextApp() (*counter.AppHeader, error) {
	if s.opened {
		return nil, io.EOF
	}
	s.opened = true
	h := &counter.AppHeader{App: "app-001", Devices: s.n}
	for k := range 3 {
		h.Registers[k] = make([]uint8, 1<<14)
		for i := range h.Registers[k] {
			h.Registers[k][i] = uint8(8 + s.r.Uint64()%8)
		}
	}
	return h, nil
}

func (s *sorted) Rows(buf []counter.Row) (int, error) {
	n := min(uint64(len(buf)), s.n-s.at)
	step := ^uint64(0) / s.n
	for i := range buf[:n] {
		row := &buf[i]
		*row = counter.Row{Kinds: 1 << events.Open}
		x := s.r.Uint64()
		binary.BigEndian.PutUint64(row.Fingerprint[:], s.at*step+x%step)
		binary.BigEndian.PutUint64(row.Fingerprint[8:], x)
		row.Days[events.Open] = uint32(x&(x>>32))&^1 | 2
		if x>>40&3 == 0 {
			row.Kinds = row.Kinds.With(events.Search)
			row.Days[events.Search] = uint32(x>>20)&^1 | 4
		}
		if x>>50&7 == 0 {
			row.Kinds = row.Kinds.With(events.Predownload)
			row.Days[events.Predownload] = 8
		}
		s.at++
	}
	return int(n), nil
}

// sealMonths leaves a sealed month for each partition.
func sealMonths(ctx context.Context, o options, devices int) (r result, err error) {
	for p := range o.unite {
		s, err := open(ctx, o.state, events.Partition(p))
		if err != nil {
			return nil, err
		}
		z := &counter.Sealed{Partition: events.Partition(p), Month: march, Precision: 14, RulesHash: "rules", KeyID: guidKey.ID()}
		z.OnTime = func() counter.RowReader { return &sorted{n: uint64(devices / o.unite), r: rand.NewPCG(uint64(p), 1)} }
		if _, err := s.Seal(ctx, z); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// unite measures what a close does with the sealed months: verify, read, unite, count, digest.
func unite(ctx context.Context, o options, _ int) (r result, err error) {
	var readers []counter.RowReader
	bytes := int64(0)
	process, began := cpu(ofProcess), time.Now()
	for p := range o.unite {
		s, err := open(ctx, o.state, events.Partition(p))
		if err != nil {
			return nil, err
		}
		m, err := s.OpenSealed(ctx, march)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, m.Close()) }()
		bytes += m.Index.Size
		readers = append(readers, m.OnTime())
	}
	opened := time.Since(began)
	cfg := counter.UnionConfig{Month: march, Precision: 14, Sets: func(string) []events.KindSet { return []events.KindSet{7} }}
	var devices uint64
	if err := counter.Unite(cfg, readers, nil, func(u *counter.AppUnion) error {
		devices += u.Devices
		fmt.Fprintf(io.Discard, "%x", u.Digest)
		return nil
	}); err != nil {
		return nil, err
	}
	took := time.Since(began)
	r.add("devices united", float64(devices))
	r.add("sealed files, MB", float64(bytes)/1e6)
	r.add("verified in, s", opened.Seconds())
	r.add("verified and united in, s", took.Seconds())
	r.add("CPU, s", (cpu(ofProcess) - process).Seconds())
	r.add("CPU a device, ns", float64(cpu(ofProcess)-process)/float64(devices))
	r.memory()
	return r, nil
}

package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// result is what was measured, in the order in which it is printed.
type result []figure

type figure struct {
	Name  string  `json:"name"` // with its unit
	Value float64 `json:"value"`
}

func (r *result) add(name string, value float64) { *r = append(*r, figure{name, value}) }

func (f figure) digits() int {
	if f.Value < 1000 {
		return 2
	}
	return 0
}

const (
	ofProcess = syscall.RUSAGE_SELF
	ofThread  = 1 // RUSAGE_THREAD, Linux
)

func cpu(who int) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// kilobytes reads lines such as "VmHWM:  1234 kB" of a file of /proc/self; 0 where there is none.
func kilobytes(file, field string) float64 {
	f, err := os.Open("/proc/self/" + file)
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), field+":"); ok {
			var kb float64
			fmt.Sscan(rest, &kb)
			return kb
		}
	}
	return 0
}

// memory adds what the process takes: at its highest so far, and now, garbage collected.
func (r *result) memory() {
	r.add("highest resident memory, MB", kilobytes("status", "VmHWM")/1000)
	r.add("resident memory at the end, MB", kilobytes("status", "VmRSS")/1000)
	runtime.GC()
	runtime.GC()
	r.add("of it on huge pages, MB", kilobytes("smaps_rollup", "AnonHugePages")/1000)
}

// longest keeps the longest of many.
type longest time.Duration

func (l *longest) since(began time.Time) { *l = max(*l, longest(time.Since(began))) }

func (l longest) ms() float64 { return float64(l) / 1e6 }

package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Progress shows how far long work has come: a bar on a terminal; elsewhere plain lines, the first after five seconds, then ever
// rarer up to one a minute, and none while nothing moves. Short work leaves no trace.
type Progress struct {
	bar   *progressbar.ProgressBar // nil: not a terminal
	w     io.Writer
	what  string
	unit  string
	total int64
	done  int64
	said  int64 // of done, in the last line
	last  time.Time
	pause time.Duration // until the next line
	began time.Time
}

// A service that runs for months must not fill its log with progress.
const (
	firstPause = 5 * time.Second
	mostPause  = time.Minute
)

// NewProgress begins work of total units (0: unknown).
func (p *Program) NewProgress(what, unit string, total int64) *Progress {
	g := &Progress{w: p.Err, what: what, unit: unit, total: total, last: time.Now(), pause: firstPause, began: time.Now()}
	if f, ok := p.Err.(*os.File); ok && term.IsTerminal(int(f.Fd())) && !p.Quiet {
		n := total
		if n == 0 {
			n = -1
		}
		g.bar = progressbar.NewOptions64(n, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(what),
			progressbar.OptionShowCount(),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	if p.Quiet {
		g.w = io.Discard
	}
	return g
}

// Showing returns a function that shows work of a total known when it begins: the first call begins it, that with all done ends it.
func (p *Program) Showing(what, unit string) func(done, total int64) {
	var g *Progress
	return func(done, total int64) {
		if g == nil {
			g = p.NewProgress(what, unit, total)
		}
		if g.Set(done); done == total {
			g.End()
			g = nil
		}
	}
}

// Set says that done units are done.
func (g *Progress) Set(done int64) {
	g.done = done
	if g.bar != nil {
		g.bar.Describe(g.what + pace(done, g.unit, time.Since(g.began)))
		_ = g.bar.Set64(done)
		return
	}
	if done != g.said && time.Since(g.last) >= g.pause {
		g.said, g.last, g.pause = done, time.Now(), min(2*g.pause, mostPause)
		g.line()
	}
}

func (g *Progress) line() {
	if g.total > 0 {
		fmt.Fprintf(g.w, "%s: %d of %d %s (%d %%)\n", g.what, g.done, g.total, g.unit, g.done*100/g.total)
		return
	}
	fmt.Fprintf(g.w, "%s: %d %s\n", g.what, g.done, g.unit)
}

// pace is how much was done a second; empty while too little time has passed to say.
func pace(done int64, unit string, took time.Duration) string {
	if took < time.Second || done == 0 {
		return ""
	}
	return fmt.Sprintf(" (%.0f %s/s)", float64(done)/took.Seconds(), unit)
}

// End says that the work is over, where it took long enough for anybody to ask.
func (g *Progress) End() {
	if g.bar != nil {
		_ = g.bar.Finish()
	}
	if took := time.Since(g.began); took >= time.Second {
		fmt.Fprintf(g.w, "%s: %d %s in %.1f s\n", g.what, g.done, g.unit, took.Seconds())
	}
}

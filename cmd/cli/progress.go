package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Progress shows how far long work has come: a bar on a terminal, a plain line every few seconds elsewhere.
type Progress struct {
	bar   *progressbar.ProgressBar // nil: not a terminal
	w     io.Writer
	what  string
	unit  string
	total int64
	done  int64
	last  time.Time
	began time.Time
}

// NewProgress begins work of total units (0: unknown).
func (p *Program) NewProgress(what, unit string, total int64) *Progress {
	g := &Progress{w: p.Err, what: what, unit: unit, total: total, last: time.Now(), began: time.Now()}
	if f, ok := p.Err.(*os.File); ok && term.IsTerminal(int(f.Fd())) && !p.Quiet {
		n := total
		if n == 0 {
			n = -1
		}
		g.bar = progressbar.NewOptions64(n, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(what),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString(unit),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	if p.Quiet {
		g.w = io.Discard
	}
	return g
}

// Set says that done units are done.
func (g *Progress) Set(done int64) {
	g.done = done
	if g.bar != nil {
		_ = g.bar.Set64(done)
		return
	}
	if time.Since(g.last) >= 5*time.Second {
		g.last = time.Now()
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

// End says that the work is over.
func (g *Progress) End() {
	if g.bar != nil {
		_ = g.bar.Finish()
	}
	secs := time.Since(g.began).Seconds()
	fmt.Fprintf(g.w, "%s: %d %s in %.1f s\n", g.what, g.done, g.unit, secs)
}

package cli

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// Reload reads again what a running command has of its files, and says what it read.
type Reload func() (string, error)

// reloads is what a program does at a SIGHUP.
type reloads struct {
	current atomic.Pointer[Reload]
	log     atomic.Pointer[slog.Logger] // nil: the command has not begun
}

// OnHangup has a SIGHUP read files again. What cannot be read is logged, and what was read before stays in force.
func (p *Program) OnHangup(r Reload) { p.reloads.current.Store(&r) }

// hangups answers SIGHUP until the context ends: it never ends the process, whatever the command is.
func (p *Program) hangups(ctx context.Context) (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ctx.Done():
				return
			case <-signals:
				p.hangup()
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		<-done
	}
}

func (p *Program) hangup() {
	log := p.reloads.log.Load()
	if log == nil {
		return
	}
	r := p.reloads.current.Load()
	if r == nil {
		log.Info("SIGHUP: this command keeps nothing of accounts and price books that could be read again")
		return
	}
	read, err := (*r)()
	if err != nil {
		log.Error("SIGHUP: cannot be read again; what was read before stays in force", "err", err)
		return
	}
	log.Info("SIGHUP: read again", "read", read)
}

package site

import (
	"context"
	"errors"
	"time"

	"headcount/events/stream/broker"
)

// comesWithin is how long a broker that another process has just begun may take until it answers, or one that ends until it is gone.
const comesWithin = 10 * time.Second

// bring starts the embedded broker; nil: another process was quicker, and its broker answers.
func bring(ctx context.Context, c broker.Config) (*broker.Broker, error) {
	for began := time.Now(); ; {
		b, err := broker.Start(ctx, c)
		if !errors.Is(err, broker.ErrRunning) || time.Since(began) > comesWithin {
			return b, err
		}
		if answers(c.Addr) {
			return nil, nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// keptFor is how long a command that is done keeps its broker for others that have come to use it: a close beside a close, say. Who
// goes on for longer has to bring its own.
const keptFor = 30 * time.Second

// keep keeps the broker that this process brings while others use it, until they have gone, the command is told to end, or for keptFor.
func (c *Connection) keep() {
	said := false
	for began := time.Now(); c.broker.Err() == nil && c.ctx.Err() == nil && time.Since(began) < keptFor; time.Sleep(10 * time.Millisecond) {
		if c.broker.Connections() == 0 {
			return
		}
		if !said && time.Since(began) > 2*time.Second {
			said = true
			c.logger.Warn("others use the broker that this command brings: it is kept for them", "address", c.at, "for", keptFor)
		}
	}
}

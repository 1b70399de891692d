package site

import (
	"context"
	"fmt"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/events/stream"
	"headcount/events/stream/broker"
)

// StrangerError says that the broker that answers is not the one over the configuration's own folder: another installation's, into whose
// log nothing of ours is to be written, and whose records are not ours to count.
type StrangerError struct {
	Address, DataDir string
	Ours, Theirs     string // cluster ids; Ours is empty where no broker was ever started over the folder
}

func (e *StrangerError) Error() string {
	who := fmt.Sprintf("it is of cluster %s, ours is %s", e.Theirs, e.Ours)
	switch e.Ours {
	case "":
		who = fmt.Sprintf("it is of cluster %s, and no broker was ever started over our folder", e.Theirs)
	case e.Theirs:
		who = fmt.Sprintf("it is of cluster %s as ours is, but runs over another folder: one is a copy of the other", e.Theirs)
	}
	return fmt.Sprintf("the broker at %s is a stranger's: %s, kafka.embedded.data_dir %s; nothing was written. Stop that broker, or give one of the two another address in kafka.brokers; "+
		"to use it as any broker of others, leave kafka.embedded out", e.Address, who, e.DataDir)
}

// ours returns a StrangerError, in a failure, unless the broker that answers is the one over the configuration's folder. That is asked of the
// broker, by its cluster id, and of the folder: a copied one has the same id.
func ours(ctx context.Context, c *config.Config, log *stream.Log) error {
	addr, dir := c.Kafka.Brokers[0], c.Kafka.Embedded.DataDir
	own, err := broker.ClusterID(dir)
	if err != nil {
		return cli.Fail(cli.Unreachable, "embedded broker over %s: %w", dir, err)
	}
	theirs, err := log.Cluster(ctx)
	if err != nil {
		return cli.Fail(cli.Unreachable, "broker at %s: %w", addr, err)
	}
	stranger := cli.Fail(cli.Usage, "%w", &StrangerError{addr, dir, own, theirs})
	if own != theirs {
		return stranger
	}
	served, err := broker.Serves(dir)
	if err != nil {
		return cli.Fail(cli.Unreachable, "embedded broker over %s: %w", dir, err)
	}
	if served {
		return nil
	}
	if !answers(addr) { // ours, which ended since
		return cli.Fail(cli.Unreachable, "the broker at %s has just ended: run the command again", addr)
	}
	return stranger
}

package cli

import (
	"log/slog"

	"github.com/spf13/cobra"
)

// service marks a command that runs until it is stopped; its value is the flag with which it ends by itself, or empty.
const service = "headcount/service"

// Service says that a command runs until it is stopped, unless the flag until (empty: none) is given: what it does is then known by its
// log alone, so that it logs what a command that ends logs with --verbose.
func Service(cmd *cobra.Command, until string) *cobra.Command {
	if cmd.Annotations == nil {
		cmd.Annotations = map[string]string{}
	}
	cmd.Annotations[service] = until
	return cmd
}

// level is what a command logs from on.
func (p *Program) level(cmd *cobra.Command) slog.Level {
	until, runs := cmd.Annotations[service]
	switch {
	case p.Quiet:
		return slog.LevelError
	case p.Verbose, runs && (until == "" || !cmd.Flags().Changed(until)):
		return slog.LevelInfo
	}
	return slog.LevelWarn
}

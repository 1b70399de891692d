package cli

import (
	"errors"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"headcount/internal/visible"
)

// logFormat is what --log-format says: text, for people, or json, a line an object, for what collects logs.
type logFormat string

func (f *logFormat) addTo(cmd *cobra.Command) {
	*f = "text"
	cmd.PersistentFlags().Var(f, "log-format", "log as `FORMAT`: text or json")
}

func (f *logFormat) String() string { return string(*f) }
func (f *logFormat) Type() string   { return "format" }
func (f *logFormat) Set(s string) error {
	if s != "text" && s != "json" {
		return errors.New("want text or json")
	}
	*f = logFormat(s)
	return nil
}

// handler writes what is logged to w. JSON is for programs, which see what is invisible to people.
func (f *logFormat) handler(w io.Writer, o *slog.HandlerOptions) slog.Handler {
	if *f == "json" {
		return slog.NewJSONHandler(w, o)
	}
	return slog.NewTextHandler(visible.Writer(w), o)
}

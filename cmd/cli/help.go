package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// Required marks flags in the help: the command says itself what is missing where one is, and why it is needed.
func Required(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		mark(cmd, name, "required")
	}
}

// RequiredUnless marks a flag that another, or one of several, can stand for.
func RequiredUnless(cmd *cobra.Command, name string, others ...string) {
	mark(cmd, name, "required, or --"+strings.Join(others, " or --"))
}

// RequiredWith marks a flag that has to go with another.
func RequiredWith(cmd *cobra.Command, other string, names ...string) {
	for _, name := range names {
		mark(cmd, name, "required with --"+other)
	}
}

func mark(cmd *cobra.Command, name, how string) { cmd.Flag(name).Usage += " (" + how + ")" }

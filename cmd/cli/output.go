package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"headcount/internal/visible"
)

// Forms of a result: what -o names.
const (
	formTable = "table" // as wide as the screen
	formWide  = "wide"  // every column, however wide
	formJSON  = "json"
	formCSV   = "csv" // of commands that have --csv
)

// form reads -o, and opens the output in the form that it names.
func (p *Program) form(cmd *cobra.Command) error {
	columns := columnsOf(p.Out, os.Getenv("COLUMNS"))
	switch p.Form {
	case formTable, "":
	case formWide:
		columns = 0
	case formJSON:
		p.JSON = true
	case formCSV:
		if cmd.Flags().Lookup("csv") == nil {
			return Fail(Usage, "-o csv: %s has no CSV; say -o json, or leave it out for a table", cmd.CommandPath())
		}
		if err := cmd.Flags().Set("csv", "-"); err != nil {
			return err
		}
	default:
		return &Failure{Usage, fmt.Errorf("-o %q: want table, wide, json or csv", p.Form)}
	}
	if !p.JSON { // which is for programs, and stays as it is
		p.Out = &Screen{visible.Writer(p.Out), columns}
	}
	return nil
}

package reprice

import "fmt"

// badFile is thrown where a file turns out not to be well formed: the first rating refuses such files, so that only one that was
// changed since gets here. It leaves the package as an error.
type badFile struct{ error }

func bad(format string, args ...any) badFile { return badFile{fmt.Errorf(format, args...)} }

// catch makes an error of a badFile. Any other panic is a fault of this package, and goes on.
func catch(err *error) {
	switch r := recover().(type) {
	case nil:
	case badFile:
		*err = r.error
	default:
		panic(r)
	}
}

// Package mutant holds bugs that are put into the product on purpose, to see that the simulation finds them.
//
// A bug is a change to the text of one file. None of them is in the product as it is built: the test that looks for them builds
// a test binary of its own, in which the changed files take the place of theirs (go build -overlay), each bug behind a
// comparison with Active. Where the text to change is not there any more, that build fails: the bug must then be written anew.
package mutant

// Active is the number of the bug that is switched on; 0: none.
var Active int

// Bug is one of them. In New, MUTANT stands for whether it is on.
type Bug struct {
	Name string
	File string // from the repository's root
	Old  string // is there once
	New  string
}

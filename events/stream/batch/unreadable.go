package batch

// UnreadableError is what is wrong with a batch where another replica's copy would be no better.
type UnreadableError struct {
	What   string // is wrong
	Remedy string // what to do about it
}

func (e *UnreadableError) Error() string { return e.What }

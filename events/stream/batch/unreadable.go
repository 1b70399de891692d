package batch

// UnreadableError is what is wrong with a batch where another replica's copy would be no better.
type UnreadableError struct {
	What   string // is wrong
	Remedy string // what to do about it
}

// TakeLarger is the Remedy of a batch that is larger than what is taken.
const TakeLarger = "raise the most that is taken for a batch"

func (e *UnreadableError) Error() string { return e.What }

package events

// Reason says why a record is a dead letter; empty where it is none.
type Reason string

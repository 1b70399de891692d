package stream

import "headcount/events/stream/batch"

// Message is what Produce sends.
type Message = batch.Message

// Header is a record's header. A nil value is null.
type Header = batch.RecordHeader

package events

// Reason says why a record is a dead letter; empty where it is none.
type Reason string

// OverLimit is the reason of records past one of Limits. It holds the month's close.
const OverLimit Reason = "over limit"

// BrokenBatch is the reason of all records of a batch that cannot be taken apart, though it is, byte for byte, what its producer made.
const BrokenBatch Reason = "broken by its producer: the batch cannot be unpacked, or its records are not what it says"

// Why a record is rejected.
const (
	BadContentType Reason = "content type is neither application/cloudevents+json nor that of a binary CloudEvent"
	BadHeaders     Reason = "malformed record headers"
	BadJSON        Reason = "not a well-formed JSON object"
	IsArray        Reason = "a JSON array, where a record holds one object"
	ByteOrderMark  Reason = "a byte order mark before the JSON"
	IsUTF16        Reason = "UTF-16, where JSON is UTF-8"
	SchemaHeader   Reason = "a Confluent schema registry header before the value"
	QuotedHeader   Reason = "a ce_ header's value in quotes: headers of a binary CloudEvent are plain text"
	BadUTF8        Reason = "invalid UTF-8"
	BadSurrogate   Reason = "lone surrogate"
	TrailingBytes  Reason = "bytes after the object"
	TooDeep        Reason = "nested deeper than 10,000"
	DuplicateName  Reason = "duplicate of a name that is read"
	NotString      Reason = "value is not a string"
	NoType         Reason = "no type"
	BadTime        Reason = "time is not RFC 3339"
	BadEpoch       Reason = "time is neither RFC 3339 nor a number of the time unit"
	NoTime         Reason = "neither a usable time nor a record timestamp"
	NoApp          Reason = "no superapp"
	BadApp         Reason = "superapp is not 1–64 bytes without control characters"
	NoGUID         Reason = "no subject"
	BadGUID        Reason = "subject is longer than 128 bytes"
	Placeholder    Reason = "placeholder id"
	BadMonth       Reason = "month is not of the form 2026-10"
	FutureMonth    Reason = "month lies after that of the record's timestamp"
	BadDay         Reason = "day is not a day of the month"
	BadMeter       Reason = "meter is not 1–64 bytes without control characters"
	BadSource      Reason = "source is not 1–256 bytes without control characters"
	BadValue       Reason = "value is not a decimal integer below 2^63 in a string"
	BadRevision    Reason = "revision is not an integer below 2^31"

	OtherApp     Reason = "superapp is not the one that its sender's key is for"
	ReservedType Reason = "type is one of ours, which nobody may send"

	Unsigned        Reason = "quantity is not signed"
	BadSignature    Reason = "signature is not 64 bytes in base64"
	UnknownReporter Reason = "source is no reporter of the month's rules"
	NotItsMeter     Reason = "meter is not one that its reporter may report"
	NotItsApp       Reason = "superapp is not one that its reporter may report for"
	WrongSignature  Reason = "signature is not its reporter's over these members"
	MixedTotals     Reason = "source has reported days of the month where this is a total, or a total where this is a day"
)

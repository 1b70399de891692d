package events

// Reason says why a record is a dead letter; empty where it is none.
type Reason string

// OverLimit is the reason of records past one of Limits. It holds the month's close.
const OverLimit Reason = "over limit"

// Why a record is rejected.
const (
	badContentType Reason = "content type is neither application/cloudevents+json nor that of a binary CloudEvent"
	badHeaders     Reason = "malformed record headers"
	badJSON        Reason = "not a well-formed JSON object"
	badUTF8        Reason = "invalid UTF-8"
	badSurrogate   Reason = "lone surrogate"
	trailingBytes  Reason = "bytes after the object"
	tooDeep        Reason = "nested deeper than 10,000"
	duplicateName  Reason = "duplicate of a name that is read"
	notString      Reason = "value is not a string"
	noType         Reason = "no type"
	badTime        Reason = "time is not RFC 3339"
	noTime         Reason = "neither a usable time nor a record timestamp"
	noApp          Reason = "no superapp"
	badApp         Reason = "superapp is not 1–64 bytes without control characters"
	noGUID         Reason = "no subject"
	badGUID        Reason = "subject is longer than 128 bytes"
	badMonth       Reason = "month is not of the form 2026-10"
	futureMonth    Reason = "month lies after that of the record's time"
	badDay         Reason = "day is not a day of the month"
	badMeter       Reason = "meter is not 1–64 bytes without control characters"
	badSource      Reason = "source is not 1–256 bytes without control characters"
	badValue       Reason = "value is not a decimal integer below 2^63 in a string"
	badRevision    Reason = "revision is not an integer"
)

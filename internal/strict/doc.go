// Package strict reads YAML that people write: configuration, accounts, price books.
//
// What it does not know or would have to guess is an *Error that names file, line, column and field.
//
// # Promises
//
//   - No document is too much: its size, open brackets and indentation are bounded before the parser sees it, and what the
//     parser panics at is an error.
//   - One document a file, in UTF-8. No anchors, aliases, merge keys or tags, no field twice; a field's name is text.
//   - Text is text: a number or true without quotes is not taken for it.
//   - The first error sticks. After it every value is missing and reads as zero, so a reader asks for field after field and looks
//     at the error once, at the end.
//
// # Layout
//
//	error.go     Error, Place
//	parse.go     bytes → Document
//	node.go      what a document is made of              quick.go    YAML as it is mostly written, without the parser
//	elements.go  one long list, element by element       table.go    CSV as such a list          json.go   a Value as JSON
//	value.go     a Value: lists, text, numbers           object.go   an Object: fields by name, none unknown, none left out
//	suggest.go   did you mean
package strict

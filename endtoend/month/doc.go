// Package month makes up realistic months of SDK events: the test data of the project.
//
// It promises: the same Config gives the same bytes, on every machine; records come in the order of their log timestamps, as
// a broker would have them; a core makes well over a million a second. It shares no code with the packages that count, so that
// both cannot be wrong in the same way.
//
// What a month looks like. Devices are installs of one app each, few apps having most of them (Zipf). A device is of a habit:
// most open mini programs, some mostly search or predownload; it acts in sessions of a few events, and one in a hundred
// uses two apps. Some devices come or go in the middle of the month and one in fifty is reinstalled (a new GUID). The hours
// of the day and the days of the week have their rhythm, in the billing zone. Most events reach the log within seconds, some
// after hours or days. Some devices log users in or use components.
//
// And what is odd in it, unless Config.Odd is 0 (odd.go has the whole list): GUIDs in every spelling and ids that are no
// UUIDs, times with offsets or without, wrong clocks, the last month's stragglers, the first and the last millisecond of the
// month, repeats, unknown types, members in any order, escapes, nested decoys, and broken records of every dead-letter reason.
//
// Layout: config.go says what is wanted; rhythm.go when; device.go who and what; write.go writes a CloudEvent; odd.go spoils
// some; generator.go puts it together.
package month

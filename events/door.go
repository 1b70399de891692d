package events

import "bytes"

// DoorHeader is the header of a record that a door (HTTP, bridge) took in and found uncountable by what the log does not show, such as
// whose key it came with. Its value is the verdict's word and, behind a colon, the app that answers for it: "other-app:app-001". A record with
// such a header is rejected, whatever else it is. "from:app-001" is no verdict: it says who answers for the record where it is rejected and no app can be
// read in it, so that no sender's garbage is everybody's. One whose value says nothing of the kind is read as if the header were not there.
const DoorHeader = "headcount-door"

// doorReasons are the verdicts, by their words.
var doorReasons = map[string]Reason{"other-app": OtherApp, "reserved-type": ReservedType}

// DoorVerdict is the value of a DoorHeader. app may be empty; reason is OtherApp or ReservedType.
func DoorVerdict(reason Reason, app string) []byte {
	for word, r := range doorReasons {
		if r == reason {
			return []byte(word + ":" + app)
		}
	}
	panic("events: no door gives the reason " + string(reason))
}

// doorSender is the word that is no verdict.
const doorSender = "from"

// DoorSender is the value of a DoorHeader that says whose key a record came with, and nothing against it.
func DoorSender(app string) []byte { return []byte(doorSender + ":" + app) }

// ReadDoor reads the value of a DoorHeader: a verdict and who answers for it, or, without a reason, whose key the record came with; ok is false where it says
// neither. Whether app is one is not looked at.
func ReadDoor(value []byte) (reason Reason, app []byte, ok bool) {
	word, app, ok := bytes.Cut(value, []byte(":"))
	reason = doorReasons[string(word)]
	return reason, app, ok && (reason != "" || string(word) == doorSender)
}

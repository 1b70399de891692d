package events

import "bytes"

// DoorHeader is the header of a record that a door (HTTP, bridge) took in and found uncountable by what the log does not show, such as
// whose key it came with. Its value is the verdict's word and, behind a colon, the app that answers for it: "other-app:app-001". A record with
// such a header is rejected, whatever else it is; one whose value says nothing of the kind is read as if the header were not there.
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

// ReadDoorVerdict reads the value of a DoorHeader; no reason: it says none. Whether app is one is not looked at.
func ReadDoorVerdict(value []byte) (reason Reason, app []byte) {
	word, app, ok := bytes.Cut(value, []byte(":"))
	if reason = doorReasons[string(word)]; !ok || reason == "" {
		return "", nil
	}
	return reason, app
}

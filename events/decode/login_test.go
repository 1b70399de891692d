package decode

import (
	"testing"

	"headcount/events"
	"headcount/events/identity"
)

// TestLoginIsAPopulationOfItsOwn: the same id as a device's and as a user's are two.
func TestLoginIsAPopulationOfItsOwn(t *testing.T) {
	d, _ := newTestDecoder(t, func(t *events.Template) { t.Types = map[string]string{"session.start": "login"} })
	of := func(kind string) identity.ID {
		e := decode(t, d, record(t, `{"type":"`+kind+`","subject":"`+testGUID+`","superapp":"a"}`))
		if e.Outcome != events.Counted {
			t.Fatal(verdict(e))
		}
		return e.ID
	}
	if of("miniprogram.open") != deviceOf(testGUID) || of("user.login") != userOf(testGUID) || deviceOf(testGUID) == userOf(testGUID) {
		t.Error("a user has the id of a device, or a device that of a user")
	}
	if of("user.login") != of("session.start") {
		t.Error("another type of the kind login is not of the users' population")
	}
	if of("miniprogram.open") != of("component.push") {
		t.Error("two kinds of devices do not share a population")
	}
}

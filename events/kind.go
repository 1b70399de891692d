package events

// Kind is what was done, as an index into the month's list of kinds (MonthRules.Kinds). The first eleven are fixed.
type Kind uint8

// KindSet is a set of kinds, bit i for kind i.
type KindSet uint16

// MaxKinds is the most kinds a month's rules can hold.
const MaxKinds = 16

// The kinds that every month's rules begin with, in this order.
const (
	Open Kind = iota
	Search
	Predownload
	Login // of a user id, a population of its own; all other kinds are of devices
	Release
	H5
	BasicAnalysis
	CustomAnalysis
	Performance
	Push
	Sync
	builtinKinds
)

// KindNames are the names of the fixed kinds, indexed by Kind.
var KindNames = [builtinKinds]string{
	"open", "search", "predownload", "login", "release", "h5",
	"basic-analysis", "custom-analysis", "performance", "push", "sync",
}

// Has says whether k is in the set.
func (s KindSet) Has(k Kind) bool { return s>>k&1 == 1 }

// With returns the set with k added.
func (s KindSet) With(k Kind) KindSet { return s | 1<<k }

// Devices returns the kinds of the set that are done by devices (all but Login).
func (s KindSet) Devices() KindSet { return s &^ (1 << Login) }

// builtinTypes are the event types of an installation that configures none.
var builtinTypes = map[string]Kind{
	"miniprogram.open": Open, "minigame.open": Open,
	"miniprogram.search": Search, "minigame.search": Search,
	"miniprogram.predownload": Predownload, "minigame.predownload": Predownload,
	"user.login":                Login,
	"component.release":         Release,
	"component.h5":              H5,
	"component.basic-analysis":  BasicAnalysis,
	"component.custom-analysis": CustomAnalysis,
	"component.performance":     Performance,
	"component.push":            Push,
	"component.sync":            Sync,
}

// The types that are no kind of anything.
const (
	ReportedType  = "usage.reported" // a quantity
	ControlPrefix = "headcount."     // of ours: seals, closed records
)

package decode

import (
	"strings"
	"testing"

	"headcount/events"
	"headcount/events/identity"
)

func TestDecodeExampleOfTheContract(t *testing.T) {
	d, _ := newTestDecoder(t, nil)
	e := decode(t, d, record(t, testEvent))
	if got, want := verdict(e), "counted open 2026-10-03 app-001"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	if want := deviceOf(testGUID); e.ID != want || want.Population != identity.UUID {
		t.Errorf("id %v, want %v", e.ID, want)
	}
}

func TestStructuredEvents(t *testing.T) {
	const counted = "counted open 2026-10-03 app-001"
	ev := func(members string) string {
		return `{"type":"miniprogram.open","subject":"g","superapp":"app-001","time":"2026-10-03T08:15:30Z"` + members + `}`
	}
	tests := []struct{ name, value, want string }{
		{"nothing else is required", ev(""), counted},
		{"unread values of every type", ev(`,"a":1,"b":-0.5e+7,"c":true,"d":false,"e":null,"f":{"subject":"x","subject":2},"g":[1,[],{}," "],"data":{"type":"user.login"}`), counted},
		{"duplicates of what is not read", ev(`,"id":"1","id":"2","value":1,"value":2,"source":3`), counted},
		{"white space everywhere", " \t\r\n{ \"type\" :\n\"miniprogram.open\" ,\t\"subject\":\"g\" , \"superapp\" : \"app-001\" ,\"time\":\"2026-10-03T08:15:30Z\" } \r\n", counted},
		{"escapes in names", `{"t\u0079pe":"miniprogram.open","sub\u006aect":"g","\u0073uperapp":"app-001","time":"2026-10-03T08:15:30Z"}`, counted},
		{"escapes in values", `{"type":"mini\u0070rogram\u002eopen","subject":"\u0067","superapp":"app-0\u00301","time":"2026-10-03T08:15:30\u005a"}`, counted},
		{"names are exact", `{"Type":"user.login","type":"miniprogram.open","subject":"g","SUPERAPP":"b","superapp":"app-001"}`, counted},
		{"an escaped duplicate", ev(`,"sub\u006aect":"h"`), "rejected [app-001] " + string(events.DuplicateName)},
		{"duplicate type", ev(`,"type":"miniprogram.open"`), "rejected [app-001] " + string(events.DuplicateName)},
		{"duplicate time", ev(`,"time":null`), "rejected [app-001] " + string(events.DuplicateName)},
		{"duplicate superapp names no app", ev(`,"superapp":"app-001"`), "rejected [] " + string(events.DuplicateName)},
		{"type is a number", `{"type":1,"subject":"g","superapp":"a"}`, "rejected [a] " + string(events.NotString)},
		{"subject is an object", `{"type":"miniprogram.open","subject":{"a":1},"superapp":"a"}`, "rejected [a] " + string(events.NotString)},
		{"superapp is an array", `{"type":"miniprogram.open","subject":"g","superapp":["a"]}`, "rejected [] " + string(events.NotString)},
		{"time is a number", `{"type":"miniprogram.open","subject":"g","superapp":"a","time":1790000000}`, "rejected [a] " + string(events.NotString)},
		{"subject is true", `{"type":"miniprogram.open","subject":true,"superapp":"a"}`, "rejected [a] " + string(events.NotString)},
		{"null type", `{"type":null,"subject":"g","superapp":"a"}`, "rejected [a] " + string(events.NoType)},
		{"empty type", `{"type":"","subject":"g","superapp":"a"}`, "rejected [a] " + string(events.NoType)},
		{"no type", `{"subject":"g","superapp":"a"}`, "rejected [a] " + string(events.NoType)},
		{"empty object", `{}`, "rejected [] " + string(events.NoType)},
		{"no subject", `{"type":"miniprogram.open","superapp":"a"}`, "rejected [a] " + string(events.NoGUID)},
		{"null subject", `{"type":"miniprogram.open","superapp":"a","subject":null}`, "rejected [a] " + string(events.NoGUID)},
		{"empty subject", `{"type":"miniprogram.open","superapp":"a","subject":""}`, "rejected [a] " + string(events.NoGUID)},
		{"subject of 128 bytes", `{"type":"miniprogram.open","superapp":"app-001","subject":"` + strings.Repeat("g", 128) + `"}`, counted},
		{"subject of 129 bytes", `{"type":"miniprogram.open","superapp":"a","subject":"` + strings.Repeat("g", 129) + `"}`, "rejected [a] " + string(events.BadGUID)},
		{"no superapp", `{"type":"miniprogram.open","subject":"g"}`, "rejected [] " + string(events.NoApp)},
		{"null superapp", `{"type":"miniprogram.open","subject":"g","superapp":null}`, "rejected [] " + string(events.NoApp)},
		{"empty superapp", `{"type":"miniprogram.open","subject":"g","superapp":""}`, "rejected [] " + string(events.NoApp)},
		{"superapp of 65 bytes", `{"type":"miniprogram.open","subject":"g","superapp":"` + strings.Repeat("a", 65) + `"}`, "rejected [] " + string(events.BadApp)},
		{"superapp with C0", `{"type":"miniprogram.open","subject":"g","superapp":"a\u001f"}`, "rejected [] " + string(events.BadApp)},
		{"superapp with DEL", `{"type":"miniprogram.open","subject":"g","superapp":"a` + "\x7f" + `"}`, "rejected [] " + string(events.BadApp)},
		{"superapp with C1", `{"type":"miniprogram.open","subject":"g","superapp":"a\u0085"}`, "rejected [] " + string(events.BadApp)},
		{"superapp with raw C1", `{"type":"miniprogram.open","subject":"g","superapp":"a` + "\u009f" + `"}`, "rejected [] " + string(events.BadApp)},
		{"superapp of other letters", `{"type":"miniprogram.open","subject":"g","superapp":"小程序 é\u00a0"}`, "counted open 2026-10-03 小程序 é\u00a0"},
		{"no time: the record's", `{"type":"miniprogram.open","subject":"g","superapp":"app-001"}`, counted},
		{"null time", `{"type":"miniprogram.open","subject":"g","superapp":"app-001","time":null}`, counted},
		{"empty time", `{"type":"miniprogram.open","subject":"g","superapp":"app-001","time":""}`, counted},
		{"bad time", `{"type":"miniprogram.open","subject":"g","superapp":"a","time":"2026-10-03 08:15:30Z"}`, "rejected [a] " + string(events.BadTime)},
		{"bad time of an unknown type", `{"type":"x","time":"yesterday"}`, "rejected [] " + string(events.BadTime)},
		{"unknown type", `{"type":"component.scan","superapp":5000,"subject":1}`, "rejected [] " + string(events.NotString)},
		{"unknown type without the rest", `{"type":"component.scan"}`, "unknown component.scan"},
		{"type is exact", `{"type":"Miniprogram.open"}`, "unknown Miniprogram.open"},
		{"ours", `{"type":"headcount.seal"}`, "control headcount.seal"},
		{"ours, whatever comes", `{"type":"headcount.x"}`, "control headcount.x"},
		{"not ours", `{"type":"headcount"}`, "unknown headcount"},
		{"empty value is no tombstone", ``, "rejected [] " + string(events.BadJSON)},
		{"array", `[` + ev("") + `]`, "rejected [] " + string(events.IsArray)},
		{"array after white space", " [1]", "rejected [] " + string(events.IsArray)},
		{"Confluent header", "\x00\x00\x00\x00\x07" + ev(""), "rejected [] " + string(events.SchemaHeader)},
		{"UTF-16, low bytes first", "{\x00\"\x00t\x00", "rejected [] " + string(events.IsUTF16)},
		{"UTF-16, high bytes first", "\x00{\x00\"\x00t", "rejected [] " + string(events.IsUTF16)},
		{"UTF-16, marked", "\xff\xfe{\x00", "rejected [] " + string(events.IsUTF16)},
		{"a zero", "\x00", "rejected [] " + string(events.BadJSON)},
		{"null", `null`, "rejected [] " + string(events.BadJSON)},
		{"string", `"x"`, "rejected [] " + string(events.BadJSON)},
		{"byte order mark", "\ufeff" + ev(""), "rejected [] " + string(events.ByteOrderMark)},
		{"cut short", testEvent[:len(testEvent)-1], "rejected [] " + string(events.BadJSON)},
		{"bytes after the object", ev("") + "x", "rejected [] " + string(events.TrailingBytes)},
		{"object after the object", ev("") + ev(""), "rejected [] " + string(events.TrailingBytes)},
		{"NUL after the object", ev("") + "\x00", "rejected [] " + string(events.TrailingBytes)},
		{"comma at the end", ev(","), "rejected [] " + string(events.BadJSON)},
		{"single quotes", `{'type':'miniprogram.open'}`, "rejected [] " + string(events.BadJSON)},
		{"comment", ev("/**/"), "rejected [] " + string(events.BadJSON)},
		{"control character in a string", ev(",\"a\":\"\n\""), "rejected [] " + string(events.BadJSON)},
		{"control character in a name", ev(",\"a\t\":1"), "rejected [] " + string(events.BadJSON)},
		{"bad escape", ev(`,"a":"\x"`), "rejected [] " + string(events.BadJSON)},
		{"short unicode escape", ev(`,"a":"\u12"`), "rejected [] " + string(events.BadJSON)},
		{"lone high surrogate", ev(`,"a":"\ud800"`), counted},
		{"lone low surrogate", ev(`,"a":"\udc00 "`), counted},
		{"lone surrogate in a name", ev(`,"\ud800a":1`), counted},
		{"two high surrogates", ev(`,"a":"\ud800\ud800"`), counted},
		{"half an emoji in data, with a bad escape after it", ev(`,"data":"\ud83d\x"`), "rejected [] " + string(events.BadJSON)},
		{"lone surrogate in the subject", `{"type":"miniprogram.open","subject":"g\ud83d","superapp":"a"}`, "rejected [a] " + string(events.BadSurrogate)},
		{"lone surrogate in the app", `{"type":"miniprogram.open","subject":"g","superapp":"a\udc00"}`, "rejected [] " + string(events.BadSurrogate)},
		{"invalid UTF-8 in the subject", "{\"type\":\"miniprogram.open\",\"subject\":\"g\xff\",\"superapp\":\"a\"}", "rejected [a] " + string(events.BadUTF8)},
		{"invalid UTF-8 in the type", "{\"type\":\"miniprogram.open\xff\",\"subject\":\"g\",\"superapp\":\"a\"}", "rejected [a] " + string(events.BadUTF8)},
		{"a broken name is none that is read", "{\"type\xff\":1," + ev("")[1:], counted},
		{"surrogate pair", ev(`,"a":"\ud83d\ude00"`), counted},
		{"invalid UTF-8", ev(",\"a\":\"\xff\""), counted},
		{"invalid UTF-8 deep down", ev(",\"a\":[{\"b\xc3\":1}]"), counted},
		{"overlong UTF-8", ev(",\"a\":\"\xc0\xaf\""), counted},
		{"surrogate in UTF-8", ev(",\"a\":\"\xed\xa0\x80\""), counted},
		{"leading zero", ev(`,"a":01`), "rejected [] " + string(events.BadJSON)},
		{"plus sign", ev(`,"a":+1`), "rejected [] " + string(events.BadJSON)},
		{"point without digits", ev(`,"a":1.`), "rejected [] " + string(events.BadJSON)},
		{"exponent without digits", ev(`,"a":1e`), "rejected [] " + string(events.BadJSON)},
		{"minus alone", ev(`,"a":-`), "rejected [] " + string(events.BadJSON)},
		{"NaN", ev(`,"a":NaN`), "rejected [] " + string(events.BadJSON)},
		{"literal cut", ev(`,"a":tru`), "rejected [] " + string(events.BadJSON)},
		{"literal with a tail", ev(`,"a":truex`), "rejected [] " + string(events.BadJSON)},
		{"depth of 10,000", ev(`,"a":` + strings.Repeat("[", 9999) + strings.Repeat("]", 9999)), counted},
		{"depth of 10,001", ev(`,"a":` + strings.Repeat("[", 10000) + strings.Repeat("]", 10000)), "rejected [] " + string(events.TooDeep)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, _ := newTestDecoder(t, nil)
			if got := verdict(decode(t, d, record(t, tt.value))); got != tt.want {
				t.Errorf("%s\n got %s\nwant %s", tt.value, got, tt.want)
			}
		})
	}
}

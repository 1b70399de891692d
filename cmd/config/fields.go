package config

// fields are all that a configuration may have, in the order in which they are shown. TestEveryFieldIsTold holds that none is left out.
var fields = []field{
	{"billing.time_zone", "The zone whose months are billed, an IANA name such as Asia/Shanghai.", ""},
	{"billing.zoneinfo", "A tz database in the place of the one in the program: a zip of its compiled files, or the file of one zone.", "zoneinfo.zip"},
	{"billing.grace", "How long after a month's end its close must wait, for events that are still on their way.", ""},
	{"billing.from", "The month in which the books open: what is older is counted as before the books, and never billed. Left out, there is no bound, and the first close says which older months have events.", "2026-10"},
	{"billing.skew_limit", "The share of an app's events, of a wrong clock or of a month that is finished, past which its invoice is held.", ""},
	{"billing.reject_limit", "The share of an app's records, dead letters, past which its invoice is held.", ""},
	{"billing.hold_least", "Of how many events a share must be made to hold an invoice.", ""},
	{"billing.quantity_jump", "How many times the month before's value of a reported quantity holds an invoice; 0: nothing does.", ""},

	{"kafka.brokers", "Where the log is: brokers, each host:port.", ""},
	{"kafka.topic", "The topic with the events. Its dead letters are in the topic of that name with .dead behind it.", ""},
	{"kafka.group", "The consumer group in which processes share the partitions; \"\": none, one process reads them all, as it is with the embedded broker. Default: headcount.", "headcount"},
	{"kafka.instance", "This process's static name in the group: started again, it has its partitions back at once. Of each process another.", "ingest-1"},
	{"kafka.session_timeout", "After which the partitions of a silent member of the group go to others; at least 1s.", ""},
	{"kafka.max_batch_bytes", "What a record batch may unpack to and be held as a whole, bytes, at most 134217728; a larger one is read piece by piece.", ""},
	{"kafka.max_fetch_bytes", "Memory for what was fetched and is not counted yet, bytes.", ""},
	{"kafka.producer_time", "accept: records may carry their producers' timestamps. Left out, they are to be the brokers' (LogAppendTime).", "accept"},
	{"kafka.embedded.data_dir", "A broker of our own, to begin with, which keeps its log in this folder. For Apache Kafka: leave kafka.embedded out and name its brokers above.", "data/kafka"},
	{"kafka.embedded.partitions", "Partitions of a topic that is made.", "4"},
	{"kafka.embedded.expose", "true: it may listen beyond this machine, where whoever comes reads and writes without a password.", "false"},
	{"kafka.tls.ca_file", "Connections to brokers are encrypted where kafka.tls is there, also as {}. PEM of the authorities whose word on a broker counts. Left out: the system's.", "ca.pem"},
	{"kafka.tls.cert_file", "PEM of who we are, where brokers ask; key_file belongs to it.", "client.pem"},
	{"kafka.tls.key_file", "PEM of the key of cert_file.", "client.key"},
	{"kafka.tls.server_name", "The name that brokers' certificates are for. Left out: the address that was dialled.", "kafka.example"},
	{"kafka.sasl.mechanism", "How we say who we are: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, the default.", "SCRAM-SHA-512"},
	{"kafka.sasl.user", "The user.", "headcount"},
	{"kafka.sasl.password_file", "The file, of mode 0600, whose first line is the password. HEADCOUNT_KAFKA_SASL_PASSWORD goes before it.", "kafka.password"},
	{"kafka.sasl.password", "The password, by HEADCOUNT_KAFKA_SASL_PASSWORD alone: it does not stand in this file.", ""},

	{"ingest.checkpoint_interval", "How often counts and offsets are made durable.", ""},

	{"events.types", "Event types of your own and the kinds that they are, added to the built-in ones or replacing them.", "{launch: open}"},
	{"events.fields.type", "Where the type lies in JSON that is not a CloudEvent, a path.", "event.name"},
	{"events.fields.guid", "Where the device's GUID lies.", "device.id"},
	{"events.fields.app", "Where the superapp's id lies, or {const: ID} where it is always the same.", "{const: app-001}"},
	{"events.fields.time", "Where the time lies: RFC 3339, or a number of time_unit.", "ts"},
	{"events.time_unit", "The unit of times that are numbers: s, ms, us or ns. Left out, none is.", "ms"},

	{"identity.placeholders", "Ids that are no device, further ones, compared without case.", "[unset]"},
	{"identity.defaults", "false: the built-in placeholders, such as null or the all-zero UUID, are ids like others.", ""},

	{"limits.apps_per_partition", "Apps of a month in a partition; what is past it is a dead letter, and the month's close is held. Default: 250000.", "250000"},
	{"limits.record_bytes", "The largest record, bytes. Default: 1048576.", "1048576"},
	{"limits.quantity_sources", "Reporters of a month's quantities in a partition. Default: 10000.", "10000"},
	{"limits.devices_per_app", "Devices of one app, month and partition, against a flood of ids. Left out, they are not limited.", "5000000"},
	{"limits.devices_per_partition", "Devices of all apps of one month and partition. Left out, they are not limited.", "20000000"},
	{"limits.months_back", "How many months an event may lie before its record. Default: 119.", "119"},

	{"reporters[]", "Who may report quantities that are not people, signed with a key of their own: id, key_file (the public key), meters and apps, in which * stands for any text.", `[{id: gateway, key_file: data/gateway.pub, meters: [gateway_calls], apps: ["app-*"]}]`},

	{"state", "Where counts are kept: file:// and a folder.", ""},
	{"ledger", "Where closings and invoices are kept: sqlite:// and a file, or postgres://user@host/db?sslmode=verify-full.", ""},
	{"ledger_password_file", "The file, of mode 0600, whose first line is the password of a ledger on PostgreSQL.", "ledger.password"},
	{"guid_key_file", "The key by which devices are counted without their ids: 32 hex digits a line, the last is the newest. It cannot be replaced within a month: back it up.", ""},
	{"collect_keys_file", "The names and hashes of the keys that `ingest key` makes, by which senders are let in at `ingest collect`.", ""},
	{"seal_key_file", "The private key, Ed25519, that signs the seals; only the host that closes months needs it.", ""},
	{"seal_public_key_file", "Its public key, which counting needs.", ""},
	{"catalog", "A folder of price books of your own. Left out: the built-in ones.", "books"},
	{"accounts", "Who is billed for which apps, on which plan, since when.", ""},
}

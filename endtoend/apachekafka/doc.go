// Package apachekafka runs a single-node Apache Kafka broker (KRaft, no ZooKeeper) for tests and benchmarks.
//
// It promises: Start returns when the broker answers requests; Kill is a SIGKILL, Stop a SIGTERM that is waited for; Restart
// brings the same broker back, on the same port, over the same data; the broker dies with the process that started it (on
// Linux); nothing is left behind but the jars, which are fetched once with Maven into a cache folder.
//
// A test calls Need. The environment says whether it runs; it is skipped in plain words where java or Maven is missing:
//
//	HEADCOUNT_KAFKA=host:port   on that broker, nothing is started
//	HEADCOUNT_KAFKA=start       on one that is started for the test
//	not set                     not at all
//	HEADCOUNT_KAFKA_CACHE=DIR   where the jars are kept (else headcount/kafka-VERSION in the user's cache folder)
//
// Records are kept for ever (log.retention.ms=-1): with Kafka's default of seven days, records whose timestamps lie in a past
// month are deleted at once.
//
// Layout: jars.go fetches the jars that pom.xml names; broker.go formats, starts and ends the broker; need.go is for tests.
package apachekafka

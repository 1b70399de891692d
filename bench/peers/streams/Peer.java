import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.Stores;

/**
 * Counts a month's devices with Kafka Streams: one RocksDB store of the devices seen, by app, month and id, one of the counts by
 * app and month, both with a changelog.
 *
 * <p>Tuned for the least CPU: the Processor API on raw bytes, nothing repartitioned (the topic is keyed by device), a streaming JSON
 * parser, one thread (10 % less CPU than two), at-least-once, no record cache over the devices (each is put once), large fetches and
 * producer batches, RocksDB as in Rocks.java.
 */
public final class Peer {
    private static final Set<String> TYPES = Set.of("miniprogram.open", "minigame.open", "miniprogram.search", "minigame.search",
            "miniprogram.predownload", "minigame.predownload");
    private static final byte[] SEEN = {};

    /** One for each partition. Events are keyed by device, so a device's events all come here: nothing is sent on or shuffled. */
    private static final class Counter implements Processor<byte[], byte[], Void, Void> {
        private final JsonFactory json = new JsonFactory();
        private final AtomicLong done;
        private KeyValueStore<byte[], byte[]> devices;
        private KeyValueStore<String, Long> counts;

        Counter(AtomicLong done) {
            this.done = done;
        }

        @Override
        public void init(ProcessorContext<Void, Void> context) {
            devices = context.getStateStore("devices");
            counts = context.getStateStore("counts");
        }

        @Override
        public void process(Record<byte[], byte[]> record) {
            String type = null;
            String subject = null;
            String app = null;
            String time = null;
            try (JsonParser p = json.createParser(record.value())) {
                p.nextToken();
                while (p.nextToken() == JsonToken.FIELD_NAME) {
                    String name = p.currentName();
                    p.nextToken();
                    switch (name) {
                        case "type" -> type = p.getText();
                        case "subject" -> subject = p.getText();
                        case "superapp" -> app = p.getText();
                        case "time" -> time = p.getText();
                        default -> p.skipChildren();
                    }
                }
            } catch (IOException e) {
                throw new IllegalArgumentException("offset of a record that is no JSON: " + record, e);
            }
            if (TYPES.contains(type) && subject != null && app != null && time != null) {
                String window = app + '/' + time.substring(0, 7);
                if (devices.putIfAbsent((window + '/' + subject).getBytes(StandardCharsets.UTF_8), SEEN) == null) {
                    Long n = counts.get(window);
                    counts.put(window, n == null ? 1 : n + 1);
                }
            }
            done.incrementAndGet();
        }
    }

    public static void main(String[] args) throws Exception {
        Map<String, String> flags = new TreeMap<>();
        for (int i = 0; i + 1 < args.length; i += 2) {
            flags.put(args[i], args[i + 1]);
        }
        int passes = Integer.parseInt(flags.getOrDefault("--passes", "1"));
        OperatingSystemMXBean os = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        Map<String, Long> apps = count(flags, 1, passes);
        long cpu = os.getProcessCpuTime();
        long begin = System.nanoTime();
        for (int pass = 2; pass <= passes; pass++) {
            cpu = os.getProcessCpuTime();
            begin = System.nanoTime();
            apps = count(flags, pass, passes);
        }
        StringBuilder out = new StringBuilder("{\"apps\":{");
        String comma = "";
        for (Map.Entry<String, Long> e : apps.entrySet()) {
            out.append(comma).append('"').append(e.getKey()).append("\":").append(e.getValue());
            comma = ",";
        }
        System.out.println(out.append("},\"warm\":{\"cpu_ns\":").append(os.getProcessCpuTime() - cpu)
                .append(",\"seconds\":").append((System.nanoTime() - begin) / 1e9).append("}}"));
    }

    private static Map<String, Long> count(Map<String, String> flags, int pass, int passes) throws Exception {
        String topic = flags.get("--topic");
        long records = records(flags.get("--brokers"), topic);
        AtomicLong done = new AtomicLong();
        Topology topology = new Topology();
        topology.addSource("events", Serdes.ByteArray().deserializer(), Serdes.ByteArray().deserializer(), topic);
        topology.addProcessor("count", () -> new Counter(done), "events");
        topology.addStateStore(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore("devices"), Serdes.ByteArray(), Serdes.ByteArray())
                .withCachingDisabled(), "count");
        topology.addStateStore(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore("counts"), Serdes.String(), Serdes.Long()), "count");

        Properties p = new Properties();
        p.put(StreamsConfig.APPLICATION_ID_CONFIG, topic + "-streams-" + ProcessHandle.current().pid() + "-" + pass);
        p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, flags.get("--brokers"));
        p.put(StreamsConfig.STATE_DIR_CONFIG, flags.get("--state"));
        p.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, flags.getOrDefault("--threads", "1"));
        p.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, flags.get("--commit-interval-ms"));
        p.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, Rocks.class);
        p.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 10_000);
        p.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        p.put(StreamsConfig.consumerPrefix("max.poll.records"), 5_000);
        p.put(StreamsConfig.consumerPrefix("max.partition.fetch.bytes"), 4 << 20);
        p.put(StreamsConfig.producerPrefix("linger.ms"), 100);
        p.put(StreamsConfig.producerPrefix("batch.size"), 256 << 10);
        p.put(StreamsConfig.producerPrefix("compression.type"), "lz4");
        AtomicReference<Throwable> failed = new AtomicReference<>();
        CountDownLatch stop = new CountDownLatch(1);
        Map<String, Long> apps = new HashMap<>();
        try (KafkaStreams streams = new KafkaStreams(topology, p)) {
            streams.setUncaughtExceptionHandler(e -> {
                failed.set(e);
                stop.countDown();
                return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
            });
            streams.start();
            while (done.get() < records && !stop.await(20, TimeUnit.MILLISECONDS)) {
                // counting
            }
            if (failed.get() != null) {
                throw new IllegalStateException("kafka streams failed", failed.get());
            }
            var counts = streams.store(StoreQueryParameters.fromNameAndType("counts", QueryableStoreTypes.<String, Long>keyValueStore()));
            try (KeyValueIterator<String, Long> all = counts.all()) { // of every partition: the sum is the app's
                all.forEachRemaining(kv -> {
                    int slash = kv.key.lastIndexOf('/');
                    if (kv.key.substring(slash + 1).equals(flags.get("--month"))) {
                        apps.merge(kv.key.substring(0, slash), kv.value, Long::sum);
                    }
                });
            }
            streams.close(Duration.ofMinutes(2));
            if (pass < passes) {
                streams.cleanUp(); // only the last pass's state is kept, and measured
            }
        }
        return new TreeMap<>(apps);
    }

    private static long records(String brokers, String topic) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", brokers))) {
            Map<TopicPartition, OffsetSpec> ends = new HashMap<>();
            admin.describeTopics(Set.of(topic)).allTopicNames().get().get(topic).partitions()
                    .forEach(p -> ends.put(new TopicPartition(topic, p.partition()), OffsetSpec.latest()));
            return admin.listOffsets(ends).all().get().values().stream().mapToLong(o -> o.offset()).sum();
        }
    }

    private Peer() {}
}

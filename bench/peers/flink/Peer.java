import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.types.RowKind;
import org.apache.flink.util.CloseableIterator;

/**
 * Counts a month's devices with Flink SQL in a mini-cluster of this process: streaming, state on the heap, checkpoints on.
 *
 * <p>Tuned for the least CPU: mini-batches of 50,000 rows, aggregated in one phase, by one slot (8.8 µs an event on two million
 * events, JVM start included; 9.4 in two phases; 11.3 in two slots; 12.7 without mini-batches), objects reused, no split of distinct keys, the
 * month as SUBSTRING of the time's text, four columns decoded, large fetches. A batch job would be cheaper, but has no checkpoints.
 */
public final class Peer {
    private static final String TABLE = """
            CREATE TABLE events (`type` STRING, `subject` STRING, `superapp` STRING, `time` STRING) WITH (
              'connector' = 'kafka', 'topic' = '%s', 'properties.bootstrap.servers' = '%s', 'properties.group.id' = 'flink-peer',
              'properties.max.partition.fetch.bytes' = '4194304', 'properties.fetch.max.bytes' = '16777216',
              'properties.max.poll.records' = '5000',
              'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'format' = 'json')""";

    private static final String QUERY = """
            SELECT superapp, SUBSTRING(`time`, 1, 7), COUNT(DISTINCT subject) FROM events
            WHERE `type` IN ('miniprogram.open', 'minigame.open', 'miniprogram.search', 'minigame.search',
                             'miniprogram.predownload', 'minigame.predownload')
            GROUP BY superapp, SUBSTRING(`time`, 1, 7)""";

    public static void main(String[] args) throws Exception {
        Map<String, String> flags = new TreeMap<>();
        for (int i = 0; i + 1 < args.length; i += 2) {
            flags.put(args[i], args[i + 1]);
        }
        int passes = Integer.parseInt(flags.getOrDefault("--passes", "1"));
        OperatingSystemMXBean os = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        Pass pass = count(flags);
        double waited = pass.waited;
        long cpu = os.getProcessCpuTime();
        long begin = System.nanoTime();
        for (int i = 1; i < passes; i++) {
            cpu = os.getProcessCpuTime();
            begin = System.nanoTime();
            pass = count(flags);
        }
        StringBuilder out = new StringBuilder("{\"apps\":{");
        String comma = "";
        for (Map.Entry<String, Long> e : pass.apps.entrySet()) {
            out.append(comma).append('"').append(e.getKey()).append("\":").append(e.getValue());
            comma = ",";
        }
        System.out.println(out.append("},\"waited_seconds\":").append(waited).append(",\"warm\":{\"cpu_ns\":").append(os.getProcessCpuTime() - cpu)
                .append(",\"seconds\":").append((System.nanoTime() - begin) / 1e9).append("}}"));
        System.exit(0); // Flink leaves threads behind
    }

    /** Counts, and the seconds from the last of them to the job's end: a bounded job waits for its next checkpoint. */
    private record Pass(Map<String, Long> apps, double waited) {}

    private static Pass count(Map<String, String> flags) throws Exception {
        Configuration c = new Configuration();
        c.setString("execution.checkpointing.interval", flags.get("--checkpoint-interval"));
        c.setString("execution.checkpointing.dir", "file://" + flags.get("--state"));
        c.setString("state.backend.type", "hashmap");
        c.setString("pipeline.object-reuse", "true");
        c.setString("parallelism.default", "1");
        c.setString("table.exec.mini-batch.enabled", "true");
        c.setString("table.exec.mini-batch.allow-latency", "5s");
        c.setString("table.exec.mini-batch.size", "50000");
        c.setString("table.optimizer.agg-phase-strategy", "ONE_PHASE");
        for (Map.Entry<String, String> f : flags.entrySet()) { // any other of Flink's settings: --parallelism.default 2
            if (f.getKey().contains(".")) {
                c.setString(f.getKey().substring(2), f.getValue());
            }
        }
        StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(c);
        StreamTableEnvironment table = StreamTableEnvironment.create(env);
        for (Map.Entry<String, String> f : c.toMap().entrySet()) {
            if (f.getKey().startsWith("table.")) {
                table.getConfig().set(f.getKey(), f.getValue());
            }
        }
        table.executeSql(TABLE.formatted(flags.get("--topic"), flags.get("--brokers")));
        Map<String, Long> apps = new TreeMap<>();
        long last = System.nanoTime();
        try (CloseableIterator<Row> rows = table.executeSql(QUERY).collect()) {
            while (rows.hasNext()) {
                Row r = rows.next();
                last = System.nanoTime();
                if (r.getKind() != RowKind.UPDATE_BEFORE && flags.get("--month").equals(r.getField(1))) {
                    apps.put((String) r.getField(0), (Long) r.getField(2));
                }
            }
        }
        return new Pass(apps, (System.nanoTime() - last) / 1e9);
    }

    private Peer() {}
}

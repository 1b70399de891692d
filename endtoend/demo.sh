#!/usr/bin/env bash
# A month of a million events, from the broker to the invoices: `make demo`. Everything lies in demo/, made anew each time.
#   EVENTS, DEVICES   how many (1000000, 150000)
#   PORT              of the embedded broker (19092)
set -euo pipefail
cd "$(dirname "$0")/.."
events=${EVENTS:-1000000} devices=${DEVICES:-150000} port=${PORT:-19092}
month=$(date -u -d "$(date -u +%Y-%m-01) -1 day" +%Y-%m 2>/dev/null || date -u -v1d -v-1d +%Y-%m)

rm -rf demo && mkdir -p demo
"${GO:-go}" build -trimpath -o demo/generate ./endtoend/generate
cp bin/ingest bin/rollup demo/
cd demo
PATH=$PWD:$PATH

show() { printf '\n\033[1m$ %s\033[0m\n' "$*"; }
did() { show "$@"; "$@"; }

cat >headcount.yaml <<EOF
billing: {time_zone: UTC, grace: 0s, from: $month}
kafka:
  brokers: [127.0.0.1:$port]
  topic: sdk-events
  embedded: {data_dir: data/kafka, partitions: 4}
EOF
cat >accounts.yaml <<EOF
accounts:
  - {id: acme, apps: [app-001, app-002], plan: tcmpp/pro, from: $month-01, overrides: {mau.free: "10000"}}
  - {id: bolt, apps: [app-003], plan: tcsas/professional, from: $month-01}
  - {id: crux, apps: [app-004], plan: chat/standard, from: $month-01, overrides: {mau.free: "500"}}
  - {id: dune, apps: [app-005, app-006], plan: mpaas/standard, from: $month-01}
EOF
show cat accounts.yaml
cat accounts.yaml

show "ingest broker &"
ingest broker --quiet &
broker=$!
trap 'kill $broker 2>/dev/null; wait $broker 2>/dev/null || true' EXIT
for _ in $(seq 100); do
	if (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
	kill -0 $broker || { echo "the broker ended: is port $port taken? PORT=… make demo" >&2; exit 1; }
	sleep 0.1
done

did ingest init
show "generate --month $month --events $events --devices $devices > events.ndjson"
generate --month "$month" --events "$events" --devices "$devices" >events.ndjson
show "ingest load events.ndjson      # three in a hundred records are odd on purpose, a quarter of them dead letters"
ingest load --quiet events.ndjson 2>warnings.txt
echo "$(wc -l <warnings.txt) lines of warnings, for instance:"
sed -n 1,3p warnings.txt
did ingest run --until-end --quiet
show "rollup close --month $month"
rollup close --month "$month" --quiet >closed.txt 2>warnings.txt || { cat closed.txt warnings.txt; exit 1; }
did rollup usage --month "$month"
did rollup invoices --month "$month"
did rollup verify --month "$month"
printf '\nAll of it lies in demo/: headcount.yaml, accounts.yaml, data/. Took %d s.\n' "$SECONDS"

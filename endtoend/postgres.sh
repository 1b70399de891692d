#!/usr/bin/env bash
# Runs a command with HEADCOUNT_POSTGRES set to the database of a PostgreSQL server that is started for it and removed after it.
# Where HEADCOUNT_POSTGRES is set already, that one is used. Without a server's programs it says so and ends well.
set -euo pipefail

if [[ -n "${HEADCOUNT_POSTGRES:-}" ]]; then
	exec "$@"
fi
bin=$(dirname "$(ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -1)")
if [[ ! -x "$bin/initdb" ]]; then
	bin=$(dirname "$(command -v initdb || echo /nowhere/initdb)")
fi
if [[ ! -x "$bin/initdb" ]]; then
	echo "SKIPPED: no PostgreSQL server here: install postgresql, or name a database in HEADCOUNT_POSTGRES=postgres://user@host/db"
	exit 0
fi

folder=$(mktemp -d)
as=()
if [[ $(id -u) == 0 ]]; then # the server refuses to run as root
	user=postgres
	id -u "$user" >/dev/null 2>&1 || user=nobody
	chown "$user" "$folder"
	as=(setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups env HOME="$folder")
fi
cd_run() { (cd "$folder" && "${as[@]}" "$@"); }
stop() {
	cd_run "$bin/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1 || true
	rm -rf "$folder"
}
trap stop EXIT
cd_run "$bin/initdb" -D "$folder/data" -U headcount -A trust -E UTF8 --locale=C --no-sync >"$folder/initdb.log" 2>&1 || {
	cat "$folder/initdb.log" >&2
	exit 1
}
# A port that another process has is not an error: the next try takes another, below those that the system gives to clients.
port=
for _ in {1..20}; do
	port=$((10000 + RANDOM % 20000))
	rm -f "$folder/server.log"
	if cd_run "$bin/pg_ctl" -D "$folder/data" -l "$folder/server.log" -w -t 300 -o "-p $port -k $folder -c listen_addresses=127.0.0.1 -c max_connections=200 -c fsync=off" start >/dev/null 2>&1; then
		break
	fi
	if ! grep -q "Address already in use" "$folder/server.log"; then
		cat "$folder/server.log" >&2
		exit 1
	fi
	port=
done
if [[ -z "$port" ]]; then
	cat "$folder/server.log" >&2
	exit 1
fi
export HEADCOUNT_POSTGRES="postgres://headcount@127.0.0.1:$port/postgres?sslmode=disable"
"$bin/postgres" --version
"$@"

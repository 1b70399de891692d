#!/usr/bin/env bash
# A backup of what Headcount cannot make again, and of what would take long: keys, configuration, ledger, state. For a state in a folder and
# a ledger of SQLite; with PostgreSQL and a bucket, theirs is taken by pg_dump and by the bucket's versions, in the same order.
#
#   backup.sh DATA FOLDER        DATA has guid.key, seal.key, seal.pub, ledger.db and state/; FOLDER must not exist
#
# It runs beside ingest and a close. The state goes first: a state that is older than the ledger is counted again from the log, one that is newer has
# sealed months that the ledger does not know.
set -euo pipefail
umask 077
data=$1 to=$2
[[ ! -e $to ]] || { echo "backup.sh: $to is there already" >&2; exit 2; }
mkdir -p "$to.part/state"
# Files are made once and never changed. One that goes while it is copied is of a checkpoint that a newer one has replaced.
for try in 1 2 3 4 5; do
	cp -R --update "$data/state/." "$to.part/state/" 2>"$to.part/log" && break
	[[ $try != 5 ]] || { cat "$to.part/log" >&2; exit 3; }
done
for file in ledger.db ledger.db-wal; do # the first two files of a ledger that is in use are a whole ledger; see its package
	[[ ! -e $data/$file ]] || cp -p "$data/$file" "$to.part/"
done
cp -p "$data"/*.key "$data"/*.pub "$to.part/"
rm -f "$to.part/log"
(cd "$to.part" && find . -type f ! -name SHA256SUMS -print0 | LC_ALL=C sort -z | xargs -0 sha256sum >SHA256SUMS)
sync
mv "$to.part" "$to"
echo "$to: $(wc -l <"$to/SHA256SUMS") files"

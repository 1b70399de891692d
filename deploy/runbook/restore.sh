#!/usr/bin/env bash
# Puts a backup of backup.sh back where nothing is: checked by its checksums first.
#
#   restore.sh FOLDER DATA       DATA must not have a ledger, keys or state
set -euo pipefail
umask 077
from=$1 data=$2
(cd "$from" && sha256sum --quiet --check SHA256SUMS) || { echo "restore.sh: $from is damaged: take another backup" >&2; exit 1; }
for name in guid.key seal.key ledger.db state; do
	[[ ! -e $data/$name ]] || { echo "restore.sh: $data/$name is there: move it away, and keep it" >&2; exit 2; }
done
mkdir -p "$data"
cp -Rp "$from/." "$data/"
rm "$data/SHA256SUMS"
echo "$data: restored; ingest run counts on from there"

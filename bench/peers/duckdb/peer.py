"""Counts a month's devices with DuckDB out of an NDJSON file: no broker, no checkpoints, nothing to go on from.

Tuned: the columns are named with their types, so that nothing is sniffed and the other members are passed over; the time is text;
a thread for each core; the order of rows is free. COUNT(DISTINCT) took less CPU than counting a SELECT DISTINCT (450 ns an event against 500).
DuckDB 1.1, 1.3 and 1.4 took as much as 2.0."""

import argparse
import json
import os

import duckdb

parser = argparse.ArgumentParser()
parser.add_argument("--file", required=True)
parser.add_argument("--month", required=True)
parser.add_argument("--threads", type=int, default=os.cpu_count())
args = parser.parse_args()

db = duckdb.connect(config={"threads": args.threads, "preserve_insertion_order": "false"})
rows = db.execute(
    """
    SELECT superapp, count(DISTINCT subject)
    FROM read_json(?, format = 'newline_delimited',
                   columns = {type: 'VARCHAR', subject: 'VARCHAR', superapp: 'VARCHAR', time: 'VARCHAR'})
    WHERE type IN ('miniprogram.open', 'minigame.open', 'miniprogram.search', 'minigame.search',
                   'miniprogram.predownload', 'minigame.predownload')
      AND substring(time, 1, 7) = ?
    GROUP BY superapp
    """,
    [args.file, args.month],
).fetchall()
print(json.dumps({"apps": dict(sorted(rows))}))

"""Counts a month's devices with DuckDB out of an NDJSON file: no broker, no checkpoints, nothing to go on from. Its settings, and
what was tried, stand in README.md."""

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

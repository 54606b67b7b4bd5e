"""Questions about 1,000,000 rows of 8 columns, against DuckDB and polars: from the text of a question to its answer, warm.

Our side is the table in a store on disk, opened once and mapped; theirs is the table in memory, each in its own default types.
Their `id` is a 64-bit number, which is less to copy than our 12 bytes.
"""

import datetime
import json
import os
import subprocess
import tempfile
import time

QUESTIONS = {
    "filter + count": (
        'match((F("few") == "c7") & (F("score") > 0.5)).count()',
        "SELECT count(*) FROM t WHERE few = 'c7' AND score > 0.5",
    ),
    "filter + ids": ('match(F("number") < 100)', "SELECT id FROM t WHERE number < 100"),
    "group-by count": ('count_values("few")', "SELECT few, count(*) AS n FROM t GROUP BY few ORDER BY n DESC"),
    "top 20 by a float": ('sort_by("score", reverse=True).limit(20)', "SELECT id FROM t ORDER BY score DESC LIMIT 20"),
    "string contains": ('match(F("many").contains_str("77")).count()', "SELECT count(*) FROM t WHERE contains(many, '77')"),
    "list length filter": ('match(F("items").length() >= 3).count()', "SELECT count(*) FROM t WHERE len(items) >= 3"),
    "bool and date filter": (
        'match(F("flag") & (F("day") > date(2021, 6, 1))).count()',
        "SELECT count(*) FROM t WHERE flag AND day > DATE '2021-06-01'",
    ),
    "mean of a float with nulls": ('mean("rare")', "SELECT avg(rare) FROM t"),
}


def table(rows):
    import numpy as np
    import pyarrow as pa

    rng = np.random.default_rng(51)
    few = np.array([f"c{i}" for i in range(20)])[rng.integers(0, 20, rows)]
    number = rng.integers(0, 1000, rows)
    lengths = rng.integers(0, 6, rows)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    items = pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array(rng.integers(0, 50, ends[-1])))
    days = np.datetime64("2020-01-01") + rng.integers(0, 1000, rows).astype("timedelta64[D]")
    folders = ["beach", "city", "forest"]
    many = [f"/data/{folders[i % 3]}/IMG_{n:03}_{i:07}.jpg" for i, n in enumerate(number)]
    return pa.table({
        "few": pa.array(few),
        "many": pa.array(many),
        "score": pa.array(rng.random(rows)),
        "number": pa.array(number),
        "flag": pa.array(rng.random(rows) < 0.3),
        "items": items,
        "day": pa.array(days, pa.date32()),
        "rare": pa.array(rng.random(rows), mask=rng.random(rows) < 0.2),
    })


def best(repeat, function):
    function()
    least = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        result = function()
        least = min(least, time.perf_counter() - start)
    return least, result


def with_polars(frame, name):
    import polars as pl

    lazy = frame.lazy()
    count = lambda where: lambda: lazy.filter(where).select(pl.len()).collect().item()
    return {
        "filter + count": count((pl.col("few") == "c7") & (pl.col("score") > 0.5)),
        "filter + ids": lambda: lazy.filter(pl.col("number") < 100).select("id").collect()["id"].to_numpy(),
        "group-by count": lambda: lazy.group_by("few").len().sort("len", descending=True).collect().rows(),
        "top 20 by a float": lambda: lazy.top_k(20, by="score").sort("score", descending=True).select("id").collect()["id"].to_numpy(),
        "string contains": count(pl.col("many").str.contains("77", literal=True)),
        "list length filter": count(pl.col("items").list.len() >= 3),
        "bool and date filter": count(pl.col("flag") & (pl.col("day") > datetime.date(2021, 6, 1))),
        "mean of a float with nulls": lambda: lazy.select(pl.col("rare").mean()).collect().item(),
    }[name]


def with_duckdb(connection, name):
    sql = QUESTIONS[name][1]
    if name in ("filter + ids", "top 20 by a float"):
        return lambda: connection.execute(sql).fetchnumpy()["id"]
    if name == "group-by count":
        return lambda: connection.execute(sql).fetchall()
    return lambda: connection.execute(sql).fetchone()[0]


def agrees(ours, theirs):
    """Whether an answer of ours says the same as one of theirs."""
    if isinstance(ours, dict) and "first" in ours:
        return ours["count"] == len(theirs) and [int(i, 16) for i in ours["first"]] == [int(i) for i in theirs[:20]]
    if isinstance(ours, dict):
        return ours == dict(theirs)
    return abs(ours - theirs) <= 1e-9 * abs(theirs)


def run(bench):
    os.environ["POLARS_MAX_THREADS"] = str(bench.threads)
    import duckdb
    import numpy as np
    import polars as pl
    import pyarrow as pa

    rows, repeat = (20_000, 3) if bench.quick else (1_000_000, 10)
    arrow = table(rows)
    with_ids = arrow.append_column("id", pa.array(np.arange(rows)))
    connection = duckdb.connect(config={"threads": bench.threads})
    connection.register("source", with_ids)
    connection.execute("CREATE TABLE t AS SELECT * FROM source")
    connection.unregister("source")
    frame = pl.from_arrow(with_ids)
    least, answers = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/table.arrow"
        with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, arrow.schema) as writer:
            writer.write_table(arrow)
        lines = "".join(f"{name}\t{text}\n" for name, (text, _) in QUESTIONS.items())
        command = [bench.examples / "query_table", path, str(repeat)]
        for _ in range(bench.rounds):
            out = subprocess.run(command, input=lines, check=True, capture_output=True, text=True).stdout
            measured = {(found["name"], "ours"): (found["seconds"], found["answer"]) for found in map(json.loads, out.splitlines())}
            for name in QUESTIONS:
                measured[name, "DuckDB"] = best(repeat, with_duckdb(connection, name))
                measured[name, "polars"] = best(repeat, with_polars(frame, name))
            for key, (seconds, answer) in measured.items():
                least[key] = min(seconds, least.get(key, seconds))
                answers[key] = answer
    for name in QUESTIONS:
        for peer in ("DuckDB", "polars"):
            quality = "same answer" if agrees(answers[name, "ours"], answers[name, peer]) else "ANOTHER ANSWER"
            bench.row(f"{name}, {rows} rows", peer, least[name, peer] * 1e3, least[name, "ours"] * 1e3, quality, unit="ms")

#!/usr/bin/python3
"""Prints what bench/measure.py measured as one table.

    report.py [--markdown] RESULT.json
"""

import argparse
import json
import statistics

# What is shown, of which measurement and field, in which unit, whether more is better, the peer.
ROWS = [
    ("trivial tasks, map + gather", "tasks", "per_second", "tasks/s", True, "dask"),
    ("submit to result, p50", "latency", "p50_us", "us", False, "dask"),
    ("submit to result, p99", "latency", "p99_us", "us", False, "dask"),
    ("10,000 futures, as_completed", "futures", "per_second", "futures/s", True, "dask"),
    ("scatter.map.gather.sink", "stream", "per_second", "elements/s", True, "streamz on dask"),
    ("the same, a map and two behind it", "branch", "per_second", "elements/s", True, "streamz on dask"),
    ("scatter.accumulate.gather.sink", "accumulate", "per_second", "elements/s", True, "streamz on dask"),
    ("six tasks, 1 MiB from each to the next", "chain", "per_second", "chains/s", True, "dask"),
    ("64 MiB to a worker and back", "bytes", "gib_per_second", "GiB/s", True, "dask"),
    ("local map.filter.accumulate.sink", "local", "per_second", "elements/s", True, "streamz"),
    ("the same, for each element", "local", "ns_per_element", "ns", False, "streamz"),
]
# In place of the peer: the same function in the thread that emits.
SHORT_ROWS = [("a function of 1 us, on two workers", "workers"),
              ("the same, local_when_short", "local_when_short")]
CORE_ROWS = [("scheduler core alone, 2 workers", "workers_2"),
             ("scheduler core alone, 10,000 workers", "workers_10000")]
HEADER = ("", "unit", "Penstock", "min .. max", "peer", "min .. max", "ratio", "peer is")


def number(value):
    if value >= 1000:
        return "{:,.0f}".format(value)
    return "{:.3g}".format(value) if value < 10 else "{:.1f}".format(value)


def median_and_spread(values):
    return number(statistics.median(values)), "%s .. %s" % (number(min(values)), number(max(values)))


def ratio(mine, theirs, more_is_better):
    """How many times better Penstock is, by the medians."""
    mine, theirs = statistics.median(mine), statistics.median(theirs)
    times = mine / theirs if more_is_better else theirs / mine
    return number(times) + " x"


def rows_of(result):
    for label, name, field, unit, more_is_better, who in ROWS:
        runs = result["runs"][name]
        mine = [run[field] for run in runs["penstock"]]
        theirs = [run[field] for run in runs["peer"]]
        counts = (runs["penstock"][0]["count"], runs["peer"][0]["count"])
        if counts[0] != counts[1]:
            who += ", {:,} instead of {:,}".format(counts[1], counts[0])
        yield (label, unit, *median_and_spread(mine), *median_and_spread(theirs),
               ratio(mine, theirs, more_is_better), who)
    for label, field in SHORT_ROWS:
        runs = result.get("own", {}).get("short", [])
        if runs:
            mine, here = [run[field] for run in runs], [run["local"] for run in runs]
            yield (label, "elements/s", *median_and_spread(mine), *median_and_spread(here), ratio(mine, here, True),
                   "map() in the same thread")
    for label, field in CORE_ROWS:
        values = [run[field] for run in result["core"] if field in run]
        if values:
            yield (label, "ns/task", *median_and_spread(values), "", "", "", "")


def plain(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) if i in (0, 1, len(row) - 1) else cell.rjust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join(lines)


def markdown(rows):
    alignment = ["---", "---"] + ["---:"] * (len(rows[0]) - 3) + ["---"]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + "|".join(alignment) + "|")
    return "\n".join(lines)


def conditions(result):
    machine, versions = result["machine"], result["versions"]
    mine, peers, packages = versions["penstock"], versions["peers"], versions["packages"]
    return [
        "{}, {} cores, {} GiB, {}; load {:.1f} before, {:.1f} after; {}".format(
            machine["cpu"], machine["cores"], machine["memory_gib"], machine["system"],
            machine["load_before"], machine["load_after"], result["time"]),
        "Penstock {} ({}), {}, {}; {}".format(
            mine["penstock"], mine["commit"] or "no commit", mine["compiler"], mine["build"],
            ", ".join(" ".join(item) for item in packages.items())),
        "Python {}, distributed {}, streamz {}, tornado {}, msgpack {}".format(
            *(peers[key] for key in ("python", "distributed", "streamz", "tornado", "msgpack"))),
        "Two worker processes of one thread on either side. Medians of {} repetitions, Penstock and peer in "
        "turns. Ratio: how many times better Penstock is.".format(result["repetitions"]),
        "GiB/s counts both ways; Penstock runs a task on the bytes in between, dask only stores them.",
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("result", help="a file that measure.py wrote")
    options = parser.parse_args()
    with open(options.result) as file:
        result = json.load(file)
    rows = [HEADER, *rows_of(result)]
    print(markdown(rows) if options.markdown else plain(rows))
    print()
    for line in conditions(result):
        print(("- " if options.markdown else "") + line)


if __name__ == "__main__":
    main()

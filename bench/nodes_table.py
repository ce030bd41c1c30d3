#!/usr/bin/python3
"""Runs nodes_bench and writes what each node costs as a Markdown table.

    nodes_table.py --build FOLDER [--quick] FILE

FOLDER is the release build. Figures are medians of the repetitions, which are taken in random order.
"""

import argparse
import datetime
import json
import os
import re
import resource
import shlex
import statistics
import subprocess
import sys

import measure

HEAD = """# What each node costs

Nanoseconds and heap allocations for one element that is emitted. Each figure is that of a whole pipeline, with its
source and a sink that counts: `sink` and `from_iterable` are pipelines of nothing else, to be subtracted. Elements
are of type `long`. Made by `bench/nodes.sh`, which overwrites this page.
"""

# First words of a benchmark's name, in the order of the page, and what the group is.
GROUPS = [
    ("emit", "Emitted on the caller's thread, without a loop"),
    ("chain", "Chains of maps"),
    ("branch", "Branches: one emit, for all of them together"),
    ("policy", "Error policies of map"),
    ("join", "Joins: half of the elements come from each side"),
    ("window", "window(n): for each element, whatever n"),
    ("keyed_window", "window(n).by(key), 100 keys"),
    ("time_window", "window(time) that has n elements, 1000 of which come each millisecond, in virtual time"),
    ("sink", "Sinks that keep or write"),
    ("virtual_time", "With time: 1000 elements in each millisecond of a virtual loop"),
    ("loop", "On an asio::io_context, from inside"),
    ("thread", "From another thread than the loop's"),
]

# Benchmarks that have an aim: its text, and the most nanoseconds and allocations it allows.
AIMS = {
    "emit/map.filter.accumulate": ("5 ns, no allocation", 5, 0),
    "loop/buffer(1024)": ("60 ns for the hop", 60, None),
    "virtual_time/timed_window(1 ms)": ("30 ns", 30, None),
    "thread/async_emit, batches of 1000": ("500 ns (2 million a second)", 500, None),
    "thread/emit": ("5 us (200,000 a second)", 5000, None),
}
SLOPE_AIM = ("1.5 ns, no allocation", 1.5, 0)


def run(binary, quick):
    repetitions, min_time = (2, 0.02) if quick else (5, 0.1)
    output = measure.output_of([
        binary, "--benchmark_format=json", "--benchmark_repetitions=%d" % repetitions,
        "--benchmark_min_time=%g" % min_time, "--benchmark_enable_random_interleaving=true",
    ], timeout_s=1800)
    return json.loads(output)["benchmarks"], repetitions


def medians(benchmarks):
    """Name -> nanoseconds and allocations for each element, in the order of the benchmarks."""
    values = {}
    for one in benchmarks:
        if one["run_type"] == "aggregate":
            continue
        name = re.sub(r"/(real_time|iterations:\d+)", "", one["run_name"])
        values.setdefault((one["family_index"], one["per_family_instance_index"], name), []).append(
            (1e9 / one["items_per_second"], one["allocs"]))
    return {
        key[-1]: tuple(statistics.median(column) for column in zip(*runs))
        for key, runs in sorted(values.items())
    }


def slope(figures):
    """What one more map costs, by the chains of 1 to 8."""
    ends = [figures["chain/maps:%d" % count] for count in (1, 8)]
    return tuple((last - first) / 7 for first, last in zip(*ends))


def nanoseconds(value):
    return "{:,.0f}".format(value) if value >= 100 else "{:.1f}".format(value)


def allocations(value):
    return "0" if value < 0.0005 else "{:.3f}".format(value) if value < 0.1 else "{:.1f}".format(value)


def meets(figures, aim):
    _, most_ns, most_allocations = aim
    few = most_allocations is None or figures[1] < most_allocations + 0.0005
    return figures[0] <= most_ns and few


def row(name, figures, aim):
    text = aim[0] + (": met" if meets(figures, aim) else ": **not met**") if aim else ""
    return "| %s | %s | %s | %s |" % (name, nanoseconds(figures[0]), allocations(figures[1]), text)


def table(group, figures):
    lines = ["| | ns | allocations | aim |", "|---|---:|---:|---|"]
    for name, value in figures.items():
        first, _, rest = name.partition("/")
        if first == group:
            lines.append(row(rest.replace(":", " = "), value, AIMS.get(name)))
    if group == "chain":
        lines.append(row("one more map", slope(figures), SLOPE_AIM))
    return lines


def check_complete(figures):
    known = {group for group, _ in GROUPS}
    lost = [name for name in figures if name.partition("/")[0] not in known]
    lost += [name for name in AIMS if name not in figures]
    if lost:
        raise SystemExit("in no group, or an aim without a benchmark: " + ", ".join(lost))


def conditions(repetitions, load):
    machine, packages = measure.machine(), measure.package_versions("libasio-dev", "g++")
    return [
        "- {}, {} cores, {}; load {:.1f} before, {:.1f} after; {}".format(
            machine["cpu"], machine["cores"], machine["system"], load, os.getloadavg()[0],
            datetime.date.today().isoformat()),
        "- Penstock {}, release build; {}".format(
            measure.commit(), ", ".join(" ".join(item) for item in packages.items())),
        "- Medians of {} repetitions, in random order".format(repetitions),
    ]


def idle(build, quick):
    """What idle streams cost, as a section."""
    arguments = ["10000", "1"] if quick else ["100000", "5"]
    output = measure.output_of([os.path.join(build, "bench/idle_bench"), *arguments], timeout_s=600)
    lines = ["", "## {:,} idle streams on one loop thread".format(int(arguments[0])), "",
             "Each is a graph of its own, source, node and sink, and has had one element. In one kind it is a branch, node "
             "and sink,", "of a source that has a hundred.", "",
             "| | percent of a core, all together | bytes each | aim |", "|---|---:|---:|---|"]
    for line in output.splitlines():
        one = json.loads(line)
        met = one["cpu_percent_of_a_core"] < 1 and one["bytes_each"] < 1024
        aim = "" if one["idle"] == "source and sink" else "1 %, 1024 bytes: " + ("met" if met else "**not met**")
        lines.append("| {} | {:.3f} | {:,.0f} | {} |".format(
            one["idle"], one["cpu_percent_of_a_core"], one["bytes_each"], aim))
    return lines


def compile_time(build, quick):
    """What the compiler takes for a program with twenty nodes, as a section."""
    with open(os.path.join(build, "compile_commands.json")) as file:
        command = next(one for one in json.load(file) if one["file"].endswith("bench/twenty_nodes.cpp"))
    arguments = shlex.split(command["command"])
    if arguments[0].endswith("ccache"):
        arguments = arguments[1:]
    arguments[arguments.index("-o") + 1] = "/dev/null"
    seconds = []
    for _ in range(1 if quick else 5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(arguments, cwd=command["directory"], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    took = statistics.median(seconds)
    return ["", "## Compile time", "",
            "bench/twenty_nodes.cpp, a program with twenty different nodes: {:.1f} s of processor time, optimised, "
            "without a".format(took), "precompiled header. Aim 8 s: {}.".format("met" if took <= 8 else "**not met**")]


def page(figures, repetitions, load, rest):
    lines = [HEAD, *conditions(repetitions, load)]
    for group, title in GROUPS:
        lines += ["", "## " + title, "", *table(group, figures)]
    return "\n".join(lines + rest) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True, help="the folder of the release build")
    parser.add_argument("--quick", action="store_true", help="2 short repetitions instead of 5")
    parser.add_argument("file", help="where to write")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    benchmarks, repetitions = run(os.path.join(options.build, "bench/nodes_bench"), options.quick)
    figures = medians(benchmarks)
    check_complete(figures)
    rest = idle(options.build, options.quick) + compile_time(options.build, options.quick)
    with open(options.file, "w") as file:
        file.write(page(figures, repetitions, load, rest))
    missed = [name for name, aim in AIMS.items() if not meets(figures[name], aim)]
    if missed:
        print("aims that are not met: " + "; ".join(missed), file=sys.stderr)


if __name__ == "__main__":
    main()

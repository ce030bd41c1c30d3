#!/usr/bin/python3
"""Runs Penstock and its peers one after the other and writes what they measured as JSON.

    measure.py --bin FOLDER [--json FILE] [--quick]

FOLDER holds penstock_bench and scheduler_core_bench. Each measurement is a process of its own, and the
two sides take turns (Penstock, peer, Penstock, peer, ...), so that what else the machine does meets both.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

# Command, then how many tasks, elements or round trips: Penstock, peer; and the same with --quick. A peer gets
# fewer where it would take minutes.
MEASUREMENTS = [
    ("tasks", (100_000, 5_000), (100_000, 1_000)),
    ("latency", (2_000, 500), (1_000, 100)),
    ("futures", (10_000, 10_000), (10_000, 1_000)),
    ("stream", (100_000, 1_000), (100_000, 300)),
    ("branch", (100_000, 500), (100_000, 150)),
    ("accumulate", (100_000, 1_000), (100_000, 300)),
    ("chain", (200, 200), (100, 50)),
    ("bytes", (4, 4), (2, 2)),
    ("local", (10_000_000, 100_000), (5_000_000, 50_000)),
]
# The same of what has no peer but the thread that emits: a function that takes as long as a task costs on its way.
OWN = [("short", 500_000, 100_000)]
TIMEOUT_S = 300


def say(text):
    print("==> " + text, file=sys.stderr, flush=True)


def output_of(command, timeout_s=TIMEOUT_S):
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout_s
    )
    if done.returncode != 0:
        sys.stderr.write(done.stderr)
        raise SystemExit("failed with %d: %s" % (done.returncode, " ".join(command)))
    return done.stdout


def result_of(command):
    """The last line of JSON; programs may print other things."""
    lines = [line for line in output_of(command).splitlines() if line.startswith("{")]
    if not lines:
        raise SystemExit("no result: " + " ".join(command))
    return json.loads(lines[-1])


def peer(*arguments):
    # Debian's Python, which has Debian's packages, whatever else comes first in PATH.
    return ["/usr/bin/python3", "-W", "ignore", os.path.join(HERE, "peers.py"), *arguments]


def measure_core(binary, quick):
    """Nanoseconds of the scheduler core for each task, by Google Benchmark."""
    report = json.loads(
        output_of([
            binary,
            "--benchmark_filter=Throughput/workers:(2|10000)/in_flight:1000$",
            "--benchmark_format=json",
            "--benchmark_min_time=%s" % (0.1 if quick else 0.5),
        ])
    )
    return {
        "workers_%d" % (2 if "workers:2/" in run["name"] else 10_000): run["cpu_time"]
        for run in report["benchmarks"]
    }


def cpu_model():
    with open("/proc/cpuinfo") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def package_versions(*names):
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *names],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )
    return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)


def commit():
    done = subprocess.run(
        ["git", "-C", HERE, "describe", "--always", "--dirty"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )
    return done.stdout.strip()


def machine():
    return {
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "load_before": os.getloadavg()[0],
    }


def measure(binaries, repetitions, quick):
    bench = os.path.join(binaries, "penstock_bench")
    result = {
        "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": {
            "penstock": {**result_of([bench, "version"]), "commit": commit()},
            "peers": result_of(peer("version")),
            "packages": package_versions("libgrpc++1.51", "libprotobuf32", "libasio-dev"),
        },
        "repetitions": repetitions,
        "runs": {name: {"penstock": [], "peer": []} for name, _, _ in MEASUREMENTS},
        "own": {name: [] for name, _, _ in OWN},
        "core": [],
    }
    for repetition in range(repetitions):
        for name, counts, quick_counts in MEASUREMENTS:
            mine, theirs = quick_counts if quick else counts
            say("%d of %d: %s" % (repetition + 1, repetitions, name))
            runs = result["runs"][name]
            runs["penstock"].append(result_of([bench, name, str(mine)]))
            runs["peer"].append(result_of(peer(name, str(theirs))))
        for name, count, quick_count in OWN:
            say("%d of %d: %s" % (repetition + 1, repetitions, name))
            result["own"][name].append(result_of([bench, name, str(quick_count if quick else count)]))
        core = os.path.join(binaries, "scheduler_core_bench")
        if os.path.exists(core):
            result["core"].append(measure_core(core, quick))
    result["machine"]["load_after"] = os.getloadavg()[0]
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", required=True, help="the folder of the built benchmarks")
    parser.add_argument("--json", help="where to write (default: standard output)")
    parser.add_argument("--quick", action="store_true", help="2 short repetitions instead of 5")
    options = parser.parse_args()
    result = measure(options.bin, 2 if options.quick else 5, options.quick)
    text = json.dumps(result, indent=2) + "\n"
    if options.json:
        with open(options.json, "w") as file:
            file.write(text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()

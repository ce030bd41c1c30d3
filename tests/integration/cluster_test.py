#!/usr/bin/env python3
"""Whole clusters of real processes: each case starts a scheduler, workers and the demo, and breaks
something. cluster_test.py --build DIR CASE runs one; `--list` names them.

Everything is waited for with a deadline, ports are free ones, and every process that was started is
gone at the end.
"""

import argparse
import collections
import gzip
import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DEADLINE = 60.0


def wait_until(condition, what, seconds=DEADLINE):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s for {what}")


def alive(pid):
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat", encoding="utf8") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def descendants(pid):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[1]) == pid:
                found += [int(entry.name)] + descendants(int(entry.name))
    return found


class Process:
    """A program whose standard error goes to a file that tests can read while it runs."""

    def __init__(self, folder, name, command, env=None):
        self.name = name
        self.log_path = pathlib.Path(folder) / f"{name}-{time.monotonic_ns()}.log"
        self.out_path = self.log_path.with_suffix(".out")
        with open(self.log_path, "wb") as log, open(self.out_path, "wb") as out:
            self.process = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=out, stderr=log,
                env={**os.environ, **(env or {})}, start_new_session=True)

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        return self.log_path.read_text(errors="replace")

    def out(self):
        return self.out_path.read_text(errors="replace")

    def wait_for_log(self, pattern, seconds=DEADLINE):
        def look():
            match = re.search(pattern, self.log())
            if match is None and self.process.poll() is not None:
                raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.log()}")
            return match
        return wait_until(look, f"{pattern!r} in the log of {self.name}", seconds)

    def wait(self, seconds=DEADLINE):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} still runs after {seconds} s:\n{self.log()}") from None

    def kill(self, number=signal.SIGKILL):
        if self.process.poll() is None:
            os.kill(self.pid, number)

    def children(self):
        return descendants(self.pid)


class Cluster:
    def __init__(self, build):
        self.build = pathlib.Path(build).resolve()
        self.folder = tempfile.TemporaryDirectory()
        self.started = []
        self.scheduler_bin = self.build / "scheduler/penstock-scheduler"
        self.worker_bin = self.build / "worker/penstock-worker"
        self.demo_bin = self.build / "examples/demo/penstock-demo"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pids = [pid for process in self.started for pid in [process.pid, *process.children()]]
        for process in self.started:
            process.kill(signal.SIGTERM)
        for process in self.started:
            try:
                process.process.wait(3)
            except subprocess.TimeoutExpired:
                process.kill()
                process.process.wait()
        wait_until(lambda: not any(alive(pid) for pid in pids), "all processes to be gone", 5)
        self.folder.cleanup()

    def start(self, name, command, env=None):
        process = Process(self.folder.name, name, command, env)
        self.started.append(process)
        return process

    def scheduler(self, *options, port=0, env=None):
        process = self.start("scheduler", [self.scheduler_bin, "--port", port,
                                           "--dashboard-port", 0, *options], env)
        self.address = process.wait_for_log(r"clients and workers: (\S+)").group(1)
        self.dashboard = process.wait_for_log(r"dashboard: (http://\S+?)/status").group(1)
        return process

    def worker(self, name, *options, app=None, env=None):
        return self.start(name, [self.worker_bin, "--scheduler", self.address, "--name", name,
                                 "--threads", 1, *options, "--app", app or self.demo_bin], env)

    def workers(self, count=2):
        return [self.worker(f"worker-{n}") for n in range(1, count + 1)]

    def demo(self, path, *options, workers=2, env=None):
        return self.start("demo", [self.demo_bin, "--scheduler", self.address, "--json",
                                   "--wait-for-workers", workers, *options, path], env)

    def status(self):
        with urllib.request.urlopen(self.dashboard + "/api/v1/status", timeout=10) as answer:
            return json.load(answer)

    def wait_for_done(self, tasks):
        wait_until(lambda: tasks_done(self.status()) >= tasks, f"{tasks} tasks done")


def tasks_done(status):
    return find_key(status, "done")


def find_key(value, key):
    """The first number called `key`, outermost first."""
    level = [value]
    while level:
        for each in level:
            if isinstance(each, dict) and isinstance(each.get(key), (int, float)):
                return each[key]
        level = [inner for each in level if isinstance(each, (dict, list))
                 for inner in (each.values() if isinstance(each, dict) else each)]
    raise AssertionError(f"no {key} in the status")


class Words:
    """Generated files and, counted independently of the demo, their totals."""

    def __init__(self, folder, files, size=40_000, bad=0):
        rng = random.Random(7)
        vocabulary = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(1, 9)))
                      for _ in range(3000)]
        texts = []
        for _ in range(20):
            words = rng.choices(vocabulary, k=size // 6)
            texts.append((" ".join(words) + " 12,MiXeD_case;\n").encode())
        counts = [collections.Counter(w.decode().lower() for w in re.findall(rb"[A-Za-z]+", t))
                  for t in texts]
        self.path = pathlib.Path(folder) / "words"
        self.path.mkdir()
        total = collections.Counter()
        self.bytes = 0
        for n in range(files):
            text = texts[n % len(texts)]
            zipped = n % 10 == 0
            name = f"{n:06}.txt" + (".gz" if zipped else "")
            (self.path / name).write_bytes(gzip.compress(text, 1) if zipped else text)
            total += counts[n % len(texts)]
            self.bytes += len(text)
        for n in range(bad):
            (self.path / f"bad{n}.gz").write_bytes(b"this is no gzip file")
        self.files, self.skipped = files, bad
        self.words = sum(total.values())
        self.distinct = len(total)
        self.top = [[w, c] for w, c in sorted(total.items(), key=lambda kv: (-kv[1], kv[0]))[:10]]

    def check(self, demo):
        assert demo.wait(120) == 0, demo.log()
        result = json.loads(demo.out().splitlines()[-1])
        expected = {"files": self.files, "skipped": self.skipped, "bytes": self.bytes,
                    "words": self.words, "distinct": self.distinct, "top": self.top}
        got = {key: result[key] for key in expected}
        assert got == expected, f"\nexpected {expected}\ngot      {got}\n{demo.log()}"
        return result


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# ---- the cases ----------------------------------------------------------------------------------


def counts_files_and_skips_bad_ones(cluster):
    words = Words(cluster.folder.name, 200, bad=3)
    cluster.scheduler()
    cluster.workers()
    demo = cluster.demo(words.path)
    result = words.check(demo)
    assert result["seconds"] > 0 and result["seconds_single"] > 0
    assert demo.log().count("skipped: ") == 3, demo.log()
    assert "no gzip file" in demo.log()


def survives_kill_9_of_a_workers_child(cluster):
    words = Words(cluster.folder.name, 3000)
    cluster.scheduler()
    workers = cluster.workers()
    demo = cluster.demo(words.path, "--no-single")
    cluster.wait_for_done(200)
    victim = workers[0].children()[0]
    os.kill(victim, signal.SIGKILL)
    workers[0].wait_for_log("signal 9")
    assert demo.process.poll() is None, "the demo was over before the kill"
    words.check(demo)


def survives_kill_9_of_a_worker_and_its_supervisor(cluster):
    words = Words(cluster.folder.name, 3000)
    cluster.scheduler()
    workers = cluster.workers()
    demo = cluster.demo(words.path, "--no-single")
    cluster.wait_for_done(200)
    children = workers[1].children()
    workers[1].kill()
    wait_until(lambda: not any(alive(pid) for pid in children), "the child to die with it", 5)
    assert demo.process.poll() is None, "the demo was over before the kill"
    words.check(demo)


def survives_kill_9_of_the_scheduler(cluster):
    words = Words(cluster.folder.name, 3000)
    port = free_port()
    scheduler = cluster.scheduler(port=port)
    cluster.workers()
    demo = cluster.demo(words.path, "--no-single")
    cluster.wait_for_done(200)
    scheduler.kill()
    scheduler.wait()
    assert demo.process.poll() is None, "the demo was over before the kill"
    cluster.scheduler(port=port)
    words.check(demo)
    assert "lost the scheduler" in demo.log(), demo.log()


def fails_a_connection_within_its_timeout_naming_the_address(cluster):
    demo = cluster.start("demo", [cluster.demo_bin, "--scheduler", "127.0.0.1:1", "/etc/hostname"])
    begin = time.monotonic()
    assert demo.wait(15) == 1
    assert time.monotonic() - begin < 10
    assert "no scheduler at 127.0.0.1:1" in demo.log(), demo.log()


def refuses_a_worker_of_another_build(cluster):
    cluster.scheduler("--code-timeout", "0.5")
    # Another program of the same project: it has tasks, but not the demo's.
    cluster.worker("stranger", app=cluster.build / "tests/client/client_test")
    demo = cluster.demo("/etc/hostname", "--no-single", workers=1)
    demo.wait(30)
    log = demo.log()
    assert "code not available" in log and "which no worker has" in log, log
    assert "penstock-demo" in log and "client_test" in log, log
    assert "Start the workers with this build of the program (--app), or load its library there (--load)." in log, log


def explains_a_program_without_init(cluster):
    cluster.scheduler()
    worker = cluster.start("worker", [cluster.worker_bin, "--scheduler", cluster.address, "--app",
                                      cluster.build / "tests/integration/no_init"])
    worker.wait_for_log("call penstock::init\\(\\) first thing in main\\(\\)", 30)
    program = cluster.start("program", [cluster.build / "tests/integration/no_init", "local"])
    assert program.wait(30) == 1
    assert "main() must begin with penstock::init()" in program.log(), program.log()


def runs_a_pipeline_of_a_library_that_both_sides_load(cluster):
    library = cluster.build / "tests/integration/libpipeline_plugin.so"
    cluster.scheduler()
    cluster.start("worker", [cluster.worker_bin, "--scheduler", cluster.address, "--load", library])
    program = cluster.start("program", [cluster.build / "tests/integration/plugin_program",
                                        cluster.address, library])
    assert program.wait(30) == 0, program.log()
    assert program.out() == "328350\n", program.out()


def refuses_what_only_the_client_has_loaded(cluster):
    cluster.scheduler("--code-timeout", "0.5")
    cluster.worker("worker-1")
    program = cluster.start("program", [cluster.build / "tests/integration/plugin_program",
                                        cluster.address,
                                        cluster.build / "tests/integration/libpipeline_plugin.so"])
    assert program.wait(30) == 1, program.out()
    assert "code not available" in program.log(), program.log()
    assert "libpipeline_plugin.so" in program.log() and "--load" in program.log(), program.log()


def runs_a_task_by_its_name(cluster):
    cluster.scheduler()
    cluster.start("worker", [cluster.worker_bin, "--scheduler", cluster.address, "--load",
                             cluster.build / "tests/integration/libpipeline_plugin.so"])
    program = cluster.start("program", [cluster.build / "tests/integration/by_name", cluster.address,
                                        "plugin.cube"])
    assert program.wait(30) == 0, program.log()
    assert program.out() == "1\n8\n27\n64\n", program.out()


def names_the_tasks_there_are(cluster):
    cluster.scheduler("--code-timeout", "0.5")
    cluster.start("worker", [cluster.worker_bin, "--scheduler", cluster.address, "--load",
                             cluster.build / "tests/integration/libpipeline_plugin.so"])
    program = cluster.start("program", [cluster.build / "tests/integration/by_name", cluster.address,
                                        "plugin.square"])
    assert program.wait(30) == 1, program.out()
    assert "no task named 'plugin.square' on the workers" in program.log(), program.log()
    assert "Named tasks there: plugin.cube." in program.log(), program.log()


def says_when_there_is_nothing_to_count(cluster):
    cluster.scheduler()
    cluster.workers(1)
    demo = cluster.demo("/does/not/exist", workers=1)
    assert demo.wait(30) == 1, demo.out()
    assert "/does/not/exist: No such file" in demo.log() and "no file to count" in demo.log(), demo.log()


def says_which_port_is_taken(cluster):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for flag in ("--port", "--dashboard-port"):
            options = ["--port", "0"] if flag == "--dashboard-port" else ["--no-dashboard"]
            scheduler = cluster.start("scheduler", [cluster.scheduler_bin, flag, port, *options])
            assert scheduler.wait(15) == 1
            assert str(port) in scheduler.log(), scheduler.log()
            assert flag in scheduler.log(), scheduler.log()


def takes_the_next_port_when_8787_is_taken(cluster):
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind(("127.0.0.1", 8787))
        taken.listen()
    except OSError:
        pass  # somebody else has it: just as good
    with taken:
        scheduler = cluster.start("scheduler", [cluster.scheduler_bin, "--port", "0"])
        url = scheduler.wait_for_log(r"dashboard: (http://\S+:(\d+)/status)")
        assert int(url.group(2)) > 8787, url.group(1)
        with urllib.request.urlopen(url.group(1), timeout=10) as page:
            assert page.status == 200


def outlives_garbage_on_its_ports(cluster):
    scheduler = cluster.scheduler()
    host, port = cluster.address.rsplit(":", 1)
    noise = random.Random(1)
    for _ in range(20):
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(noise.randbytes(4000))
    web = int(cluster.dashboard.rsplit(":", 1)[1])
    with socket.create_connection((host, web), timeout=10) as connection:
        try:
            connection.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 1_000_000 + b"\r\n\r\n")
            connection.recv(1000)
        except OSError:
            pass  # dropped in the middle
    wait_until(lambda: "dashboard" in scheduler.log().split("/status", 1)[1], "a line in the log", 10)
    assert "it does not speak HTTP/2" in scheduler.log(), scheduler.log()

    def metrics():
        with urllib.request.urlopen(cluster.dashboard + "/metrics", timeout=10) as page:
            return page.read().decode()

    # The scheduler reads what was sent in its own time.
    wait_until(lambda: "penstock_dropped_connections_total 20\n" in metrics(), "a count of 20 connections", 10)
    assert "penstock_http_dropped_requests_total 1\n" in metrics(), metrics()
    words = Words(cluster.folder.name, 50)
    cluster.workers()
    words.check(cluster.demo(words.path))


def wants_its_token(cluster):
    secret = {"PENSTOCK_TOKEN": "open sesame"}
    refused = cluster.start("scheduler", [cluster.scheduler_bin, "--address", "0.0.0.0", "--port", 0])
    assert refused.wait(15) == 1 and "without a token" in refused.log(), refused.log()
    scheduler = cluster.scheduler(env=secret)
    stranger = cluster.demo("/etc/hostname", workers=0, env={"PENSTOCK_TOKEN": "wrong"})
    assert stranger.wait(15) == 1
    assert "token" in stranger.log() and "PENSTOCK_TOKEN" in stranger.log(), stranger.log()
    worker = cluster.worker("no-token")
    assert worker.wait(15) != 0 and "token" in worker.log(), worker.log()
    assert "wrong token" in scheduler.log(), scheduler.log()
    words = Words(cluster.folder.name, 20)
    for n in (1, 2):
        cluster.worker(f"worker-{n}", env=secret)
    words.check(cluster.demo(words.path, env=secret))


def stops_everything_on_ctrl_c(cluster):
    words = Words(cluster.folder.name, 3000)
    demo = cluster.start("demo.sh", [SOURCE / "demo.sh", words.path],
                         env={"PENSTOCK_BUILD": str(cluster.build)})
    wait_until(lambda: "files/s" in demo.out(), "the first line of figures")
    pids = [demo.pid, *demo.children()]
    assert len(pids) >= 6, pids
    begin = time.monotonic()
    os.killpg(demo.pid, signal.SIGINT)  # as a terminal does
    wait_until(lambda: not any(alive(pid) for pid in pids), "all to stop", 4)
    assert time.monotonic() - begin < 2.0, f"it took {time.monotonic() - begin:.1f} s"
    assert demo.wait() == 130


def runs_the_demo_script_with_json_on_its_last_line(cluster):
    words = Words(cluster.folder.name, 100, bad=1)
    demo = cluster.start("demo.sh", [SOURCE / "demo.sh", "--json", words.path],
                         env={"PENSTOCK_BUILD": str(cluster.build)})
    words.check(demo)
    assert len(demo.out().splitlines()) == 1, demo.out()
    assert re.search(r"dashboard: http://127\.0\.0\.1:\d+/status", demo.log())


def shows_a_running_stream_in_a_browser(cluster):
    words = Words(cluster.folder.name, 6000)
    cluster.scheduler()
    cluster.workers()
    test = SOURCE / "tests/integration/dashboard_browser_test.py"
    demo = cluster.demo(words.path)
    cluster.wait_for_done(50)
    browser = cluster.start("browser", [sys.executable, test, cluster.dashboard + "/status"])
    end = time.monotonic() + 100
    while browser.process.poll() is None and time.monotonic() < end:
        # One stream may be over before the browser has seen enough of it.
        if demo.process.poll() is not None:
            words.check(demo)
            demo = cluster.demo(words.path)
        time.sleep(0.05)
    assert browser.wait(0) == 0, browser.out() + browser.log()
    words.check(demo)


def cases_of(names):
    return {name: case for name, case in list(names.items())
            if callable(case) and getattr(case, "__code__", None) is not None
            and case.__code__.co_varnames[:1] == ("cluster",) and case.__code__.co_argcount == 1}


def main(cases):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("case", nargs="?", choices=cases)
    options = parser.parse_args()
    if options.list or not options.case:
        print("\n".join(cases))
        return
    with Cluster(options.build) as cluster:
        cases[options.case](cluster)
    print(f"{options.case}: ok")


if __name__ == "__main__":
    main(cases_of(globals()))

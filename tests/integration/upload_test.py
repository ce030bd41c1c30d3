#!/usr/bin/env python3
"""Clusters of real processes that run the program of a client: upload_test.py --build DIR CASE runs one case."""

import os
import re
import signal
import subprocess

import cluster_test
from cluster_test import free_port, tasks_done


def uploader(cluster, tasks, *options):
    return cluster.start("uploader", [cluster.build / "tests/integration/uploader", cluster.address, tasks, *options])


def host(cluster, scheduler, name, app=True):
    """A worker that accepts programs, when the scheduler knows it."""
    command = [cluster.worker_bin, "--scheduler", cluster.address, "--name", name, "--threads", 1, "--accept-uploads"]
    worker = cluster.start(name, command + (["--app", cluster.demo_bin] if app else []))
    scheduler.wait_for_log(f"host '{name}' accepts programs")
    return worker


def build_id(program):
    notes = subprocess.run(["readelf", "-n", program], capture_output=True, text=True, check=True).stdout
    return re.search(r"Build ID: ([0-9a-f]+)", notes).group(1)


def runs_a_program_that_only_its_client_has(cluster):
    scheduler = cluster.scheduler("--code-timeout", "30")
    cluster.worker("worker-1")
    accepting = host(cluster, scheduler, "worker-2")
    assert "--accept-uploads: whoever may submit work to the scheduler at" in accepting.log(), accepting.log()
    runs = [uploader(cluster, 20) for _ in range(2)] + [uploader(cluster, 20, "keep")]
    for program in runs:  # of the last one workers are there by now, or soon
        assert program.wait(60) == 0, program.log() + scheduler.log()
        place, count = program.out().splitlines()
        worker, file, build = place.split(" ", 2)[0], place.split(" ", 1)[1].rsplit(" ", 1)[0], place.rsplit(" ", 1)[1]
        assert re.fullmatch(r"worker-2/[0-9a-f]{8}", worker), place
        assert file == "/memfd:uploader (deleted)", place
        assert build == build_id(cluster.build / "tests/integration/uploader"), place
        assert count == "20", program.out()
    assert scheduler.log().count("asks client") == 1, scheduler.log()
    assert tasks_done(cluster.status()) == 60, cluster.status()


def runs_an_uploaded_program_through_every_death(cluster):
    port = free_port()
    scheduler = cluster.scheduler(port=port)
    first = host(cluster, scheduler, "host-1", app=False)
    program = uploader(cluster, 300)
    cluster.wait_for_done(20)
    scheduler.kill()
    scheduler.wait()
    scheduler = cluster.scheduler(port=port)
    cluster.wait_for_done(20)
    os.kill(first.children()[0], signal.SIGKILL)
    cluster.wait_for_done(40)
    first.kill()
    first.wait()
    # One of another name, as the first may be missed for some seconds yet.
    host(cluster, scheduler, "host-2", app=False)
    cluster.wait_for_done(60)
    assert program.wait(60) == 0, program.log()
    assert program.out().splitlines()[-1] == "300", program.out()
    assert {line.split("/")[0] for line in program.out().splitlines()[:-1]} == {"host-1", "host-2"}, program.out()


def says_why_it_does_not_run_a_clients_program(cluster):
    def failure(program):
        assert program.wait(60) == 1, program.out()
        log = program.log()
        assert "code not available: " in log and ", which no worker has. " in log, log
        return log

    scheduler = cluster.scheduler("--code-timeout", "0.5")
    cluster.worker("worker-1")
    assert "--accept-uploads" not in failure(uploader(cluster, 1, "keep"))
    assert ("The client offers its program, but no worker accepts programs: start some with penstock-worker "
            "--accept-uploads.") in failure(uploader(cluster, 1))
    host(cluster, scheduler, "worker-2")
    no_init = cluster.start("no_init", [cluster.build / "tests/integration/no_init", cluster.address])
    log = failure(no_init)
    assert "The upload of its program failed. 'worker-2': no_init ended before it called penstock::init(), with exit code 1" in log, log
    assert "call penstock::init() first thing in main()" in log, log

    scheduler = cluster.scheduler("--code-timeout", "0.5", "--max-program-bytes", "1000")
    host(cluster, scheduler, "worker-3")
    log = failure(uploader(cluster, 1))
    assert re.search(r"The client offers its program, but it has \d+ bytes, and the scheduler takes at most 1000 "
                     r"\(--max-program-bytes\)\.", log), log


if __name__ == "__main__":
    cluster_test.main(cluster_test.cases_of(globals()))

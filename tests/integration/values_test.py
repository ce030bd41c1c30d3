#!/usr/bin/env python3
"""Values that go from worker to worker: values_test.py --build DIR CASE runs one case."""

import subprocess
import sys

import cluster_test


def reads_a_value_on_one_machine_and_from_others(cluster):
    """Each worker in a PID namespace of its own shares no memory with others: as if it were a machine of its own."""
    apart = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if subprocess.run([*apart, "true"], stderr=subprocess.DEVNULL).returncode != 0:
        apart += ["--user", "--map-root-user"]
    if subprocess.run([*apart, "true"]).returncode != 0:
        print("skipped: this user may not have PID namespaces, by which processes share no memory")
        sys.exit(77)
    for command, machines in ([], 1), (apart, 3):
        cluster.scheduler()
        program = cluster.build / "tests/integration/large_value"
        workers = [cluster.start(f"worker-{n}", [*command, cluster.worker_bin, "--scheduler", cluster.address,
                                                 "--name", f"worker-{n}", "--app", program]) for n in (1, 2)]
        reader = cluster.start("reader", [program, cluster.address])
        assert reader.wait(60) == 0, reader.log() + workers[0].log()
        assert reader.out() == (f"{machines} machines, 50000000 bytes, right on the other worker, right here\n"), \
            reader.out()
        for worker in workers:
            worker.kill()  # unshare lets no other signal through
            worker.wait(20)


if __name__ == "__main__":
    cluster_test.main(cluster_test.cases_of(globals()))

#!/usr/bin/python3
"""One measurement of a peer in each run, as one line of JSON on standard output.

    peers.py tasks|latency|stream|bytes|local [COUNT]
    peers.py version

The same as bench/penstock_bench.cpp measures of Penstock: dask.distributed with two worker processes of
one thread each (tasks, latency, bytes), streamz over that (stream), streamz alone (local).
"""

import json
import logging
import os
import platform
import sys
import time

WORKERS = 2
MESSAGE_BYTES = 64 << 20
# Elements on their way at once. Streamz has no default; 8 to 512 do alike.
STREAM_BUFFER = 64


def increment(x):
    return x + 1


def expect(right, what):
    if not right:
        raise RuntimeError("wrong result: " + what)


def start_cluster():
    import distributed

    logging.getLogger("distributed").setLevel(logging.ERROR)
    cluster = distributed.LocalCluster(
        n_workers=WORKERS, threads_per_worker=1, processes=True, dashboard_address=None
    )
    client = distributed.Client(cluster)
    client.wait_for_workers(WORKERS)
    return client


def map_and_gather(client, count):
    result = client.gather(client.map(increment, range(count), pure=False))
    expect(result == list(range(1, count + 1)), "map and gather")


def measure_tasks(count):
    client = start_cluster()
    map_and_gather(client, 200)
    start = time.perf_counter()
    map_and_gather(client, count)
    seconds = time.perf_counter() - start
    return {"count": count, "seconds": seconds, "per_second": count / seconds}


def percentile(ordered, fraction):
    return ordered[int(fraction * (len(ordered) - 1))]


def measure_latency(count):
    client = start_cluster()
    for i in range(20):
        client.submit(increment, i, pure=False).result()
    microseconds = []
    for i in range(count):
        start = time.perf_counter()
        result = client.submit(increment, i, pure=False).result()
        microseconds.append((time.perf_counter() - start) * 1e6)
        expect(result == i + 1, "submit")
    microseconds.sort()
    return {
        "count": count,
        "p50_us": percentile(microseconds, 0.5),
        "p99_us": percentile(microseconds, 0.99),
    }


def measure_stream(count):
    import streamz
    import streamz.dask  # noqa: F401  registers scatter()

    client = start_cluster()
    source = streamz.Stream()
    received = []
    pipeline = source.scatter().map(increment).buffer(STREAM_BUFFER).gather()
    pipeline.sink(received.append)

    def run(elements):
        received.clear()
        for i in range(elements):
            source.emit(i)
        while len(received) < elements:
            time.sleep(0.0005)
        expect(sum(received) == elements * (elements + 1) // 2, "stream")

    run(50)
    start = time.perf_counter()
    run(count)
    seconds = time.perf_counter() - start
    client.status  # the client must outlive the stream
    return {"count": count, "seconds": seconds, "per_second": count / seconds}


def measure_bytes(count):
    client = start_cluster()
    sent = os.urandom(MESSAGE_BYTES)
    # hash=False: no time goes into naming the value by its content.
    expect(client.gather(client.scatter(sent, hash=False)) == sent, "bytes")
    start = time.perf_counter()
    for _ in range(count):
        expect(len(client.gather(client.scatter(sent, hash=False))) == len(sent), "bytes")
    seconds = time.perf_counter() - start
    gib = 2 * count * MESSAGE_BYTES / 2**30
    return {"count": count, "seconds": seconds, "gib_per_second": gib / seconds}


def measure_local(count):
    import streamz

    source = streamz.Stream()
    last = []
    source.map(lambda x: x + 1).filter(lambda x: x >= 0).accumulate(
        lambda total, x: total + x, start=0
    ).sink(lambda x: last.__setitem__(slice(None), [x]))
    start = time.perf_counter()
    for i in range(count):
        source.emit(i)
    seconds = time.perf_counter() - start
    expect(last == [count * (count + 1) // 2], "local")
    return {
        "count": count,
        "seconds": seconds,
        "per_second": count / seconds,
        "ns_per_element": seconds * 1e9 / count,
    }


def version():
    import dask
    import distributed
    import msgpack
    import streamz
    import tornado

    return {
        "python": platform.python_version(),
        "dask": dask.__version__,
        "distributed": distributed.__version__,
        "streamz": streamz.__version__,
        "tornado": tornado.version,
        "msgpack": ".".join(map(str, msgpack.version)),
    }


MEASUREMENTS = {
    "tasks": (measure_tasks, 5000),
    "latency": (measure_latency, 500),
    "stream": (measure_stream, 1000),
    "bytes": (measure_bytes, 4),
    "local": (measure_local, 100_000),
}


def main(arguments):
    if arguments[:1] == ["version"]:
        print(json.dumps(version()))
        return 0
    if not arguments or arguments[0] not in MEASUREMENTS:
        print("usage: peers.py %s [COUNT] | version" % "|".join(MEASUREMENTS), file=sys.stderr)
        return 2
    measure, count = MEASUREMENTS[arguments[0]]
    if len(arguments) > 1:
        count = max(1, int(arguments[1]))
    print(json.dumps(measure(count)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

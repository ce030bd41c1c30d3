#!/usr/bin/python3
"""One measurement of a peer in each run, as one line of JSON on standard output.

    peers.py tasks|latency|futures|stream|branch|accumulate|chain|bytes|local [COUNT]
    peers.py version

The same as bench/penstock_bench.cpp measures of Penstock: dask.distributed with two worker processes of
one thread each (tasks, latency, futures, chain, bytes), streamz over that (stream, branch, accumulate),
streamz alone (local).
"""

import json
import logging
import os
import platform
import sys
import time

WORKERS = 2
MESSAGE_BYTES = 64 << 20
CHAIN_BYTES = 1 << 20
CHAIN_STEPS = 4
# Elements on their way at once. Streamz has no default; 8 to 512 do alike.
STREAM_BUFFER = 64


def increment(x):
    return x + 1


def filled(x):
    return bytes([ord("a") + x % 26]) * CHAIN_BYTES


def stepped(value):
    return bytes([value[0] + 1]) + value[1:]


def first_byte(value):
    return value[0]


def add(total, x):
    return total + x


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


def complete_all(client, count):
    import distributed

    total = 0
    for future in distributed.as_completed(client.map(increment, range(count), pure=False)):
        total += future.result()
    expect(total == count * (count + 1) // 2, "as_completed")


def measure_futures(count):
    client = start_cluster()
    complete_all(client, 200)
    start = time.perf_counter()
    complete_all(client, count)
    seconds = time.perf_counter() - start
    return {"count": count, "seconds": seconds, "per_second": count / seconds}


def measure_chain(count):
    client = start_cluster()

    def run(chains):
        ends = []
        for i in range(chains):
            value = client.submit(filled, i, pure=False)
            for _ in range(CHAIN_STEPS):
                value = client.submit(stepped, value, pure=False)
            ends.append(client.submit(first_byte, value, pure=False))
        wanted = [ord("a") + i % 26 + CHAIN_STEPS for i in range(chains)]
        expect(client.gather(ends) == wanted, "chain")

    run(10)
    start = time.perf_counter()
    run(count)
    seconds = time.perf_counter() - start
    return {"count": count, "seconds": seconds, "per_second": count / seconds}


def run_stream(source, received, count, per_element, warm_up):
    def run(elements):
        received.clear()
        for i in range(elements):
            source.emit(i)
        while len(received) < elements * per_element:
            time.sleep(0.0005)

    run(warm_up)
    start = time.perf_counter()
    run(count)
    seconds = time.perf_counter() - start
    return {"count": count, "seconds": seconds, "per_second": count / seconds}


def measure_branch(count):
    import streamz
    import streamz.dask  # noqa: F401  registers scatter()

    client = start_cluster()
    source = streamz.Stream()
    received = []
    common = source.scatter().map(increment)
    branches = [common.map(increment).buffer(STREAM_BUFFER).gather() for _ in range(2)]
    for branch in branches:
        branch.sink(received.append)
    result = run_stream(source, received, count, 2, 50)
    expect(sum(received) == count * (count + 3), "branch")
    client.status  # the client must outlive the stream
    return result


def measure_accumulate(count):
    import streamz
    import streamz.dask  # noqa: F401  registers scatter()

    client = start_cluster()
    source = streamz.Stream()
    received = []
    pipeline = source.scatter().accumulate(add, start=0).buffer(STREAM_BUFFER).gather()
    pipeline.sink(received.append)
    warm_up = 50
    result = run_stream(source, received, count, 1, warm_up)
    expect(received[-1] == count * (count - 1) // 2 + warm_up * (warm_up - 1) // 2, "accumulate")
    client.status  # the client must outlive the stream
    return result


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
    "futures": (measure_futures, 10_000),
    "stream": (measure_stream, 1000),
    "branch": (measure_branch, 500),
    "accumulate": (measure_accumulate, 1000),
    "chain": (measure_chain, 200),
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

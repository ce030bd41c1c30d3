#!/usr/bin/env python3
"""Runs an example as a user would, and checks what it printed, how long that took and what it left behind.

    run_example.py --expect '1|2|3' --takes 0.45 --lines-within 1.8 PROGRAM

With --cluster SCHEDULER WORKER a scheduler and workers for the program are started first, on a free port,
and the program gets the address as its argument. Everything is bounded in time. Whatever the program or
the cluster started must be gone at the end: this process adopts orphans, so it finds them.
"""

import argparse
import ctypes
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM_DEADLINE = 60.0  # seconds
START_DEADLINE = 20.0
STOP_DEADLINE = 20.0
PR_SET_CHILD_SUBREAPER = 36


class Failed(Exception):
    pass


class Process:
    """A child with its standard error in a file."""

    def __init__(self, command, **kwargs):
        self.name = os.path.basename(command[0])
        self.log = tempfile.TemporaryFile()
        self.child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stderr=self.log, **kwargs)

    def stderr(self):
        size = os.fstat(self.log.fileno()).st_size
        return os.pread(self.log.fileno(), size, 0).decode(errors='replace')

    def stop(self):
        """SIGTERM; it must end in good order and in time."""
        if self.child.poll() is None:
            self.child.terminate()
        try:
            code = self.child.wait(STOP_DEADLINE)
        except subprocess.TimeoutExpired:
            raise Failed(f'{self.name} did not stop on SIGTERM')
        if code != 0:
            raise Failed(f'{self.name} ended with {code}')

    def kill(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()


def start_cluster(scheduler, worker, app, workers, processes):
    """Returns the address. What was started is appended to `processes`."""
    processes.append(Process([scheduler, '--port', '0', '--no-dashboard'],
                             stdout=subprocess.DEVNULL))
    deadline = time.monotonic() + START_DEADLINE
    while not (found := re.search(r'clients and workers: (\S+:\d+)', processes[-1].stderr())):
        if processes[-1].child.poll() is not None or time.monotonic() > deadline:
            raise Failed('the scheduler did not say where it listens')
        time.sleep(0.02)
    address = found[1]
    processes.append(Process([worker, '--scheduler', address, '--app', app,
                              '--workers', str(workers)], stdout=subprocess.DEVNULL))
    return address


def read_lines(process):
    """The lines of standard output, each with the time at which it came."""
    deadline = time.monotonic() + PROGRAM_DEADLINE
    pipe = process.child.stdout.fileno()
    lines, rest = [], b''
    while True:
        readable, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
        if not readable:
            raise Failed(f'{process.name} was not done after {PROGRAM_DEADLINE} s; '
                         f'it printed {[line for line, _ in lines]}')
        data = os.read(pipe, 65536)
        if not data:
            break
        *whole, rest = (rest + data).split(b'\n')
        lines += [(line.decode(errors='replace'), time.monotonic()) for line in whole]
    if rest:
        lines.append((rest.decode(errors='replace'), time.monotonic()))
    try:
        code = process.child.wait(max(0.1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise Failed(f'{process.name} closed its output and did not end')
    if code != 0:
        raise Failed(f'{process.name} ended with {code}')
    return lines


def children():
    """Processes that are ours, by birth or by adoption."""
    pids = []
    for thread in os.listdir('/proc/self/task'):
        with open(f'/proc/self/task/{thread}/children') as listed:
            pids += [int(pid) for pid in listed.read().split()]
    return pids


def check_nothing_left():
    deadline = time.monotonic() + STOP_DEADLINE
    while True:
        try:
            while os.waitpid(-1, os.WNOHANG)[0] != 0:
                pass
        except ChildProcessError:
            return
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    left = children()
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    raise Failed(f'left processes behind: {left}')


def check(arguments, process, lines, started):
    printed = [line for line, _ in lines]
    expected = arguments.expect.split('|')
    if printed != expected:
        raise Failed(f'printed {printed}, not {expected}')
    took = time.monotonic() - started
    if took < arguments.takes:
        raise Failed(f'took {took:.3f} s; the rate limit alone takes {arguments.takes} s')
    span = lines[-1][1] - lines[0][1]
    if arguments.lines_within and span > arguments.lines_within:
        raise Failed(f'{span:.3f} s from first to last line, over {arguments.lines_within} s')
    if arguments.says:
        pattern, least = arguments.says
        found = re.search(pattern, process.stderr())
        if not found or int(found[1]) < int(least):
            raise Failed(f'did not say "{pattern}" with at least {least}')
    print(f'{process.name}: {len(lines)} lines, {span:.3f} s from first to last, '
          f'{took:.3f} s in all')


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('program')
    parser.add_argument('--expect', required=True, help='lines of its output, with | between')
    parser.add_argument('--takes', type=float, default=0.0, help='seconds, at least')
    parser.add_argument('--lines-within', type=float, help='seconds from first to last line')
    parser.add_argument('--says', nargs=2, metavar=('PATTERN', 'LEAST'),
                        help='on standard error; the group of the pattern is a number')
    parser.add_argument('--cluster', nargs=2, metavar=('SCHEDULER', 'WORKER'))
    parser.add_argument('--workers', type=int, default=4)
    return parser.parse_args()


def main():
    arguments = parse()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), 'prctl')
    processes = []
    error = None
    try:
        command = [arguments.program]
        if arguments.cluster:
            command.append(
                start_cluster(*arguments.cluster, arguments.program, arguments.workers, processes))
        started = time.monotonic()
        program = Process(command, stdout=subprocess.PIPE)
        processes.append(program)
        check(arguments, program, read_lines(program), started)
        while len(processes) > 1:  # the cluster: workers first, then the scheduler
            ended = processes[-2]
            ended.stop()
            processes.remove(ended)
    except Failed as failed:
        error = failed
        for process in reversed(processes):
            print(f'---- standard error of {process.name}\n{process.stderr()}', file=sys.stderr)
    finally:
        for process in reversed(processes):
            process.kill()
    try:
        check_nothing_left()
    except Failed as failed:
        error = error or failed
    if error:
        sys.exit(f'FAILED: {error}')


if __name__ == '__main__':
    main()

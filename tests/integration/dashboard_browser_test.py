#!/usr/bin/env python3
"""Looks at the status page as a person would: in a real browser.

  dashboard_browser_test.py http://127.0.0.1:8787/status [--screenshot FILE [--dark]]
  dashboard_browser_test.py --serve ./dashboard_preview

The page must come up, show its figures and change them without being loaded again, draw its
canvases, fit narrow windows, ask no other server for anything and leave no error in the console.
The cluster behind it must be at work. With --serve the program is started first (it prints the
page's address and ends with its standard input); then it is also stopped and started again, and
the page must notice both by itself.

Needs Chromium and nothing but Python's standard library: the browser is driven over the DevTools
protocol on a pair of pipes. Exit code 0, or 1 with the reasons.
"""

import argparse
import base64
import json
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse

FIGURES = ["workers", "threads", "tasks-waiting", "tasks-running", "tasks-done", "tasks-failed",
           "throughput", "latency-p50", "latency-p99", "uptime"]
CHANGING = ["tasks-done", "throughput", "uptime"]
CANVASES = ["stream", "rates", "durations"]
START_SECONDS = 30
WATCH_SECONDS = 3
# A steady cluster may finish just as many tasks in this second as in the last.
PATIENCE_SECONDS = 15


class Failure(Exception):
    pass


class Browser:
    """Chromium without a window, one page, commands and events as JSON between NUL bytes."""

    def __init__(self, program):
        self.profile = tempfile.mkdtemp(prefix="dashboard-browser-")
        self.events = []
        self.buffer = b""
        self.next_id = 0
        self.session = None
        self.process = self._start(program)

    def _start(self, program):
        to_read, self.to_browser = os.pipe()
        self.from_browser, to_write = os.pipe()
        # The browser reads its descriptor 3 and writes to its descriptor 4. Those of this process may be the server's.
        as_wanted = ("import fcntl, os, sys; "
                     "ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]; "
                     "os.dup2(ends[0], 3); os.dup2(ends[1], 4); os.execv(sys.argv[3], sys.argv[3:])")
        command = [sys.executable, "-c", as_wanted, str(to_read), str(to_write), program, "--headless=new", "--no-sandbox", "--disable-gpu",
                   "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
                   "--disable-background-networking", "--hide-scrollbars",
                   "--user-data-dir=" + self.profile, "--remote-debugging-pipe", "about:blank"]
        process = subprocess.Popen(command, pass_fds=(to_read, to_write), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for descriptor in (to_read, to_write):
            os.close(descriptor)
        return process

    def open_page(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target,
                                 flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def call(self, method, **parameters):
        self.next_id += 1
        message = {"id": self.next_id, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to_browser, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + START_SECONDS
        while True:
            answer = self._read(deadline)
            if answer is None:
                raise Failure(f"the browser did not answer {method}")
            if answer.get("id") != self.next_id:
                self.events.append(answer)
            elif "error" in answer:
                raise Failure(f"{method}: {answer['error'].get('message')}")
            else:
                return answer["result"]

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True,
                           awaitPromise=True)
        if "exceptionDetails" in result:
            raise Failure(f"in the page: {result['exceptionDetails']}")
        return result["result"].get("value")

    def collect(self, seconds):
        """Lets time pass, keeping the events that arrive."""
        deadline = time.monotonic() + seconds
        while (event := self._read(deadline)) is not None:
            self.events.append(event)

    def _read(self, deadline):
        while b"\0" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.from_browser], [], [], left)[0]:
                return None
            data = os.read(self.from_browser, 1 << 16)
            if not data:
                raise Failure("the browser ended")
            self.buffer += data
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)


class Server:
    """The program given with --serve."""

    def __init__(self, program, port=0):
        self.process = subprocess.Popen([program, str(port)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        if not select.select([self.process.stdout], [], [], START_SECONDS)[0]:
            raise Failure(f"{program} does not print an address")
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            raise Failure(f"{program} ended instead of serving")

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def wait_for(browser, expression, what, seconds=START_SECONDS):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if browser.evaluate(expression):
            return
        browser.collect(0.1)
    raise Failure(f"{what} did not happen within {seconds} s")


def connection_says(browser, text):
    wait_for(browser, "document.getElementById('connection')?.textContent.includes("
             + json.dumps(text) + ")", f'the page saying "{text}"')


def figures(browser):
    texts = browser.evaluate(
        "Object.fromEntries(" + json.dumps(FIGURES) + ".map("
        "id => [id, document.getElementById(id)?.textContent ?? null]))")
    missing = [name for name, text in texts.items() if text is None]
    if missing:
        raise Failure(f"no element has the id {', '.join(missing)}")
    return texts


def check_figures_change(browser):
    browser.evaluate("window.loadedOnce = true")
    first = figures(browser)
    # A latency may be missing when nothing ended lately; all others are numbers at all times.
    for name, text in first.items():
        if not re.search(r"\d", text) and not name.startswith("latency"):
            raise Failure(f"#{name} shows no number but {text!r}")
    changed = set()
    begin = time.monotonic()
    while time.monotonic() - begin < PATIENCE_SECONDS:
        browser.collect(0.25)
        now = figures(browser)
        changed |= {name for name in CHANGING if now[name] != first[name]}
        if len(changed) == len(CHANGING) and time.monotonic() - begin >= WATCH_SECONDS:
            break
    for name in CHANGING:
        if name not in changed:
            raise Failure(f"#{name} stood still at {first[name]!r} for {PATIENCE_SECONDS} s")
    if not browser.evaluate("window.loadedOnce === true"):
        raise Failure("the page was loaded again")
    print("figures:", ", ".join(f"{name} {text}" for name, text in now.items()))


def check_canvases(browser):
    for name in CANVASES:
        colors = browser.evaluate("""(() => {
          const canvas = document.getElementById(%s);
          if (!canvas || canvas.width === 0 || canvas.height === 0) return -1;
          const copy = document.createElement("canvas");
          [copy.width, copy.height] = [canvas.width, canvas.height];
          const context = copy.getContext("2d");
          context.drawImage(canvas, 0, 0);
          const data = new Uint32Array(
              context.getImageData(0, 0, copy.width, copy.height).data.buffer);
          return new Set(data).size;
        })()""" % json.dumps(name))
        if colors < 4:
            raise Failure(f"the canvas #{name} is blank ({colors} colours)")


def check_tables(browser):
    rows = browser.evaluate("document.querySelectorAll('#worker-table tbody tr').length")
    if rows < 1:
        raise Failure("the table of workers is empty")


def check_preview(browser):
    """What only the made-up cluster has."""
    for table, texts in {"worker-table": ["gpu 1.5 of 2", "memory 0 B of 2.0 GiB", "3 (1 wait)"],
                         "program-table": ["nightly-report", "5a5a5a5a", "running on 2"]}.items():
        shown = browser.evaluate(f"document.getElementById('{table}').innerText")
        for text in texts:
            if text not in shown:
                raise Failure(f"#{table} does not show {text!r}: {shown!r}")
    if not browser.evaluate("document.getElementById('host-count').textContent === '3 hosts'"):
        raise Failure("the hosts of programs are not counted")


def check_widths(browser):
    for width in (600, 1280):
        browser.call("Emulation.setDeviceMetricsOverride", width=width, height=1400,
                     deviceScaleFactor=1, mobile=False)
        browser.collect(0.5)
        needed = browser.evaluate("document.documentElement.scrollWidth")
        if needed > width:
            raise Failure(f"at {width} px the page needs {needed} px")


def origin(url):
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.netloc


def complaints(events, url):
    """What the console and the network tell that should not be."""
    found = []
    for event in events:
        method, parameters = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            found.append("exception: " + details.get("exception", {}).get("description", "")
                         + details.get("text", ""))
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "assert"):
            found.append(f"console error: {parameters['args']}")
        elif method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            found.append("console error: " + parameters["entry"]["text"])
        elif method == "Network.responseReceived" and parameters["response"]["status"] >= 400:
            found.append(f"{parameters['response']['status']}: {parameters['response']['url']}")
        elif method == "Network.requestWillBeSent":
            asked = parameters["request"]["url"]
            if not asked.startswith("data:") and origin(asked) != origin(url):
                found.append("asked another server: " + asked)
    return found


def check_quiet(browser, url):
    found = complaints(browser.events, url)
    if found:
        raise Failure("; ".join(found))
    browser.events.clear()


def write_screenshot(browser, file, is_dark):
    scheme = "dark" if is_dark else "light"
    browser.call("Emulation.setEmulatedMedia",
                 features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.collect(1.2)
    image = browser.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
    with open(file, "wb") as out:
        out.write(base64.b64decode(image["data"]))


def check_recovery(browser, server, program):
    """The failed requests of this part are in the console, as they should be."""
    port = urllib.parse.urlsplit(server.url).port
    server.stop()
    connection_says(browser, "not reachable, retrying")
    again = Server(program, port)
    try:
        connection_says(browser, "live")
        browser.events = [one for one in browser.events
                          if one.get("method") == "Runtime.exceptionThrown"]
        check_figures_change(browser)
        check_quiet(browser, again.url)
    finally:
        again.stop()


def check_page(browser, url, arguments, server):
    browser.open_page()
    browser.call("Page.navigate", url=url)
    connection_says(browser, "live")
    check_figures_change(browser)
    check_canvases(browser)
    check_tables(browser)
    if server:
        check_preview(browser)
    check_widths(browser)
    if arguments.screenshot:
        write_screenshot(browser, arguments.screenshot, arguments.dark)
    check_quiet(browser, url)
    if server:
        check_recovery(browser, server, arguments.serve)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("url", nargs="?", help="of the status page")
    parser.add_argument("--serve", metavar="PROGRAM", help="start this program and test its page")
    parser.add_argument("--chromium", metavar="PROGRAM", default=None)
    parser.add_argument("--screenshot", metavar="FILE", help="write a PNG of the page")
    parser.add_argument("--dark", action="store_true", help="the screenshot in dark colours")
    arguments = parser.parse_args()
    if bool(arguments.url) == bool(arguments.serve):
        parser.error("give either a URL or --serve")
    return arguments


def main():
    arguments = parse_arguments()
    program = arguments.chromium or shutil.which("chromium") or shutil.which("google-chrome")
    if not program:
        print("FAILED: no Chromium here; install the package chromium", file=sys.stderr)
        return 1
    server = browser = None
    try:
        server = Server(arguments.serve) if arguments.serve else None
        browser = Browser(program)
        check_page(browser, server.url if server else arguments.url, arguments, server)
    except Failure as failure:
        print(f"FAILED: {failure}", file=sys.stderr)
        return 1
    finally:
        if browser:
            browser.close()
        if server and server.process.poll() is None:
            server.stop()
    print("the status page is alive")
    return 0


if __name__ == "__main__":
    sys.exit(main())

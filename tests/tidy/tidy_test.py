#!/usr/bin/env python3
"""The rules of the house that a program can check. Prints every breach; see CONTRIBUTING.md."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMIT = 500  # lines of one file
breaches = []


def breach(path, text):
    breaches.append(f"{path.relative_to(ROOT)}: {text}")


def sources(*folders, endings=(".hpp", ".cpp")):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in endings:
                yield path


def includes(path):
    return re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', path.read_text(), re.M)


def room_of(header):
    """The top-level folder that an include leads to, or None for what is not ours."""
    first = header.split("/")[0]
    if first in ("runtime", "connectors", "client", "scheduler", "worker", "proto"):
        return first
    if header.endswith((".pb.h",)):
        return "proto"
    if first == "penstock":
        for room in ("runtime", "connectors", "client", "worker"):
            if (ROOT / room / "include" / header).exists():
                return room
    return None


def check_include_graph():
    allowed = {
        "runtime": {"runtime"},
        "connectors": {"connectors", "runtime"},
        "proto": {"proto"},
        "client": {"client", "runtime", "proto"},
        "scheduler": {"scheduler", "runtime", "proto"},
        "worker": {"worker", "runtime", "proto"},
    }
    for room, rooms in allowed.items():
        for path in sources(room):
            if path.is_relative_to(ROOT / "client/local"):
                continue  # the one place that sees all three
            for header in includes(path):
                target = room_of(header)
                if target and target not in rooms:
                    breach(path, f"{room} must not include {header}")


def check_scheduler_sees_only_the_check_header():
    for path in sources("scheduler"):
        for header in includes(path):
            if room_of(header) == "runtime" and header != "penstock/detail/check.hpp":
                breach(path, f"the scheduler must not include {header}")


def check_cores_are_pure():
    forbidden = re.compile(r"\b(steady_clock|system_clock)::now|\bstd::(thread|mutex|random_device|"
                           r"condition_variable|atomic)\b|\brand\(")
    for room in ("scheduler", "worker", "client"):
        for path in sources(f"{room}/core"):
            for header in includes(path):
                if "/" in header and not header.startswith(f"{room}/core/") \
                        and header not in ("penstock/detail/check.hpp", "absl/strings/cord.h"):
                    breach(path, f"a core must not include {header}")
            for match in forbidden.finditer(path.read_text()):
                breach(path, f"a core must not use {match.group(0)}")


def check_runtime_knows_no_network():
    for path in sources("runtime"):
        for header in includes(path):
            if re.match(r"(grpc|google/protobuf|asio/ip|spdlog)", header) or header.endswith(".pb.h"):
                breach(path, f"the runtime must not include {header}")


def check_public_headers_hide_heavy_libraries():
    for room in ("runtime", "connectors", "client", "worker"):
        for path in sources(f"{room}/include"):
            for header in includes(path):
                if header.startswith(("grpc", "google/", "spdlog", "boost/")) or header.endswith(".pb.h"):
                    breach(path, f"a public header must not include {header}")


def check_only_wire_and_driver_see_both_vocabularies():
    for room in ("scheduler", "worker"):
        for path in sources(room):
            # The last two look into messages that the core passes on unread, and name values by its ids.
            if path.parent.name == "core" or path.stem in ("wire", "driver", "session", "link", "worker", "worker_parts",
                                                           "input_assembler", "value_server"):
                continue
            found = includes(path)
            sees_core = any(h.startswith(f"{room}/core/") for h in found)
            sees_proto = any(h.endswith(("cluster.pb.h", "cluster.grpc.pb.h")) for h in found)
            if sees_core and sees_proto:
                breach(path, "only wire and driver see both protocol and core")


def check_nodes():
    for path in sources("runtime/include/penstock/nodes"):
        if path.stem == "options":
            continue
        for header in includes(path):
            if header.startswith("asio/") and header not in ("asio/co_spawn.hpp", "asio/awaitable.hpp"):
                breach(path, f"a node sees time through Loop only, not {header}")
        if not (ROOT / f"tests/runtime/{path.stem}_test.cpp").exists():
            breach(path, f"has no test: tests/runtime/{path.stem}_test.cpp")
        if len(path.read_text().splitlines()) > 200:
            breach(path, "a node is a small header")


def check_sizes():
    for path in sources("runtime", "connectors", "client", "scheduler", "worker", "proto", "tests", "examples",
                        "bench", endings=(".hpp", ".cpp", ".proto", ".py", ".sh", ".js", ".html")):
        lines = len(path.read_text().splitlines())
        if lines > LIMIT:
            breach(path, f"{lines} lines; {LIMIT} at most: split it by noun")


def check_unit_tests_do_not_sleep():
    listed = re.compile(r"penstock_test\((\w+) LABEL unit(.*?)\n?\)", re.S)
    for cmake in (ROOT / "tests").rglob("CMakeLists.txt"):
        for _, body in listed.findall(cmake.read_text()):
            for name in re.findall(r"[\w/]+\.cpp", body):
                path = cmake.parent / name
                if path.exists() and re.search(r"\b(sleep_for|sleep_until|usleep)\b", path.read_text()):
                    breach(path, "a unit test waits on conditions or lives in virtual time")


def check_code_in_documents_is_compiled():
    """A ```cpp block must stand, line for line, in one of our compiled files."""
    compiled = {path: squeeze(path.read_text())
                for path in sources("examples", "tests", "runtime", "connectors", "client")}
    for document in [*ROOT.glob("*.md"), *(ROOT / "deploy").glob("*.md")]:
        for block in re.findall(r"```cpp\n(.*?)```", document.read_text(), re.S):
            if not any(squeeze(block) in text for text in compiled.values()):
                breach(document, f"this code is in no compiled file:\n{block}")


def squeeze(text):
    return re.sub(r"\s+", " ", text).strip()


def check_nobody_says_utils():
    for path in sources("runtime", "connectors", "client", "scheduler", "worker", "tests"):
        if re.search(r"\b(utils?|common|misc|helpers?)\b", path.stem):
            breach(path, "name the noun")


def main():
    for name, check in list(globals().items()):
        if name.startswith("check_"):
            check()
    print("\n".join(breaches) or "the house is tidy")
    sys.exit(1 if breaches else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""The site is whole: docs_test.py OUT builds it there and looks at it as a reader would."""

import html.parser
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs"))
import build  # noqa: E402
import headers  # noqa: E402
import marbles  # noqa: E402

RUNTIME = ROOT / "runtime/include/penstock"
CONNECTORS = ROOT / "connectors/include/penstock/connectors"
# Where the members of Stream<T> are explained that have no page of their own name.
PAGE_OF = {"merge": "union_with", "scatter": "distributed_stream", "scatter_by": "distributed_stream",
           "gather": "distributed_stream"}
NO_NODES = {"kafka_message"}  # headers that only have types
ON_STREAM = {"Element", "Stream", "emit", "async_emit", "close", "async_close", "connect", "disconnect",
             "on_error", "named", "pipe"}
problems = []


class Reader(html.parser.HTMLParser):
    """The links and anchors of a page, and whether its elements are closed."""

    VOID = {"meta", "link", "input", "img", "br", "hr", "line", "rect", "path"}

    def __init__(self, page):
        super().__init__()
        self.links, self.anchors, self.open, self.pictures = [], set(), [], 0
        self.feed(page.read_text())

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.links += [attributes[name] for name in ("href", "src") if name in attributes]
        self.anchors |= {attributes["id"]} if "id" in attributes else set()
        self.pictures += attributes.get("class") == "marbles"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in self.VOID:
            return
        if not self.open or self.open.pop() != tag:
            problems.append(f"a page closes <{tag}>, which is not open")


def node_headers():
    for folder in (RUNTIME / "nodes", RUNTIME / "sources", CONNECTORS):
        yield from (path for path in sorted(folder.glob("*.hpp")) if path.name != "options.hpp")


def check_every_header_has_a_page(site, pages):
    for header in node_headers():
        page = site / f"{header.stem}.html"
        if page not in pages:
            problems.append(f"{header.name} has no page")
        elif f"penstock/{header.parent.name}/{header.name}" not in page.read_text():
            problems.append(f"{page.name} is not made of {header.name}")


def check_headers_begin_with_a_promise():
    """The first line is `s.name(args): what it does`; a connector may say first what it connects to."""
    for header in node_headers():
        comment = headers.comment_of(header.read_text())
        call = r"\w+\.\w+(<\w+>)?\(.*" if header.parent.name == "nodes" else r"\w+(<\w+>)?\(.*"
        if not comment or not (re.match(call, comment[0]) or header.parent == CONNECTORS):
            problems.append(f"{header.name} does not begin with name(args): what it does")


def check_every_marble_is_drawn(site, pages):
    for header in node_headers():
        lines = headers.comment_of(header.read_text())
        for line in lines:
            if re.match(r"^ +(in|out) +\S*-", line) and not marbles.looks_like(line):
                problems.append(f"{header.name}: no marble line: {line}")
        wanted = any(marbles.looks_like(line) for line in lines)
        page = pages.get(site / f"{header.stem}.html")
        if page and bool(page.pictures) != wanted:
            problems.append(f"{header.name}: its marble lines are not drawn")


def check_every_node_source_and_sink_has_a_marble():
    """What comes out; for a sink what goes in, and what the outside gets of it."""
    for header in node_headers():
        lines = headers.comment_of(header.read_text())
        rows = [marbles.parse(line) for line in lines if marbles.looks_like(line)]
        labels = {row.label for row in rows}
        is_sink = header.stem.startswith("to_") or "sink" in header.stem
        wanted = "in" if is_sink else "out"
        if header.stem in NO_NODES:
            continue
        if wanted not in labels:
            problems.append(f"{header.name} has no marble line `{wanted}`")
        elif is_sink and len(labels) < 2:
            problems.append(f"{header.name}: no marble line says what the outside gets")


def check_marbles_are_read_right():
    row = marbles.parse("  part 0  -1-[2,3]-4a--56|      note")
    expected = [(1, "1"), (3, "[2,3]"), (9, "4a"), (13, "5"), (14, "6")]
    if (row.label, row.elements, row.end, row.note) != ("part 0", expected, 15, "note"):
        problems.append(f"a marble line is read as {row}")
    for broken in ("  out  -[1,2--", "  out  -1--)|("):
        try:
            marbles.parse(broken)
            problems.append(f"{broken} was taken for a marble line")
        except ValueError:
            pass


def check_every_member_of_stream_has_a_page(site, pages):
    members = headers.members_of((RUNTIME / "detail/stream_class.hpp").read_text(), "Stream")
    names = {name for member in members for name in member.names}
    if not {"map", "zip", "pluck", "async_emit", "gather"} <= names:
        problems.append(f"the members of Stream were not found: {sorted(names)}")
    for name in sorted(names):
        page = site / f"{'stream' if name in ON_STREAM else PAGE_OF.get(name, name)}.html"
        if page not in pages or not re.search(rf"\b{name}\b", page.read_text()):
            problems.append(f"Stream::{name} has no page")


def check_distributed_streams_have_every_member():
    """Or say, in a message of the compiler, why not."""
    client = ROOT / "client/include/penstock"
    local = headers.members_of((RUNTIME / "detail/stream_class.hpp").read_text(), "Stream")
    distributed = (headers.members_of((client / "distributed_stream.hpp").read_text(), "DistributedStream")
                   + headers.members_of((client / "detail/not_on_futures.hpp").read_text(), "NotOnFutures"))
    there = {name for member in distributed for name in member.names} | {"Stream"}
    for name in sorted({name for member in local for name in member.names} - there):
        problems.append(f"DistributedStream::{name} is missing")


def check_links(site, pages):
    for path, page in pages.items():
        for link in page.links:
            if re.match(r"\w+:", link):
                continue
            file, _, anchor = link.partition("#")
            target = site / file if file else path
            if not target.exists():
                problems.append(f"{path.name} leads to {link}, which is not there")
            elif anchor and anchor not in pages[target].anchors:
                problems.append(f"{path.name} leads to {link}, which has no such place")


def check_nothing_comes_from_outside(pages):
    for path, page in pages.items():
        text = path.read_text()
        if re.search(r"<(script|img|link)[^>]*(src|href)=\"\w+:", text):
            problems.append(f"{path.name} loads something from outside")
        if page.open:
            problems.append(f"{path.name} leaves {page.open} open")


def check_all_code_is_compiled():
    listed = (ROOT / "tests/docs/CMakeLists.txt").read_text()
    for page in sorted((ROOT / "docs").rglob("*.md")):
        if "```cpp" in page.read_text() and not re.search(rf"\b{re.escape(page.stem)}\b", listed):
            problems.append(f"{page.name} has code that docs_snippets does not compile")


def check_examples_in_headers_are_compiled():
    """Each stands, line for line, in a file that is."""
    listed = (ROOT / "tests/docs/CMakeLists.txt").read_text()
    compiled = [squeeze(path.read_text()) for path in (ROOT / "tests/docs").glob("*_examples.cpp")
                if path.name in listed]
    for room in ("runtime", "client", "connectors"):
        for header in sorted((ROOT / room / "include").rglob("*.hpp")):
            if "detail" in header.parts:
                continue
            for kind, block in build.paragraphs(headers.comment_of(header.read_text())):
                is_list = block[0].lstrip().startswith(".")  # names of members
                if kind == "text" or is_list or all(marbles.looks_like(line) for line in block):
                    continue
                if not any(squeeze("\n".join(block)) in text for text in compiled):
                    problems.append(f"{header.name}: this is in none of tests/docs/*_examples.cpp:\n"
                                    + "\n".join(block))


def squeeze(text):
    return re.sub(r"\s+", " ", text).strip()


def check_messages_of_the_compiler_are_tested():
    expected = set()
    for case in (ROOT / "tests/compile_fail").glob("*.cpp"):
        found = re.match(r"// expect(?: only)?: (.*)", case.read_text())
        expected |= {found[1]} if found else set()
    page = (ROOT / "docs/compile-errors.md").read_text()
    messages = re.findall(r"^\| .* \| (`+.*`+) \|$", page, re.M)
    if len(messages) < 10:
        problems.append("the messages of docs/compile-errors.md were not found")
    for message in messages:
        if not any(text in message for text in expected):
            problems.append(f"docs/compile-errors.md: no test expects {message}")


def check_a_missing_package_is_named():
    code = ("import runpy, sys; sys.modules['markdown'] = None; "
            f"sys.path.insert(0, '{ROOT}/docs'); runpy.run_path('{ROOT}/docs/build.py', run_name='__main__')")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if run.returncode == 0 or "python3-markdown" not in run.stderr or "Traceback" in run.stderr:
        problems.append(f"docs/build.py does not say that python3-markdown is missing:\n{run.stderr}")


def main():
    site = pathlib.Path(sys.argv[1])
    built = subprocess.run([sys.executable, ROOT / "docs/build.py", site], capture_output=True, text=True)
    if built.returncode != 0:
        sys.exit(f"docs/build.py failed:\n{built.stdout}{built.stderr}")
    pages = {path: Reader(path) for path in site.glob("*.html")}
    check_every_header_has_a_page(site, pages)
    check_headers_begin_with_a_promise()
    check_every_marble_is_drawn(site, pages)
    check_every_node_source_and_sink_has_a_marble()
    check_marbles_are_read_right()
    check_every_member_of_stream_has_a_page(site, pages)
    check_distributed_streams_have_every_member()
    check_links(site, pages)
    check_nothing_comes_from_outside(pages)
    check_all_code_is_compiled()
    check_examples_in_headers_are_compiled()
    check_messages_of_the_compiler_are_tested()
    check_a_missing_package_is_named()
    print("\n".join(problems) or f"{len(pages)} pages, all in order")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()

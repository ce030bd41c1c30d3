#!/usr/bin/python3
"""Builds the documentation: a static site from the headers and from docs/guide. See docs/README.md.

    docs/build.py OUT
"""

import html
import json
import pathlib
import re
import shutil
import sys

try:
    import markdown
except ModuleNotFoundError:
    sys.exit(f"docs/build.py: {sys.executable} has no markdown: install Debian's python3-markdown "
             "(for /usr/bin/python3)")

import headers
import marbles

ROOT = pathlib.Path(__file__).resolve().parents[1]
RUNTIME = pathlib.Path("runtime/include/penstock")
CLIENT = pathlib.Path("client/include/penstock")
WORKER = pathlib.Path("worker/include/penstock")
CONNECTORS = pathlib.Path("connectors/include/penstock/connectors")

GROUPS = {
    "Guide": [], "Core": [],
    "Transform": "map map_async starmap pluck flatten concat accumulate scan keyed_accumulate frequencies",
    "Filter": "filter remove unique slice",
    "Windows": "window sliding_window partition partition_unique timed_window timed_window_unique collect",
    "Time and flow": "buffer rate_limit delay latest debounce throttle",
    "Joins": "zip zip_latest combine_latest union_with",
    "Sources": "from_iterable from_coroutine from_periodic from_queue filenames",
    "Sinks": "sink sink_to_vector sink_to_textfile",
    "Distributed": [], "Project": [], "Files": [],
}
CORE = {"stream": "Stream", "source": "Source", "emitter": "Emitter", "queue": "Queue", "token": "Token",
        "failure": "ErrorPolicy", "error": "Exceptions", "loop": "Loop", "virtual_loop": "VirtualLoop",
        "aggregates": "Aggregates", "own_node": "Nodes of one's own", "reconnect": "Reconnecting",
        "codec": "Encoding"}
DISTRIBUTED = {"distributed_stream": "DistributedStream", "distributed_window": "Windows of distributed streams", "client": "Client", "future": "Future",
               "broadcast": "Broadcast", "task_options": "TaskOptions", "task_error": "TaskError", "task": "Functions that travel",
               "named_task": "Tasks by name", "this_task": "Inside a task", "init": "init", "worker": "Worker"}
PROJECT = {"README.md": "README", "docs/differences.md": "Differences from streamz",
           "docs/compile-errors.md": "What the compiler says",
           "ARCHITECTURE.md": "Architecture", "CONTRIBUTING.md": "Contributing", "CHANGELOG.md": "Changelog",
           "docs/README.md": "About these pages"}
ALIASES = {"union_with": "merge"}
MORE_TESTS = {"distributed_stream": ["distributed_nodes", "gather_order"], "future": ["futures", "large_values"],
              "task_options": ["futures", "cluster_control"], "this_task": ["cluster_control"],
              "client": ["client", "cluster_control", "large_values"]}
BOLD = re.compile(r"^(Threads|Ownership|Errors|Back-pressure|Metadata|The end|Time|NaN)([.:] )")


class Page:
    """A page made of one file of the repository."""

    def __init__(self, path, group, title=None):
        self.path, self.group = pathlib.PurePosixPath(path), group
        self.text = (ROOT / path).read_text()
        header = self.path.suffix == ".hpp" and group != "Files"
        self.title = title or (self.path.stem if header else str(self.path))
        own_name = header or group == "Guide"
        self.file = (self.path.stem if own_name else str(self.path).replace("/", "-")) + ".html"
        self.body, self.summary = "", ""


class Site:
    def __init__(self):
        self.pages = {}  # by path
        self.problems = []
        self.copied = set()  # pictures
        self.members = headers.members_of((ROOT / RUNTIME / "detail/stream_class.hpp").read_text(), "Stream")
        self.distributed = headers.members_of((ROOT / CLIENT / "distributed_stream.hpp").read_text(),
                                              "DistributedStream")
        self.options = headers.declarations((ROOT / RUNTIME / "nodes/options.hpp").read_text())

    def add(self, path, group, title=None):
        return self.pages.setdefault(str(path), Page(path, group, title))

    # ---- which pages there are ----

    def collect(self):
        for path in sorted((ROOT / "docs/guide").glob("*.md"), key=lambda p: int(p.stem.partition("-")[0])):
            title = re.search(r"^# (.+)", path.read_text(), re.M)[1]
            self.add(path.relative_to(ROOT), "Guide", title)
        for name, title in CORE.items():
            self.add(RUNTIME / f"{name}.hpp", "Core", title)
        by_name = {name: group for group, names in GROUPS.items() if names for name in names.split()}
        found = [p for folder in (RUNTIME / "nodes", RUNTIME / "sources", CONNECTORS)
                 for p in sorted((ROOT / folder).glob("*.hpp")) if p.name != "options.hpp"]
        known = [name for names in GROUPS.values() if names for name in names.split()]
        order = {name: i for i, name in enumerate(known)}
        for path in sorted(found, key=lambda p: order.get(p.stem, len(order))):
            group = by_name.get(path.stem) or self.group_of(path)
            self.add(path.relative_to(ROOT), group)
        for name, title in DISTRIBUTED.items():
            folder = next(each for each in (CLIENT, WORKER, RUNTIME) if (ROOT / each / f"{name}.hpp").exists())
            self.add(folder / f"{name}.hpp", "Distributed", title)
        for path, title in PROJECT.items():
            self.add(path, "Project", title)

    def group_of(self, path):
        if path.parent.name == "nodes":
            self.problems.append(f"{path.name} is in no group: name it in GROUPS of docs/build.py")
        if path.stem.startswith("to_") or "sink" in path.stem:
            return "Sinks"
        return "Sources"

    # ---- what is on them ----

    def render(self):
        done = set()
        while todo := [page for page in self.pages.values() if page.path not in done]:
            for page in todo:  # links may add pages
                done.add(page.path)
                if page.path.suffix == ".md":
                    page.body = self.markdown(page)
                elif page.group == "Files":
                    page.body = f"<h1>{page.title}</h1><pre>{html.escape(page.text)}</pre>"
                else:
                    page.body = self.header(page)

    def markdown(self, page):
        text = re.sub(r"<!-- snippet:.*?-->\n?", "", page.text, flags=re.S)
        body = markdown.markdown(text, extensions=["fenced_code", "tables", "toc"])
        plain = re.search(r"<p>(.*?)</p>", body, re.S)
        page.summary = html.unescape(re.sub(r"<.*?>", "", plain[1])) if plain else ""
        return re.sub(r'(href|src)="([^"#]+)(#[^"]*)?"', lambda found: self.link(page, found), body)

    def link(self, page, found):
        kind, target, anchor = found[1], found[2], found[3] or ""
        if re.match(r"\w+:", target):
            return found[0]
        path = (ROOT / page.path.parent / target).resolve()
        if not path.exists():
            self.problems.append(f"{page.path}: there is no {target}")
            return found[0]
        if path.is_dir():
            return f'{kind}="index.html"'
        path = path.relative_to(ROOT)
        if kind == "src" or path.suffix in (".png", ".svg"):
            self.copied.add(path)
            return f'{kind}="{path.name}"'
        return f'{kind}="{self.add(path, "Files").file}{anchor}"'

    def header(self, page):
        comment = headers.comment_of(page.text)
        if not comment:
            self.problems.append(f"{page.path} has no leading comment")
        page.summary = first_sentence(" ".join(next(iter(paragraphs(comment)), ("", [""]))[1]))
        parts = [f"<h1>{page.title}</h1>", f'<p class="path">#include &lt;{include_of(page.path)}&gt;</p>',
                 self.comment(page, comment)]
        wanted = {page.path.stem, ALIASES.get(page.path.stem)}
        members = [d for d in self.members if wanted & set(d.names)]
        own = headers.declarations(page.text)
        if page.path.stem == "stream":  # the classes have a header of their own
            own = headers.declarations((ROOT / RUNTIME / "detail/stream_class.hpp").read_text())
        if members and "nodes" in page.path.parts:
            parts += ["<h2>Members of Stream&lt;T&gt;</h2>", code(d.text for d in members)]
            if there := [d for d in self.distributed if wanted & set(d.names)]:
                parts += ["<h2>Members of DistributedStream&lt;T&gt;</h2>", code(d.text for d in there)]
        used = set(re.findall(r"\w+Options|\bKeep\b", " ".join([page.text] + [d.text for d in members])))
        options = [d for d in self.options if used & set(d.names) and "nodes" in page.path.parts]
        if options:
            parts += ["<h2>Options</h2>", code(d.text for d in options)]
        if own:
            parts += ["<h2>Declarations</h2>", code("\n".join(d.text + "\n" for d in own).split("\n"))]
        tests = [test for stem in [page.path.stem, *MORE_TESTS.get(page.path.stem, [])]
                 for test in sorted((ROOT / "tests").rglob(f"{stem}_test.cpp"))]
        files = [page.path, *(path.relative_to(ROOT) for path in tests)]
        parts.append("<h2>Read on</h2><ul>" + "".join(self.source(path) for path in files) + "</ul>")
        return "\n".join(parts)

    def source(self, path):
        page = self.pages.setdefault(f"source of {path}", Page(path, "Files"))
        kind = "what it promises, as tests" if path.name.endswith("_test.cpp") else "the header"
        return f'<li><a href="{page.file}">{path}</a>: {kind}</li>'

    def comment(self, page, lines):
        out = []
        for kind, block in paragraphs(lines):
            if kind == "text":
                text = self.references(inline(" ".join(block)))
                out.append("<p>" + BOLD.sub(r"<b>\1</b>\2", text) + "</p>")
            elif all(marbles.looks_like(line) for line in block):
                out.append(self.picture(page, block))
            else:
                out.append(code(block))
        return "\n".join(out)

    def references(self, text):
        """Names of headers that have pages, as links."""
        files = {page.path.name: page.file for page in self.pages.values() if page.group != "Files"}
        return re.sub(r"(?:(?:nodes|sources)/)?(\w+\.hpp)", lambda found: (
            f'<a href="{files[found[1]]}">{found[0]}</a>' if found[1] in files else found[0]), text)

    def picture(self, page, block):
        try:
            drawn = marbles.svg([marbles.parse(line) for line in block])
        except ValueError as error:
            self.problems.append(f"{page.path}: {error}")
            drawn = ""
        return f'<div class="marble">{drawn}{code(block)}</div>'

    # ---- the files ----

    def write(self, out):
        if out.exists() and any(out.iterdir()):
            if not (out / "words.js").exists():
                sys.exit(f"{out} has other things in it: name an empty or a new folder")
            shutil.rmtree(out)
        out.mkdir(parents=True, exist_ok=True)
        for path in self.copied:
            shutil.copy(ROOT / path, out / path.name)
        shown = [page for page in self.pages.values() if page.group != "Files"]
        index = [[page.title, page.file, page.group, words(page.text)] for page in shown]
        (out / "words.js").write_text(f"const pages = {json.dumps(index)};\n")
        (out / "style.css").write_text((ROOT / "docs/style.css").read_text())
        frame = (ROOT / "docs/page.html").read_text()
        for page in self.pages.values():
            (out / page.file).write_text(fill(frame, page.title, page.body, self.sidebar(page)))
        (out / "index.html").write_text(fill(frame, "Penstock", self.overview(), self.sidebar(None)))

    def sidebar(self, current):
        parts = []
        for group in GROUPS:
            pages = [page for page in self.pages.values() if page.group == group]
            if not pages or group == "Files":
                continue
            links = "".join(f'<li><a href="{page.file}"{" aria-current=page" if page is current else ""}>'
                            f"{html.escape(page.title)}</a></li>" for page in pages)
            parts.append(f"<section><h2>{group}</h2><ul>{links}</ul></section>")
        return "\n".join(parts)

    def overview(self):
        parts = ["<h1>Penstock</h1><p>Time-aware streams for C++20 whose heavy maps run on a pool of worker "
                 "processes. Begin with the guide; every node has a page.</p>"]
        for group in GROUPS:
            pages = [page for page in self.pages.values() if page.group == group]
            if pages and group not in ("Files", "Project"):
                rows = "".join(f'<tr><td><a href="{page.file}">{html.escape(page.title)}</a></td>'
                               f"<td>{inline(page.summary)}</td></tr>" for page in pages)
                parts.append(f"<h2>{group}</h2><table>{rows}</table>")
        return "\n".join(parts)


def paragraphs(lines):
    """("text", lines) and ("code", lines), one after the other."""
    block, kind = [], None
    for line in [*lines, ""]:
        now = None if not line else "code" if line.startswith("  ") else "text"
        starts = now == "text" and block and re.match(r"[a-z]\w*\.\w+(<\w+>)?\([^:]*\): ", line)
        if (now != kind or starts) and block:
            yield kind, block
            block = []
        kind = now
        if line:
            block.append(line)


def first_sentence(text):
    return re.match(r".*?[^.][.:](?= [A-Z(]|$)|.*", text)[0]


# Names of functions, options and types in prose.
CODE = re.compile(r"(?<![\w/&;])((?:[\w.:~]|&lt;[\w, .:]*&gt;)+\((?:[^()]|\(\)){0,70}\)"
                  r"|\{\.[^}]*\}|\w+(?:::\w+)+|`[^`]+`)")


def inline(text):
    text = html.escape(text, quote=False)
    return CODE.sub(lambda found: f"<code>{found[1].strip('`')}</code>", text)


def code(parts):
    return f"<pre>{html.escape(chr(10).join(parts).rstrip(), quote=False)}</pre>"


def include_of(path):
    return str(path).partition("/include/")[2]


def words(text):
    return " ".join(sorted(set(re.findall(r"[a-z_][a-z_0-9]{2,}", text.lower()))))


def fill(frame, title, body, sidebar):
    for name, value in (("title", html.escape(title)), ("sidebar", sidebar), ("body", body)):
        frame = frame.replace("{{" + name + "}}", value)
    return frame


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    site = Site()
    site.collect()
    site.render()
    site.write(pathlib.Path(sys.argv[1]))
    for problem in site.problems:
        print(problem, file=sys.stderr)
    print(f"{len(site.pages)} pages in {sys.argv[1]}")
    sys.exit(1 if site.problems else 0)


if __name__ == "__main__":
    main()

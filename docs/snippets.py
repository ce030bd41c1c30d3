#!/usr/bin/python3
"""Makes a C++ file of the ```cpp blocks of a page, to be compiled and run: docs/snippets.py PAGE.md OUT.cpp

Each block is a function of its own; the next ```text block, if there is one before the next ```cpp block, is
what it must print. A comment in the line before a block changes that:

    <!-- snippet: declarations -->   stands in front of the functions that follow
    <!-- snippet: continued -->      belongs to the function before
    <!-- snippet: compiled -->       is not run: it needs a server
    <!-- snippet: connectors -->     the same, and compiled only when the connectors are built

and what the reader need not see stands in a comment of its own, anywhere before its use:

    <!-- snippet: preamble
    int increment(int x) { return x + 1; }
    -->
"""

import json
import pathlib
import re
import sys

BLOCK = re.compile(r"^<!-- snippet: preamble\n(?P<preamble>.*?)^-->$"
                   r"|(?:^<!-- snippet: (?P<kind>\w+) -->\n)?^```(?P<language>cpp|text)\n(?P<code>.*?)^```$",
                   re.M | re.S)


def generate(page):
    text = page.read_text()
    includes, out, functions = [], [], []

    def place(found, group, code):
        line = text.count("\n", 0, found.start(group)) + 1
        return f'#line {line} "{page}"\n{code}'

    for found in BLOCK.finditer(text):
        if found["language"] == "text":
            if functions:
                functions[-1]["expected"] = found["code"]
            continue
        group = "preamble" if found["preamble"] is not None else "code"
        code = found[group]
        includes += re.findall(r"^#include .*$", code, re.M)
        code = place(found, group, re.sub(r"^#include .*$", "", code, flags=re.M))
        if group == "preamble" or found["kind"] == "declarations":
            out.append(code)
        elif found["kind"] == "continued":
            functions[-1]["code"].append(code)
        elif found["kind"] in ("compiled", "connectors"):
            function = f"[[maybe_unused]] void only_compiled_{len(out)}() {{\n{code}}}"
            guarded = f"#ifdef PENSTOCK_DOCS_CONNECTORS\n{function}\n#endif"
            out.append(guarded if found["kind"] == "connectors" else function)
        else:
            functions.append({"line": text.count("\n", 0, found.start()) + 1, "code": [code], "expected": None})
            out.append(functions[-1])

    parts = [*dict.fromkeys(includes), '#include "tests/docs/snippet.hpp"', "namespace {", "namespace page {"]
    for number, part in enumerate(out):
        if isinstance(part, dict):
            part["name"] = f"snippet_{number}"
            part = f"void {part['name']}() {{\n" + "\n".join(part["code"]) + "}"
        parts.append(part)
    parts += ["}  // namespace page", "const penstock::docs::Snippets registered{"]
    for f in functions:
        expected = "nullptr" if f["expected"] is None else json.dumps(f["expected"])
        parts.append(f'    {{"{page.name}:{f["line"]}", page::{f["name"]}, {expected}}},')
    return "\n".join([*parts, "};", "}  // namespace", ""])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    pathlib.Path(sys.argv[2]).write_text(generate(pathlib.Path(sys.argv[1])))

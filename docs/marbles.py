"""Marble lines in comments: `in   -1--2--3--|` becomes a row of a picture.

A column is a moment. `-` is time that passes, `|` at the end is the end. What is in brackets is one element, and
so is a mixture of letters and digits (`1x`, `a.csv`); of letters only, or digits only, each is an element
(`123`); `,` or `|` stands between elements. Behind two spaces a note may follow. The label is a word: in, out,
a, push, partition 0.
"""

import dataclasses
import html
import re

LINE = re.compile(r"^ +(?P<label>[a-z]+( [A-Z0-9])?) +(?P<body>[-|,.:*\\\w\[\](){}]+)(  +(?P<note>\S.*))?$")
PART = re.compile(r"(?P<time>-+)|(?P<end>\|$)|(?P<element>[\[({][^\])}]*[\])}]|[^-|,\[({]+)|(?P<between>[,|])")
COLUMN, ROW, RADIUS = 18, 40, 11


@dataclasses.dataclass
class Row:
    label: str
    elements: list  # of (column, text)
    end: int | None  # its column
    length: int
    note: str


def looks_like(line):
    """Whether this line of a comment is meant to be a marble line."""
    found = LINE.match(line)
    return bool(found) and ("--" in found["body"] or found["body"].endswith("|"))


def parse(line):
    """The row, or ValueError."""
    found = LINE.match(line)
    if not found:
        raise ValueError(f"no marble line: {line}")
    body, elements, end, at = found["body"], [], None, 0
    while at < len(body):
        part = PART.match(body, at)
        if not part:
            raise ValueError(f"cannot read column {at} of marble line: {line}")
        text = part["element"]
        if part["end"]:
            end = at
        elif text and (text.isdigit() or text.isalpha()):
            elements += [(at + i, letter) for i, letter in enumerate(text)]
        elif text:
            elements.append((at, text))
        at = part.end()
    return Row(found["label"], elements, end, len(body), found["note"] or "")


def svg(rows):
    """A picture of rows that share one time."""
    columns = max(row.length for row in rows) + 2
    left = 12 + 9 * max(len(row.label) for row in rows)
    notes = max((len(row.note) for row in rows), default=0)
    width, height = left + COLUMN * columns + 8 * notes, ROW * len(rows)
    drawn = "".join(draw(row, ROW * i + ROW // 2, left) for i, row in enumerate(rows))
    spoken = html.escape("; ".join(f"{row.label}: {' '.join(t for _, t in row.elements)}" for row in rows))
    return (f'<svg class="marbles" viewBox="0 0 {width} {height}" style="max-width:{width}px" role="img" '
            f'aria-label="{spoken}">{drawn}</svg>')


def draw(row, y, left):
    def x(column):
        return left + COLUMN * column + RADIUS

    last = x(row.end if row.end is not None else row.length)
    parts = [text(4, y, row.label, "label"), f'<line x1="{left}" y1="{y}" x2="{last}" y2="{y}"/>']
    if row.end is None:
        parts.append(f'<path d="M{last - 6},{y - 5} L{last},{y} L{last - 6},{y + 5}"/>')
    else:
        parts.append(f'<line class="end" x1="{last}" y1="{y - 12}" x2="{last}" y2="{y + 12}"/>')
    for column, element in row.elements:
        width = max(2 * RADIUS, 8 * len(element) + 8)
        parts.append(f'<rect x="{x(column) - RADIUS}" y="{y - RADIUS}" width="{width}" height="{2 * RADIUS}" '
                     f'rx="{RADIUS}"/>')
        parts.append(text(x(column) - RADIUS + width / 2, y, element, "element"))
    if row.note:
        parts.append(text(last + 16, y, row.note, "note"))
    return "".join(parts)


def text(x, y, words, kind):
    return f'<text x="{x:g}" y="{y + 4}" class="{kind}">{html.escape(words)}</text>'

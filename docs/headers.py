"""Reads C++ headers in the house's style: their leading comment, and their public declarations."""

import dataclasses
import re

ACCESS = re.compile(r"(public|protected|private):")
HIDDEN = re.compile(r"// ---- for (?!sinks)")  # what the library needs of its own classes
OUTSIDE = re.compile(r"\b[A-Z]\w*(<[^()]*>)?::~?\w+\s*\(")  # a member defined outside of its class
FORWARD = re.compile(r"(template <[^;{]*>\s*)?(class|struct) \w+;", re.S)
SCOPE = re.compile(r"\s*(inline )?(namespace|class|struct|enum|union)\b")
INNER = re.compile(r"(explicit )?[A-Z]\w*\([^)]*\bdetail::|using (\w+)::\2$|friend\b"  # nothing to call
                   r"|(template <[^;{]*>\s*)?(class|struct) detail::")


@dataclasses.dataclass
class Declaration:
    text: str  # as in the header, with the comment before it, without bodies
    names: tuple  # what it declares


def comment_of(text):
    """The lines of the leading comment, without the slashes."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("//"):
            break
        lines.append(line[2:].removeprefix(" ").rstrip())
    return lines


def declarations(text):
    """The public declarations in namespace penstock, without those in detail."""
    body = re.sub(r"^#.*(\\\n.*)*\n", "", text, flags=re.M)
    lines = body.splitlines(True)
    while lines and lines[0].startswith("//"):
        del lines[0]
    return list(read("".join(lines), public=True))


def find(declared, name):
    """The declarations of this name."""
    return [d for d in declared if name in d.names]


def members_of(text, name):
    """The public members of a class, each as a Declaration."""
    start = re.search(rf"^(class|struct) {name}\b[^;{{]*{{", text, re.M)
    end = matching(text, start.end() - 1)
    return list(read(text[start.end():end], public=start[1] == "struct"))


# ---- a scanner for what stands between braces ----

def read(text, public):
    at, comment, hidden = 0, "", False
    while at < len(text):
        if text[at].isspace() or text[at] == ";":
            if text.startswith("\n\n", at):
                comment = ""
            at += 1
        elif text.startswith("//", at):
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            line = text[at:end]
            if line.startswith("// ----"):
                hidden, line = bool(HIDDEN.match(line)), ""
            comment += line + "\n" if line else ""
            at = end + (0 if line else 1)
            if line and not text.startswith("\n\n", at):
                at += 1
        elif found := ACCESS.match(text, at):
            public, hidden, comment, at = found[1] == "public", False, "", found.end()
        else:
            head, body, end = item(text, at)
            tail = re.compile(r"[ ;]*(//[^\n]*)?").match(text, end)
            if public and not hidden:
                yield from declared(head, body, comment, indent(text, at), tail[1] or "")
            comment, at = "", tail.end()


def item(text, at):
    """The next declaration: what is before its body, its body or None, and where it ends."""
    depth, seen_equals, i = 0, False, skip_template(text, at)
    while i < len(text):
        c = text[i]
        if (skipped := skip(text, i)) > i:
            i = skipped
            continue
        if c in "([":
            depth += 1
        elif c in ")]":
            depth -= 1
        elif depth == 0 and c == "=":
            seen_equals |= not re.search(r"operator\s*[<>!=]*$", text[at:i])
        elif depth == 0 and c == ";":
            return text[at:i], None, i + 1
        elif c == "{":
            head, end = text[at:i], matching(text, i)
            if is_body(head, depth, seen_equals):
                return head, text[i + 1:end], end + 1
            i = end
        i += 1
    return text[at:], None, len(text)


def is_body(head, depth, seen_equals):
    if depth > 0 or seen_equals or re.search(r"requires(\s*\([^)]*\))?\s*$", head):
        return False
    return ")" in head or bool(SCOPE.match(head[skip_template(head, 0):]))


def matching(text, at):
    depth, i = 0, at
    while i < len(text):
        if (skipped := skip(text, i)) > i:
            i = skipped
            continue
        depth += (text[i] == "{") - (text[i] == "}")
        if depth == 0:
            return i
        i += 1
    raise ValueError("a brace that is not closed")


def skip(text, at):
    """Behind the comment or the literal that begins here, or `at`."""
    if text.startswith("//", at):
        return text.find("\n", at)
    if text[at] not in "\"'" or (text[at] == "'" and text[at - 1].isdigit()):
        return at
    i = at + 1
    while text[i] != text[at]:
        i += 2 if text[i] == "\\" else 1
    return i + 1


def skip_template(text, at):
    """Behind `template <...>`, if that begins here: what is in it may have default values."""
    while found := re.compile(r"\s*template\s*<").match(text, at):
        depth, at = 1, found.end()
        while depth > 0:
            depth += (text[at] == "<") - (text[at] == ">")
            at += 1
    return at


def indent(text, at):
    return at - text.rfind("\n", 0, at) - 1


# ---- what of it is shown ----

def declared(head, body, comment, column, tail):
    head = re.sub(rf"^ {{{column}}}", "", head.rstrip(), flags=re.M)
    kind = re.search(r"(?:^|>\s*|inline )(namespace|class|struct|enum)\b", head)
    kind = kind[1] if kind else ""
    if kind == "namespace":
        if not re.search(r"\bdetail\b", head):
            yield from read(body, public=True)
    elif INNER.match(head) or (body is None and FORWARD.fullmatch(head + ";")):
        return
    elif kind and body is not None:
        inner = outdented(body, column) if kind == "enum" else members(body, kind == "struct")
        yield Declaration(f"{comment}{head} {{{inner}}};", names(head))
    else:
        head = re.sub(r"(\)(?:\s*noexcept)?)\s*:\s(?!:).*$", r"\1", head, flags=re.S)
        if head.startswith("using") or not OUTSIDE.search(head):
            note = f"  {tail}" if tail and "NOLINT" not in tail else ""
            yield Declaration(f"{comment}{head};{note}", names(head))


def outdented(text, column):
    return re.sub(rf"^ {{{column}}}", "", text, flags=re.M)


def members(body, public):
    shown = ["  " + d.text.replace("\n", "\n  ") for d in read(body, public)]
    return re.sub(r"(?<=;)\n(?=  //)", "\n\n", "\n" + "\n".join(shown) + "\n") if shown else ""


def names(head):
    """The name that a declaration declares."""
    plain = re.sub(r"^\s*requires.*?\n(?! {4})", "", head[skip_template(head, 0):].lstrip(), flags=re.S)
    plain = re.sub(r"\[\[.*?\]\]\s*", "", plain)
    found = (re.match(r"(?:class|struct|enum class|enum)\s+(\w+)", plain)
             or re.match(r"concept\s+(\w+)", plain) or re.match(r"using\s+(?:\w+::)*(\w+)", plain)
             or re.search(r"([\w~]+|operator\s*\S+)\s*\(", plain) or re.search(r"(\w+)\s*(?:=|\{|$)", plain))
    return (found[1],) if found else ()

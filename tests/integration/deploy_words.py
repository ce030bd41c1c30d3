#!/usr/bin/env python3
"""Files for the demo to count, and what it has to find in them.

  deploy_words.py generate FOLDER     writes the files, prints their totals as JSON
  deploy_words.py compare WANT GOT    compares two such files; exits 1 if they differ

Every content has several names, so that counting it here once is enough.
"""
import collections
import gzip
import json
import os
import random
import re
import string
import sys

CONTENTS = 8
NAMES = 28  # of each content
WORDS = 1_300_000  # of each content: about 8 MB


def make_words(rng):
    letters = string.ascii_lowercase
    return ["".join(rng.choices(letters, k=rng.randint(1, 10))) for _ in range(500)]


def make_text(rng):
    """Words in any case, between all that is no letter: digits, signs, other scripts, zeros."""
    forms = [form for word in make_words(rng) for form in (word, word.title(), word.upper())]
    ends = [" ", " ", " ", "\n", ", ", "7", "'", "\u00e9", "\0"]
    pieces = [form + end for form in forms for end in ends]
    return "".join(rng.choices(pieces, k=WORDS)).encode()


def generate(folder):
    rng = random.Random(20_240)
    counts, total = collections.Counter(), 0
    for content in range(CONTENTS):
        text = make_text(rng)
        zipped = content % 4 != 0
        first = os.path.join(folder, f"{content}-0.txt" + (".gz" if zipped else ""))
        with open(first, "wb") as file:
            half = len(text) // 2  # a .gz file of two members
            for part in (text[:half], text[half:]):
                file.write(gzip.compress(part, 1) if zipped else part)
        for name in range(1, NAMES):
            os.link(first, first.replace("-0.", f"-{name}."))
        total += len(text) * NAMES
        for word, count in collections.Counter(re.findall(rb"[a-z]+", text.lower())).items():
            counts[word.decode()] += count * NAMES
    top = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:10]
    return {"files": CONTENTS * NAMES, "skipped": 0, "bytes": total, "words": counts.total(),
            "distinct": len(counts), "top": [list(item) for item in top]}


def compare(want, got):
    same = True
    for key, value in want.items():
        if got.get(key) != value:
            print(f"{key}: {got.get(key)}, not {value}", file=sys.stderr)
            same = False
    return same


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def main(command, *arguments):
    if command == "generate":
        json.dump(generate(*arguments), sys.stdout)
        return 0
    return 0 if compare(*map(load, arguments)) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

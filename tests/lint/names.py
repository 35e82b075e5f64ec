#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Static functions whose names mislead.

    names.py [--report] FILE...

Prints FILE:LINE: what, status 1 if there was anything: a static function that
bears the name of one that another file exports, and one that is word for word
in two files.  --report tells instead, with status 0, what is a matter of taste:
one name in several files, and names that begin with the noun of another file,
so that they look exported.
"""
import collections
import os
import re
import sys

from style import blank

Function = collections.namedtuple("Function", "path line is_static name text")

# The type, on one line, the name at the begin of the next, the body.
DEFINITION = re.compile(
    r"^(?P<type>[a-z_][^\n;{}#=]*)\n(?P<name>[a-z_]\w*)(?P<text>\([^;{}]*\)\n"
    r"\{\n.*?^\}$)", re.MULTILINE | re.DOTALL | re.IGNORECASE)


def functions(path):
    with open(path, encoding="ascii") as file:
        source = file.read()
    code = blank(source)
    for match in DEFINITION.finditer(code):
        yield Function(path, code.count("\n", 0, match.start("name")) + 1,
                       "static" in match["type"].split(), match["name"],
                       # What is in strings counts, blanks do not.
                       source[match.start("text"):match.end("text")].split())


def noun(path):
    return os.path.splitext(os.path.basename(path))[0].replace("-", "_")


def misleading(statics, exported):
    for static in statics:
        home = exported.get(static.name)
        if home and home.path != static.path:
            yield static, f"{home.path} exports a function of this name"
    seen = {}
    for static in statics:
        first = seen.setdefault((static.name, *static.text), static)
        if first.path != static.path:
            yield static, f"it is in {first.path}, too, word for word"


def doubtful(statics, exported):
    places = collections.defaultdict(set)
    for static in statics:
        places[static.name].add(static.path)
    nouns = {noun(function.path): function.path
             for function in exported.values()}
    for static in statics:
        others = sorted(places[static.name] - {static.path})
        if others:
            yield static, f"also in {', '.join(others)}"
        for other in nouns:
            if static.name.startswith(other + "_") and \
                    not static.name.startswith(noun(static.path)):
                yield static, f"sounds like a function of {nouns[other]}"


def main():
    paths = sys.argv[1:]
    is_report = "--report" in paths
    found = [function for path in paths if path.endswith(".c")
             for function in functions(path)]
    statics = [function for function in found if function.is_static]
    exported = {function.name: function for function in found
                if not function.is_static}
    look = doubtful if is_report else misleading
    lines = [f"{static.path}:{static.line}: {static.name}: {what}"
             for static, what in look(statics, exported)]
    print("".join(line + "\n" for line in lines), end="")
    sys.exit(1 if lines and not is_report else 0)


if __name__ == "__main__":
    main()

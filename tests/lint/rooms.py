#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Which room may know which: the architecture, as a table that is checked.

    rooms.py [DIRECTORY [BUILD]]

DIRECTORY holds the sources (.), BUILD the object files (DIRECTORY/build).
Looked at are the includes of every file, and the symbols of the object files,
since a function can be declared without an include.  Prints FILE: what, status
1 if there was anything.  No two files may include each other, not even by way
of others, and no two may call each other.
"""
import collections
import os
import re
import subprocess
import sys

# A room, and what it may know.  It may know only what stands above it, so that
# the table itself has no circle.  A file instead of a room: that file alone.
ROOMS = {
    "base": "",
    "wire": "base",
    "sandbox": "base",
    "log": "base wire",
    "policy": "base wire log",
    "share": "base wire policy",
    "net": "base wire log policy share",
    "alg": "base wire log policy share net",
    "command": "base wire sandbox log policy share net",
    "session": "base wire sandbox log policy share net alg command",
    "service": "base wire sandbox log policy share net command session",
    # A library of its own, which other people's programs load.
    "lib": "base wire policy/reader policy/duration",
    # socks64-handler.c: main().
    "main": "base wire sandbox log policy share net command session service",
}
# Headers without a room, for everybody.
COMMON = ("status",)
# Not of the program.
TESTS = ("tests", "build")


def sources(directory):
    """The sources of the program, by their paths."""
    for path, directories, files in os.walk(directory):
        directories[:] = sorted(d for d in directories
                                if d not in TESTS and not d.startswith("."))
        for file in sorted(files):
            if file.endswith((".c", ".h")):
                yield os.path.relpath(os.path.join(path, file), directory)


def unit(path):
    """net/dial of net/dial.c and net/dial.h."""
    return os.path.splitext(path)[0]


def room(path):
    return os.path.dirname(path) or "main"


def includes(directory, path):
    """The files of the program that the file includes."""
    with open(os.path.join(directory, path), encoding="ascii") as file:
        for name in re.findall(r'^#\s*include "([^"]+)"', file.read(),
                               re.MULTILINE):
            for base in (directory, os.path.dirname(
                    os.path.join(directory, path))):
                found = os.path.join(base, name)
                if os.path.exists(found):
                    yield os.path.relpath(found, directory)
                    break


def symbols(paths):
    """Of object files: path, symbol, its kind there."""
    output = subprocess.run(["nm", "--extern-only", "--print-file-name", "-f",
                             "posix", *paths], check=True, text=True,
                            stdout=subprocess.PIPE).stdout
    for line in output.splitlines():
        path, symbol, kind = line.split()[:3]
        yield path[:-1], symbol, kind


def calls(build, units):
    """Who uses a symbol, who defines it, the symbol, and its kind."""
    objects = {os.path.join(build, name + ".o"): name for name in units}
    objects = {path: name for path, name in objects.items()
               if os.path.exists(path)}
    home, used = collections.defaultdict(set), []
    for path, symbol, kind in symbols(objects) if objects else ():
        if kind in "Uw":
            used.append((objects[path], symbol))
        else:
            # A room with two links may define a symbol twice.
            home[symbol].add((objects[path], kind))
    for name, symbol in used:
        for other, kind in sorted(home.get(symbol, ())):
            yield name, other, symbol, kind


def may_know(user, used):
    allowed = ROOMS[room(user)].split()
    return used in COMMON or room(used) in (room(user), *allowed) or \
        used in allowed


def reached(graph, name):
    """All that can be reached from there."""
    seen, todo = set(), [name]
    while todo:
        for other in graph.get(todo.pop(), ()):
            if other not in seen:
                seen.add(other)
                todo.append(other)
    return seen


def circles(graph):
    """Groups of which each member leads to each other one."""
    ways = {name: reached(graph, name) for name in graph}
    grouped = set()
    for name in sorted(graph):
        if name in ways[name] and name not in grouped:
            group = sorted(other for other in ways[name]
                           if name in ways.get(other, ()))
            grouped.update(group)
            yield ", ".join(group)


def check_table():
    names = list(ROOMS)
    for name, row in ROOMS.items():
        for known in row.split():
            if names.index(known.split("/")[0]) >= names.index(name):
                yield f"the table: {name} stands above {known}"


def check(directory, build):
    yield from check_table()
    paths = list(sources(directory))
    graph = collections.defaultdict(set)
    strange = {room(path) for path in paths} - set(ROOMS)
    for name in sorted(strange):
        yield f"{name}/: a room that tests/lint/rooms.py does not know"
    paths = [path for path in paths if room(path) not in strange]
    included = collections.defaultdict(set)
    for path in paths:
        for used in includes(directory, path):
            included[path].add(used)
            if not may_know(unit(path), unit(used)):
                yield f"{path}: {room(path)} must not include {used}"
    for group in circles(included):
        yield f"a circle of includes: {group}"
    called = collections.defaultdict(set)
    units = {unit(path) for path in paths if path.endswith(".c")}
    for user, used, symbol, kind in calls(build, units):
        # Who reads a table does not call whom the table names.
        if kind == "T":
            called[user].add(used)
        if not may_know(user, used):
            yield f"{user}.c: {room(user)} must not use {symbol} of {used}.c"
    for group in circles(called):
        yield f"a circle of calls: {group}"


def main():
    directory = sys.argv[1] if len(sys.argv) > 1 else "."
    build = sys.argv[2] if len(sys.argv) > 2 else \
        os.path.join(directory, "build")
    found = False
    for line in check(directory, build):
        print(line)
        found = True
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""How much of the program the fuzz targets run, all of them together.

    coverage.py --page FILE DIRECTORY 'TARGET CORPUS...'...

Each TARGET is a replay that counts what it runs (clang's instrumentation); it
is given its corpora, and what all have run is summed up for each room.
DIRECTORY gets what was counted, and `missed', the lines that none has run.
"""
import argparse
import collections
import json
import os
import subprocess
import sys

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "lib"))
import page

LLVM = "-14"
ROOMS = ["base", "wire", "log", "policy", "net", "share", "alg", "sandbox",
         "session", "command", "service"]


def replay(directory, words):
    """The file with the counts; a target that complains ends all."""
    program, *corpora = words.split()
    counts = os.path.join(directory, os.path.basename(program) + ".profraw")
    subprocess.run([program, *corpora], check=True,
                   stdout=subprocess.DEVNULL,
                   env={**os.environ, "LLVM_PROFILE_FILE": counts})
    return program, counts


def export(directory, programs, *options):
    objects = [word for program in programs[1:]
               for word in ("-object", program)]
    return json.loads(subprocess.run(
        ["llvm-cov" + LLVM, "export", *options, "-instr-profile",
         os.path.join(directory, "all"), programs[0], *objects],
        check=True, stdout=subprocess.PIPE).stdout)["data"][0]["files"]


def room_of(path):
    name = os.path.relpath(path)
    room = name.split("/")[0]
    if name == "socks64-handler.c":
        return "main()"
    return room if room in ROOMS and name.endswith(".c") else None


def sums(files):
    """Of each room: lines and branches, those that are run and all."""
    rooms = collections.defaultdict(lambda: [0, 0, 0, 0])
    for file in files:
        room = room_of(file["filename"])
        if room is None:
            continue
        lines, ways = file["summary"]["lines"], file["summary"]["branches"]
        for name in (room, "all"):
            for i, n in enumerate((lines["covered"], lines["count"],
                                   ways["covered"], ways["count"])):
                rooms[name][i] += n
    return rooms


def list_missed(directory, files):
    """FILE: the first lines of regions that nobody runs."""
    with open(os.path.join(directory, "missed"), "w",
              encoding="ascii") as out:
        for file in files:
            if room_of(file["filename"]) is None:
                continue
            lines = sorted({segment[0] for segment in file["segments"]
                            if segment[3] and segment[2] == 0})
            out.write(f"{os.path.relpath(file['filename'])}: "
                      f"{' '.join(map(str, lines))}\n")


def table(rooms, targets):
    yield page.heading(f"make fuzz-coverage, {targets} targets.\n")
    yield "| room | lines | run | branches | taken |"
    yield "| --- " * 5 + "|"
    for name in ROOMS + ["main()", "all"]:
        run, lines, taken, ways = rooms[name]
        yield (f"| {name} | {lines} | {100 * run / max(lines, 1):.1f} % | "
               f"{ways} | {100 * taken / max(ways, 1):.1f} % |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--page")
    parser.add_argument("directory")
    parser.add_argument("targets", nargs="+")
    options = parser.parse_args()
    os.makedirs(options.directory, exist_ok=True)
    programs, counts = zip(*(replay(options.directory, words)
                             for words in options.targets))
    subprocess.run(["llvm-profdata" + LLVM, "merge", "-o",
                    os.path.join(options.directory, "all"), *counts],
                   check=True)
    rooms = sums(export(options.directory, programs, "-summary-only"))
    list_missed(options.directory, export(options.directory, programs))
    lines = list(table(rooms, len(programs)))
    print("\n".join(lines))
    if options.page:
        page.replace(options.page, "fuzz-coverage", "\n".join(lines))


if __name__ == "__main__":
    sys.exit(main())

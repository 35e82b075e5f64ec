# SPDX-License-Identifier: ISC
"""The tables that targets leave in a page, between a line of their own and the
next line that says end."""
import os
import time

END = "<!-- end -->"


def machine():
    """Its kind: processors, memory, kernel."""
    with open("/proc/meminfo", encoding="ascii") as file:
        kilobytes = int(file.readline().split()[1])
    return (f"{os.cpu_count()} processors, {kilobytes >> 20} GiB, Linux "
            f"{os.uname().release.split('-')[0]} ({os.uname().machine})")


def table(head, rows):
    """Lines of Markdown."""
    lines = ["| " + " | ".join(head) + " |", "| --- " * len(head) + "|"]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return lines


def write(path, name, command, lines):
    """Replaces what `make NAME' wrote there the last time."""
    begin = f"<!-- make {name} -->"
    with open(path, encoding="ascii") as file:
        before, found, rest = file.read().partition(begin)
    if not found:
        raise SystemExit(f"{path}: no line {begin}")
    text = "\n".join([
        begin, time.strftime("%Y-%m-%d, ", time.gmtime()) + machine() +
        f". {command}", "", *lines, ""])
    with open(path, "w", encoding="ascii") as file:
        file.write(before + text + END + rest.partition(END)[2])

# SPDX-License-Identifier: ISC
"""What a target writes into a page of doc/: the text between its marks."""
import os
import time

BEGIN = "<!-- make %s -->"
END = "<!-- end of make %s -->"


def machine():
    """Its kind: processors, memory, kernel."""
    with open("/proc/meminfo", encoding="ascii") as file:
        kilobytes = int(file.readline().split()[1])
    return "%d processors, %d GiB, Linux %s (%s)" % (
        os.cpu_count(), kilobytes >> 20, os.uname().release.split("-")[0],
        os.uname().machine)


def heading(command):
    """The first line of such a text: when, where, by what."""
    return "%s, %s. %s" % (time.strftime("%Y-%m-%d", time.gmtime()),
                           machine(), command)


def table(head, rows):
    """Lines of Markdown."""
    lines = ["| " + " | ".join(head) + " |", "| --- " * len(head) + "|"]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return lines


def replace(path, target, text):
    """Puts the text between the marks of `make TARGET` in the page."""
    begin, end = BEGIN % target, END % target
    with open(path, "r+", encoding="ascii") as file:
        before, mark, rest = file.read().partition(begin)
        _, _, behind = rest.partition(end)
        if not mark:
            raise ValueError("%s has no %s" % (path, begin))
        file.seek(0)
        file.truncate()
        file.write(before + begin + "\n" + text.strip("\n") + "\n" + end +
                   behind)

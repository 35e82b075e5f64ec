#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Is every file that the handler opens in its AppArmor profile?

    apparmor.py HANDLER PROFILE OPTION...

A session of a unix-domain client runs under strace, as root, with these
options, and asks for a name that does not exist.  Prints each path that it
could open and the profile does not name; status 1 if there was one.  Files
that abstractions/base covers are told by name here: the profile includes it.
"""
import contextlib
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "peers"))
from streams import unix_connection  # noqa: E402, the path comes first

BASE = (r"/(usr/)?lib(64)?/.*|/etc/ld\.so\..*|/etc/localtime|/dev/log"
        r"|/dev/null|/dev/urandom|/usr/share/zoneinfo/.*|/proc/self/.*")
GLOB = re.compile(r"\*\*|\*|\?|\{|\}|,|[^*?{},]+")
TEXT = {"**": ".*", "*": "[^/]*", "?": "[^/]", "{": "(", "}": ")", ",": "|"}
VARIABLES = {"@{run}": "{/run,/var/run}", "@{PROC}": "/proc",
             "@{pid}": "[0-9]*", "@SBINDIR@": "**"}


def patterns(profile):
    """The paths of a profile's file rules, as one regular expression."""
    found = []
    with open(profile, encoding="ascii") as file:
        for line in file:
            match = re.match(r"  (?:owner )?([@/]\S*) [rwkmlix]+,$", line)
            if not match:
                continue
            path = match.group(1)
            for name, value in VARIABLES.items():
                path = path.replace(name, value)
            found.append("".join(TEXT.get(part, re.escape(part))
                                 for part in GLOB.findall(path)))
    return "|".join(f"({path})" for path in found)


def opened(handler, options):
    """What one session opened, connected to or made, by its path."""
    ours, its = unix_connection()
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as trace:
        with subprocess.Popen(
                ["strace", "-f", "-qq", "-e", "trace=%file,connect",
                 "-o", trace.name, handler, *options], stdin=its,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL) as process:
            its.close()
            ours.sendall(b"\5\1\0\5\1\0\3\7nowhere\0\1")
            with contextlib.suppress(ConnectionResetError):
                while ours.recv(100):
                    pass
            process.wait()
        lines = trace.read().splitlines()
    paths = set()
    for line in lines:
        if re.search(r"= -1 E|execve\(", line):
            continue
        paths.update(re.findall(r'"(/[^"]*)"', line)[:1])
    return paths


def main():
    handler, profile, *options = sys.argv[1:]
    known = re.compile(f"{BASE}|{patterns(profile)}")
    paths = opened(handler, options)
    if not any(path.endswith("/passwd") for path in paths):
        sys.exit(f"the session did not get far: {sorted(paths)}")
    unknown = sorted(path for path in paths if not known.fullmatch(path))
    print(*unknown, sep="\n", end="\n" if unknown else "")
    sys.exit(1 if unknown else 0)


if __name__ == "__main__":
    main()

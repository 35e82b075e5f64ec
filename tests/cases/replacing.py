#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Sessions while their configuration is replaced by rename.

    replacing.py HANDLER DIRECTORY

Two files take turns, a long and a short one, as fast as rename(2) goes.
Each session must be denied by the rule of one of the two, whole; it goes on
until both were read.
"""
import os
import re
import sys
import threading

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "peers"))
import handshake
import socks

SESSIONS = 150
SHORT = "deny all at any\n"
LONG = "# words\n" * 20000 + SHORT
LINES = {f"denied by PATH:{text.count(chr(10))}" for text in (SHORT, LONG)}


def replace(path, over, count):
    while not over.is_set():
        for text in (LONG, SHORT):
            new = f"{path}.new"
            with open(new, "w", encoding="ascii") as file:
                file.write(text)
            os.rename(new, path)
            count.append(1)


def main():
    program, directory = sys.argv[1:]
    path = os.path.join(directory, "replaced")
    with open(path, "w", encoding="ascii") as file:
        file.write(SHORT)
    over, count, seen = threading.Event(), [], set()
    thread = threading.Thread(target=replace, args=(path, over, count))
    thread.start()
    try:
        number = 0
        while number < SESSIONS or seen != LINES:
            handler = handshake.Handler(program, ["-f", path])
            handler.let_go()
            handler.send(socks.GREETING + socks.request("192.0.2.1", 80))
            got = handler.read_to_end()
            text, status = handler.finish()
            reason = re.search(r'reason="(.*)"$', text.rstrip("\n"))
            said = reason and reason[1].replace(path, "PATH")
            if status != 0 or said not in LINES or got[3:4] != b"\2":
                sys.exit(f"session {number}: {status} {got.hex()} {text}")
            seen.add(said)
            number += 1
    finally:
        over.set()
        thread.join()
    print(f"{number} sessions, {len(count)} replacements")


if __name__ == "__main__":
    main()

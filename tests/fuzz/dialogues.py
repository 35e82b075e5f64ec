#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The dialogues of tests/vectors/ftp as the fuzz target reads them.

    dialogues.py DIRECTORY FILE...

What either side of a FILE says becomes pieces: an octet with the side (0x80:
the server) and a length of 1 to 127, then so many octets.  Before them stands
an octet that says what kind of session it is: see tests/fuzz/ftp-dialogue.c.
"""
import os
import re
import sys

KINDS = {"64": 0, "46": 1, "44": 2, "66": 2}
VALUES = {"own,": "195,80", "own": "50000", "own:": "50000",
          "client,": "192,0,2,7", "client": "192.0.2.7",
          "server,": "192,0,2,80", "server": "192.0.2.80",
          "server,long": "4,4,192,0,2,80", "client,long": "4,4,192,0,2,7",
          "socks,": "4,56", "socks": "1080"}
IPV6 = {"client": "2001:db8::7", "server": "2001:db8::80"}


def octets(text, families):
    values = dict(VALUES)
    for role, family in zip(("client", "server"), families):
        if family == "6":
            values[role] = IPV6[role]
    text = re.sub(r"\{([^}]*)\}", lambda m: values.get(m[1], "1"), text)
    return re.sub(
        rb"\\(r|n|x[0-9a-f]{2})",
        lambda m: {b"r": b"\r", b"n": b"\n"}.get(m[1]) or
        bytes((int(m[1][1:], 16),)), text.encode("latin-1"))


def pieces(side, text):
    for i in range(0, len(text), 127):
        piece = text[i:i + 127]
        yield bytes((side | len(piece),)) + piece


def dialogue(lines):
    families, watched, out = "64", False, []
    for line in lines:
        word, _, rest = line.rstrip("\n").partition(" ")
        if word == "families":
            families = rest
        elif word == "login":
            out += pieces(0, b"USER a\r\n")
            out += pieces(0x80, b"230 in\r\n")
        elif word and word in "CcSs" or word in ("c!", "s!"):
            side = 0x80 if word[0] in "Ss" else 0
            end = b"\r\n" if word in "CS" else b""
            out += pieces(side, octets(rest, families) + end)
        elif line.startswith("option ftp-alg always"):
            watched = False
    kind = KINDS[families] | (4 if watched else 0)
    return kind, b"".join(out)


def main():
    directory, *files = sys.argv[1:]
    os.makedirs(directory)
    for path in files:
        with open(path, encoding="latin-1") as lines:
            kind, text = dialogue(lines)
        # The same with a server that is silent behind each piece.
        for more, end in ((0, ""), (32, "-silent")):
            with open(os.path.join(directory, os.path.basename(path) + end),
                      "wb") as out:
                out.write(bytes((kind | more,)) + text)


if __name__ == "__main__":
    main()

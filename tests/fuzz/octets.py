#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Makes a corpus of vectors: each message's octets as a file.

    octets.py DIRECTORY FILE...

Each FILE is a message in hexadecimal as tests/unit/message.c reads it; N*COUNT
is an octet that is repeated, lines with # are comments.
"""
import os
import sys


def octets(path):
    message = b""
    with open(path, encoding="ascii") as lines:
        for line in lines:
            if line.startswith("#"):
                continue
            for word in line.split():
                octet, _, count = word.partition("*")
                message += bytes.fromhex(octet) * int(count or 1)
    return message


def main():
    directory, *paths = sys.argv[1:]
    os.makedirs(directory, exist_ok=True)
    for path in paths:
        room = os.path.basename(os.path.dirname(path))
        name = os.path.basename(path).removesuffix(".hex")
        with open(os.path.join(directory, f"{room}-{name}"), "wb") as file:
            file.write(octets(path))


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Scripts for tests/fuzz/machine, to begin with: sessions as they should be.

    scripts.py DIRECTORY

Makes DIRECTORY/TARGET/NAME for each script of each target below.  A script
is a list of steps, written in octets as tests/fuzz/machine/script.c reads
them.
"""
import os
import sys


def some(what, octets):
    """A step with so many octets behind it."""
    head = [what << 5 | len(octets)] if 0 < len(octets) < 32 else \
        [what << 5, len(octets)]
    return bytes(head) + octets


def client(octets):
    return some(0, octets)


def server(octets):
    return some(1, octets)


def datagram(how, octets):
    """how: 0 the client, 1 the server, 2 a stranger, 4 the last receiver;
    times 8: to which socket."""
    length = len(octets)
    if 0 < length < 32:
        return bytes((2 << 5 | length, how)) + octets
    return bytes((2 << 5, how, length)) + octets


def pause(which):
    return bytes((3 << 5 | which,))


def event(which):
    return bytes((4 << 5 | which,))


def names(how, octets):
    return bytes((5 << 5 | how, len(octets))) + octets


def relate(which, octets=None):
    """What another process of the listening mode does: a signal, an end, a
    message."""
    head = bytes((2 << 5 | which,))
    return head if octets is None else head + bytes((len(octets),)) + octets


def choose(which):
    return bytes((7 << 5 | which,))


def say(*which):
    """Pieces of tests/fuzz/machine/pieces.c."""
    return bytes(6 << 5 | n for n in which)


CLIENT_ENDS, CLIENT_RESETS, SERVER_ENDS, SERVER_RESETS = map(event, range(4))
CLIENT_URGES, SERVER_URGES, TERM = map(event, (4, 5, 6))
CLIENT_MUCH, SERVER_MUCH, CLIENT_READS, SERVER_READS = map(event, range(7, 11))
SERVER_COMES, OTHER_COMES, CLIENT_COMES = map(event, (21, 22, 20))
REFUSED = event(13)
TO_SERVER = b"\0\0\0\x01\xc0\0\x02\x50\x00\x35"
TO_SERVER_IPV6 = b"\0\0\0\x04\x20\x01\x0d\xb8" + bytes(11) + b"\x80\x00\x35"
TO_NAME = b"\0\0\0\x03\x09a.example\x00\x35"
TO_ID = b"\0\0\0\x08\x00\x12\x34\x56\x00\x35"
TALK = client(b"abc") + server(b"xyz")
ALL = TALK + CLIENT_ENDS + server(b"more") + SERVER_ENDS
LOGIN = say(1, 2)

SESSION = {
    "connect": (0, 0, say(0, 4) + ALL),
    "early": (0, 0, client(b"\5\1\0\5\1\0\1\xc0\0\2\x50\0\x50early") + ALL),
    "name": (0, 0, say(0, 5) + ALL),
    "ipv6": (16, 0, say(0, 6) + ALL),
    "other-family": (16, 0, say(0, 4) + ALL),
    "bulk": (0, 0, say(0, 4) + (SERVER_MUCH + CLIENT_MUCH) * 8 + ALL),
    "slow": (128, 2, say(0, 4) + SERVER_MUCH + CLIENT_MUCH * 3 + pause(5)
             + CLIENT_READS + SERVER_READS + ALL),
    "urgent": (0, 0, say(0, 4) + CLIENT_MUCH * 8 + client(b"abc")
               + CLIENT_URGES + server(b"xyz") + SERVER_URGES + ALL),
    "reset": (0, 0, say(0, 4) + TALK + SERVER_RESETS),
    "client-resets": (0, 0, say(0, 4) + TALK + CLIENT_RESETS),
    "term": (0, 0, say(0, 4) + TALK + TERM),
    "silent": (128 | 9, 0, say(0, 4) + TALK),
    "half-closed": (128 | 9, 0, say(0, 4) + TALK + CLIENT_ENDS + pause(8)),
    "login": (2, 0, LOGIN + say(4) + ALL),
    "wrong-login": (2, 0, say(1, 3, 4)),
    "bind": (0, 0, say(0, 7) + SERVER_COMES + ALL),
    "bind-stranger": (0, 0, say(0, 7) + OTHER_COMES + SERVER_COMES + ALL),
    "bind-late": (128 | 9, 0, say(0, 7)),
    "udp": (0, 0, say(0, 8) + datagram(0, TO_SERVER + b"abc")
            + datagram(20, b"xyz") + datagram(0, TO_NAME + b"abc")
            + datagram(2, b"no")),
    "socks4": (1, 0, say(9) + ALL),
    "socks4a": (1, 0, say(10) + ALL),
    "socks4-bind": (1, 0, say(11) + SERVER_COMES + ALL),
    "proxy": (4, 0, say(12, 0, 4) + ALL),
    "proxy-v2": (4, 0, say(13, 0, 4) + ALL),
    "hop": (5, 0, say(1, 4, 18, 19) + ALL),
    "hop-name": (6, 0, say(0, 5, 18, 19) + ALL),
    "hop-bind": (5, 0, say(0, 7, 18, 19) + say(19) + ALL),
    "hop-udp": (5, 0, say(0, 8, 18, 19) + datagram(0, TO_SERVER + b"abc")),
    "associate": (3, 0, say(0, 16) + say(5) + ALL),
    "associate-connect": (13, 0, say(0, 17) + ALL),
    "unix": (0, 128, say(0, 4) + ALL),
    "http": (0, 0, client(b"GET / HTTP/1.1\r\n\r\n")),
    "tls": (0, 0, client(b"\x16\3\1\2\0\1\0\1")),
    "denied": (8, 0, say(0, 4)),
    "built-in": (12, 0, say(0, 4)),
    "nat64": (64 | 10, 0, say(0, 4) + ALL),
    "root": (14, 32, say(0, 4) + ALL),
    "ftp-watched": (1, 0, say(0, 14, 20, 23, 24, 25, 21) + ALL),
    "ftp-passive": (16 | 7, 0, say(0, 14, 20, 23, 24, 26, 21) + ALL),
    "ftp-active": (16 | 7, 0, say(0, 14, 20, 23, 24, 28, 29, 30)
                   + SERVER_COMES + choose(1) + server(b"data")
                   + SERVER_ENDS + choose(0) + say(31) + ALL),
    "ftp-port": (7, 0, say(0, 15, 20, 23, 24, 27, 29, 30) + SERVER_COMES
                 + choose(1) + server(b"data") + SERVER_ENDS + choose(0)
                 + say(31) + ALL),
    # What is no FTP waits for a client that does not read, for longer than a
    # greeting is waited for.
    "no-ftp-unread": (16 | 1, 2, say(0, 14) + server(b"x" * 240 + b"\n") * 4
                      + pause(1) + server(b"\0") + pause(8) + CLIENT_READS
                      + server(b"\0") + ALL),
    "no-table": (16 | 7, 4, say(0, 14, 20, 23, 24, 26, 21) + ALL),
    "no-route": (32, 0, say(0, 6)),
}
FATES = {"refused": 0x77, "silent": 0x88, "no-network": 0x99,
         "unreachable": 0xaa, "second": 0x07, "forbidden": 0xcc}

GOOD = names(2, b"\x80") * 2
NAMES = {
    "connect": (0, 0, GOOD + ALL),
    "socks4a": (1, 0, GOOD + ALL),
    "bind": (2, 0, GOOD + SERVER_COMES + ALL),
    "datagram": (3, 0, datagram(0, TO_NAME + b"abc") + GOOD
                 + datagram(20, b"xyz")),
    "associate": (4, 0, GOOD),
    "reverse": (6, 0, names(1, b"\1\xc0\x0c\0\x0c\0\1\0\0\0\1\0\x0d"
                            b"\4host\7example\0")),
    "hosts": (7, 32, ALL),
    "no-name": (0, 0, names(3, b"\3") * 2),
    "failed": (8, 0, names(3, b"\2") * 6),
    "cname": (0, 0, names(1, b"\2\xc0\x0c\0\5\0\1\0\0\0\1\0\4\1b\xc0\x0e"
                          b"\xc0\x28\0\x1c\0\1\0\0\0\1\0\x10\x20\1\x0d\xb8"
                          + bytes(11) + b"\x81") + names(2, b"\x80") + ALL),
    "truncated": (0, 0, names(10, b"\x80") * 2 + GOOD + ALL),
    "tcp": (16, 0, GOOD + ALL),
    "tcp-wrong-length": (16, 0, names(18, b"\x80") * 2 + pause(6) + GOOD),
    "forged": (0, 0, names(6, b"\x80") * 3 + GOOD + ALL),
    "twice": (0, 0, names(18, b"\x80") * 2 + ALL),
    "lame": (8, 0, names(3, b"\0") * 2 + GOOD + ALL),
    "silent": (0x28, 0, pause(8)),
    "raw": (0, 0, names(0, b"\x81\x80\0\1\0\1\0\0\0\0") + GOOD),
    "nat64": (0, 4, names(3, b"\0") + names(2, b"\x80")
              + names(2, b"\x80") + ALL),
    "one-by-one": (0x20, 0, names(2, b"\x80") + names(2, b"\x80") + ALL),
    "own-file": (0x38, 0, b"nameserver 192.0.2.53\noptions ndots:2\n\0"
                 + GOOD + ALL),
}

ASSOCIATION = {
    "there-and-back": (0, 0, datagram(0, TO_SERVER + b"abc")
                       + datagram(20, b"xyz")),
    "name": (0, 0, datagram(0, TO_NAME + b"abc") + datagram(20, b"xyz")),
    "ipv6": (0, 0, datagram(0, TO_SERVER_IPV6 + b"abc")
             + datagram(12, b"xyz")),
    "strangers": (0, 0, datagram(2, TO_SERVER + b"abc")
                  + datagram(2 + 8, b"xyz")),
    "fragment": (0, 0, datagram(0, b"\0\0\1" + TO_SERVER[3:] + b"abc")),
    "control": (8, 0, client(TO_SERVER) + client(TO_NAME)
                + datagram(0, TO_SERVER + b"abc") + client(TO_SERVER_IPV6)),
    "id": (1, 0, datagram(0, TO_ID + b"abc")),
    "associate": (0x19, 0, datagram(0, TO_NAME + b"abc")
                  + datagram(20, b"xyz")),
    "tunnel": (4, 0, say(18, 19) + datagram(0, TO_SERVER + b"abc")
               + datagram(12, TO_SERVER + b"xyz")),
    "tunnels": (5, 0, say(18, 19) + choose(1) + say(18, 19)
                + datagram(0, TO_NAME + b"abc")
                + datagram(0, TO_SERVER + b"abc")
                + datagram(12, TO_SERVER + b"xyz") + SERVER_ENDS),
    "proxied": (6, 0, datagram(0, TO_SERVER + b"abc")),
    "refused": (0, 0, datagram(0, TO_SERVER + b"abc") + choose(1) + REFUSED
                + datagram(0, TO_SERVER + b"abc")),
    "idle": (1, 8, datagram(0, TO_SERVER + b"abc")),
    "slow-name": (0, 16, datagram(0, TO_NAME + b"abc")
                  + datagram(0, TO_NAME + b"def") + GOOD),
    "denied": (3, 0, datagram(0, b"\0\0\0\1\xc0\0\2\x50\xff\xff" + b"abc")),
    "long": (0, 0, datagram(0, TO_SERVER + bytes(240))),
}

HOP = {
    f"{name}-{kind}": (kind | who << 3, 0, steps)
    for kind in range(8)
    for who, (name, steps) in enumerate({
        "connect": say(18, 19) + ALL,
        "name": say(18) + server(b"\5\0\0\3\4host\x9c\x40") + ALL,
        "destination": server(b"\5\0") + server(
            b"\5\0\x10\4\x20\1\x0d\xb8" + bytes(11) + b"\x80\x9c\x40") + ALL,
        "bind": say(18, 19) + pause(4) + say(19) + ALL,
        "bind-name": say(18, 19, 19) + ALL,
        "udp": say(18, 19) + datagram(0, TO_SERVER + b"abc")
        + datagram(12, TO_SERVER + b"xyz"),
        "login": server(b"\5\2") + server(b"\1\0") + say(19) + ALL,
        "ftp": say(18, 19, 20, 23, 24, 26, 22, 25, 21) + ALL,
    }.items())
}
HOP.update({
    "no-method": (0, 0, server(b"\5\xff")),
    "socks4": (0, 0, server(b"\0\x5a" + bytes(6))),
    "http": (0, 0, server(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
    "refused": (0, 0, say(18) + server(b"\5\5\0\1" + bytes(6))),
    "login-refused": (1, 0, server(b"\5\2") + server(b"\1\1")),
    "ends": (0, 0, say(18) + SERVER_ENDS),
    "silent": (5, 4, say(18)),
})

WORDS = {
    "test": (0, "\nallow at any\nauth password\npassword-file /etc/secrets\n"),
    "test-rules": (0, "\ndeny to @/etc/list\nallow at 10.0.0.0/8 port 22\n"
                   "allow user alice via 192.0.2.90:1080\n"),
    "dump": (1, "\nallow at any port 80,443\nlog-to journal\n"),
    "explain": (2, "CONNECT\n192.0.2.80\n80\n\nallow at any\n"),
    "explain-name": (2, "CONNECT\na.example\n80\n\nallow at any\n"),
    "explain-user": (2, "user=alice\nfrom=192.0.2.7\nconnect\nx.example:80\n"
                     "\nallow user alice at any\n"),
    "sandbox": (3, ""), "version": (4, ""), "help": (5, ""),
    "option": (6, "allow at any\n-T\n\nauth none\n"),
    "unknown": (12, "word\n\n"), "index": (9, "\n"),
    "root": (32, "\nuser nobody\nstate-dir /run/socks64\nallow at any\n"),
}


SERVICE = {
    "parent": (0, 0, b""), "gate": (0, 1, b""),
    "session": (8, 3, SERVER_COMES + say(0, 4) + ALL),
    "many": (1, 1, SERVER_COMES * 3 + OTHER_COMES),
    "per-client": (2, 1, (SERVER_COMES + pause(4)) * 4),
    "per-user": (3, 3, SERVER_COMES + say(1, 2, 4) + ALL),
    "metrics": (4, 0, relate(3, b"\0") + pause(6)),
    "broken": (5, 1, SERVER_COMES + pause(5) + SERVER_COMES),
    "proxied": (6, 3, SERVER_COMES + say(12, 0, 4) + ALL),
    "drains": (0, 0, relate(8) + pause(4)),
    "renews": (0, 0, relate(12) + pause(4)),
    "gate-ends": (0, 0, relate(1, b"\1")[:1] + b"\1" + pause(5)),
    "gate-dies": (0, 0, relate(2)[:1] + b"\x0b" + pause(5)),
    "root": (32, 0, b""), "path": (16, 1, SERVER_COMES),
    "idle": (7 | 64, 0, pause(9)),
}


def write(directory, target, scripts):
    os.makedirs(os.path.join(directory, target), exist_ok=True)
    for name, octets in scripts.items():
        with open(os.path.join(directory, target, name), "wb") as file:
            file.write(octets)


def main():
    directory = sys.argv[1]
    sessions = {name: bytes((a, b, 0, 0)) + steps
                for name, (a, b, steps) in SESSION.items()}
    for word, fate in FATES.items():
        for now in (0, 16):
            sessions[f"{word}-{now}"] = bytes((0, now, fate, fate)) + \
                say(0, 5) + ALL
    write(directory, "session", sessions)
    for target, scripts in (("names", NAMES), ("association", ASSOCIATION),
                            ("hop", HOP), ("service", SERVICE)):
        write(directory, target, {
            name: bytes((a, b)) + steps
            for name, (a, b, steps) in scripts.items()})
    write(directory, "command", {
        name: bytes((mode,)) + text.encode("ascii")
        for name, (mode, text) in WORDS.items()})


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Sessions whose rules have a list that cannot be looked up: its index was
whole when it was opened, and has no answers.

    unread.py HANDLER

What a rule would say with it is not known: nothing is opened, and nobody is
blamed for that.  Each is asked with a whole index, too.  Prints a line for
every case that failed, then how many there were.
"""
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "peers"))
import egress
import socks
from handler import DEADLINE
from handshake import Failure, Report

ASSOCIATE, WANTS_IPV4, FLAG_DESTINATION = 8, 1, 0x10
HERE, PEER = "127.0.0.1", "127.0.0.2"
LEFT = 2300  # octets of an index: all that is read when it is opened
BLAMES_NOBODY = r"^socks64\[\d+\]: error client=.* reason=\"this host could " \
                r"not look up "
REFUSED, DENIED = (5, "connect-failed"), (2, "denied")


class Lists:
    """One with a whole index, one whose index ends too early."""

    def __init__(self, program):
        self.directory = tempfile.mkdtemp(prefix="socks64-unread.", dir="/tmp")
        os.chmod(self.directory, 0o755)
        self.whole, self.broken = (os.path.join(self.directory, name)
                                   for name in ("whole", "broken"))
        for path in (self.whole, self.broken):
            with open(path, "w", encoding="ascii") as file:
                file.writelines(f"n{number}\n" for number in range(2000))
                file.write("192.0.2.1\n2001:db8::1\n")
            subprocess.run([program, "--index", path], check=True,
                           stdout=subprocess.DEVNULL)
        os.truncate(self.broken + ".cdb", LEFT)

    @staticmethod
    def lines(path, lines):
        return [line.replace("LIST", "@" + path) for line in lines]

    def options(self, path, lines):
        return [word for line in self.lines(path, lines)
                for word in ("-o", line)]

    def remove(self):
        shutil.rmtree(self.directory)


def session(program, options, octets, status):
    """What came behind the method, and the record."""
    answer, text, ended = egress.said([program, *options], octets)
    if ended != (0 if os.environ.get("LISTEN") else status):
        raise Failure(f"status {ended}: {text}")
    return answer, text


def refused(program, lists, lines, octets, whole):
    """With a whole index the REP and record `whole`."""
    answer, text = session(program, lists.options(lists.whole, lines), octets,
                           0)
    if answer[3:4] != bytes(whole[:1]) or f": {whole[1]} " not in text:
        raise Failure(f"whole: {answer.hex()}, not {whole}: {text}")
    answer, text = session(program, lists.options(lists.broken, lines), octets,
                           71)
    if answer[3:4] != b"\1" or not re.search(
            BLAMES_NOBODY + re.escape(lists.broken) + r"\.cdb\"$", text, re.M):
        raise Failure(f"{answer.hex()}: {text}")


def decided(program, lists, lines):
    """What the list says makes no difference: the rules deny."""
    answer, text = session(program, lists.options(lists.broken, lines),
                           socks.request("localhost", 9, "name"), 0)
    if answer[3:4] != b"\2" or ": denied " not in text:
        raise Failure(f"{answer.hex()}: {text}")


def unproxied(program, lists):
    """Who may bring a PROXY header."""
    lines = ("proxy-protocol-from LIST", "allow all at any")
    _, text = session(program, lists.options(lists.whole, lines), b"", 0)
    if ": bad-proxy-header " not in text:
        raise Failure(f"whole: {text}")
    _, text = session(program, lists.options(lists.broken, lines), b"", 71)
    if not re.search(r": error .*could not look up proxy-protocol-from", text):
        raise Failure(text)


def dropped(program, lists, path, reason):
    """Two datagrams, of which the record says why they were dropped; a third
    one is not, and tells that they were read."""
    lines = lists.lines(path, (f"allow udp at {PEER}", "allow all at LIST"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind((PEER, 0))
        peer.settimeout(DEADLINE)
        a = egress.Association(program, lines)
        try:
            for to in ((HERE, 9), (HERE, 9), peer.getsockname()):
                a.send(*to)
            peer.recv(1000)
            text = a.end()
        finally:
            a.handler.kill()
    if not re.search(rf" datagrams=1/0/2 .*drops={reason}:2 ", text):
        raise Failure(text)


def explained(program, lists):
    """-e judges as a session does."""
    for path, status in ((lists.whole, 1), (lists.broken, 71)):
        done = subprocess.run(
            [program, *lists.options(path, ("allow all at LIST",)), "-e",
             "connect", HERE, "8.8.8.8:80"], check=False, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode != status or not done.stdout.startswith("denied "):
            raise Failure(done)


def main():
    program, = sys.argv[1:]
    lists = Lists(program)
    report = Report()
    connect = socks.request(HERE, 9)
    outside = socks.request("9.9.9.9", 9)
    by_name = socks.request("localhost", 9, "name")
    bind = socks.request(HERE, 0, command=socks.BIND)
    # Never in hosts, and of both families.
    both = socks.request("both.localhost", 9, "name")
    any_family = bytearray(socks.request("both.localhost", WANTS_IPV4, "name",
                                         ASSOCIATE))
    any_family[2] = FLAG_DESTINATION
    associate = socks.request("localhost", WANTS_IPV4, "name", ASSOCIATE)
    try:
        for lines, octets, whole in (
                (("deny at LIST", "allow all at any"), connect, REFUSED),
                (("allow at LIST",), connect, DENIED),
                (("deny to LIST", "allow all at any"), by_name, REFUSED),
                (("allow to LIST at any",), by_name, DENIED),
                (("allow from LIST at any",), connect, DENIED),
                # A name that may be for the next gateway does not go past it.
                (("allow to LIST via 127.0.0.1:1", "allow all at any"),
                 by_name, REFUSED),
                (("inside LIST", "allow"), outside, (3, "connect-failed")),
                (("allow bind at LIST",), bind, DENIED),
                (("allow at LIST", "address-id on"), associate, DENIED),
                # The first address is denied, or that is not known; the other
                # one is denied.
                (("deny at 127.0.0.1", "allow at LIST"), both, DENIED),
                (("deny at 127.0.0.1", "allow at LIST", "address-id on"),
                 any_family, DENIED)):
            report.run(str(lines), refused, program, lists, lines, octets,
                       whole)
        for lines in (("allow bind to LIST at any",),
                      ("allow to LIST at any port 443",),
                      ("allow to LIST at 192.0.2.0/24",),
                      ("deny to LIST port 443",),
                      ("deny all", "allow to LIST at any")):
            report.run(f"decided: {lines}", decided, program, lists, lines)
        report.run("proxy-protocol-from", unproxied, program, lists)
        report.run("a datagram, whole", dropped, program, lists, lists.whole,
                   "rule")
        report.run("a datagram, broken", dropped, program, lists,
                   lists.broken, "send")
        report.run("-e", explained, program, lists)
    finally:
        lists.remove()
    report.end()


if __name__ == "__main__":
    main()

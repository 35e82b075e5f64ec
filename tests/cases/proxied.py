#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""PROXY protocol headers, versions 1 and 2, through the handler itself.

    proxied.py HANDLER CHECK

As handshake.py: each CHECK prints a line for every case that failed, then how
many there were.
"""
import ipaddress
import os
import re
import socket
import struct
import sys
import tempfile

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "peers"))
import handshake
import socks
import streams
from handshake import Failure, Handler, Report, Sink

VECTORS = os.path.join(os.path.dirname(handshake.VECTORS), "proxy")
FROM_HERE = ["-o", "proxy-protocol-from loopback"]
REFUSED = b"\5\0" + bytes.fromhex(handshake.FAILURE % 2)
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def version_1(source, destination, port=4711, target=1080):
    family = 4 if ":" not in source else 6
    return (f"PROXY TCP{family} {source} {destination} {port} "
            f"{target}\r\n").encode()


def version_2(source, destination, port=4711, target=1080):
    source, destination = map(ipaddress.ip_address, (source, destination))
    block = (source.packed + destination.packed +
             struct.pack("!HH", port, target))
    return (SIGNATURE + bytes((0x21, 0x11 if source.version == 4 else 0x21)) +
            struct.pack("!H", len(block)) + block)


LOCAL = SIGNATURE + b"\x20\0\0\0"
UNKNOWN = b"PROXY UNKNOWN\r\n"


class Vector:
    """A file of tests/vectors/proxy: octets, verdict, who the client is."""

    def __init__(self, name):
        self.name, self.verdict, _ = name.rsplit(".", 2)
        self.octets = b""
        self.client = None
        with open(os.path.join(VECTORS, name), encoding="ascii") as lines:
            for line in lines:
                if line.startswith("#="):
                    self.client = line.split()[1]
                elif not line.startswith("#"):
                    for word in line.split():
                        octet, _, times = word.partition("*")
                        self.octets += bytes.fromhex(octet) * int(times or 1)


# What the record says of a header, by the beginnings of vectors' names.
WHY = (
    ("http", "does not begin with a PROXY header"),
    ("other", "does not begin with a PROXY header"),
    ("v1-almost", "does not begin with a PROXY header"),
    ("v2-signature", "does not begin with a PROXY header"),
    ("v1-lower-case", "does not begin with a PROXY header"),
    ("v1-lf-only", "version 1 that ends without CR LF"),
    ("v1-cr-inside", "version 1 that ends without CR LF"),
    ("v1-10", "version 1 of more than 107 octets"),
    ("v1-two-blanks", "version 1 that has not six words"),
    ("v1-port-missing", "version 1 that has not six words"),
    ("v1-udp4", "version 1 of neither TCP4, TCP6 nor UNKNOWN"),
    ("v1-port-", "version 1 whose source is no address and port"),
    ("v1-family-6-in-4", "version 1 whose source is no address and port"),
    ("v2-version", "version 2 that is neither LOCAL nor PROXY"),
    ("v2-command", "version 2 that is neither LOCAL nor PROXY"),
    ("v2-family", "version 2 of an unknown family or protocol"),
    ("v2-protocol", "version 2 of an unknown family or protocol"),
    ("v2-65535", "version 2 of more than 4112 octets"),
    ("v2-short", "version 2 that is too short for its addresses"),
    ("v2-empty", "version 2 that is too short for its addresses"),
    ("v2-crc", "version 2 with a wrong checksum, or half a TLV"),
    ("v2-tlv", "version 2 with a wrong checksum, or half a TLV"),
)


def why(vector):
    if vector.verdict != "bad":
        return ""
    return next((text for start, text in WHY
                 if vector.name.startswith(start)),
                "a PROXY header of version ")


def record_of(handler, wanted, client=None, why=""):
    """The one record, with its client: the header's or the connection's."""
    text, status = handler.finish()
    if why not in text:
        raise Failure(f"the record does not say {why!r}: {text!r}")
    if status != 0:
        raise Failure(f"exit status {status}: {text!r}")
    handshake.check_record(text, client or handler.name, wanted)


def play(program, vector):
    """The header, then a greeting and a request that is denied."""
    handler = Handler(program, FROM_HERE + handshake.DENY +
                      ["-o", "log-level debug"] +
                      (["-o", "handshake-timeout 300ms"]
                       if vector.verdict == "more" else []))
    try:
        behind = socks.GREETING + socks.request("192.0.2.1", 80)
        handler.let_go()
        done = vector.verdict == "done"
        handler.send(vector.octets + (b"" if vector.verdict == "more"
                                      else behind))
        got = handler.read_to_end()
        if got != (REFUSED if done else b""):
            raise Failure(f"answer {got.hex()}")
        if not done:
            record_of(handler, "bad-proxy-header" if vector.verdict == "bad"
                      else "handshake-timeout", why=why(vector))
        elif vector.client in ("local", "-"):
            record_of(handler, "denied dest=192.0.2.1:80")
        else:
            record_of(handler, "denied dest=192.0.2.1:80", vector.client)
    finally:
        handler.kill()


def check_vectors(program, report):
    for name in sorted(os.listdir(VECTORS)):
        vector = Vector(name)
        report.run(name, play, program, vector)


def cut_in_two(program, header, cut, client="192.0.2.7:4711"):
    """Header, greeting, request, data: nothing is lost, whatever the cut."""
    sink = Sink()
    payload = b"ahead"
    octets = (header + socks.GREETING +
              socks.request("127.0.0.1", sink.port) + payload)
    handler = Handler(program, FROM_HERE + handshake.LOOPBACK)
    try:
        if cut is None:
            for i in range(len(octets) - 1):
                handler.send(octets[i:i + 1], last=False)
            cut = len(octets) - 1
        elif cut > 0:
            handler.send(octets[:cut], last=False)
        handler.let_go()
        handler.send(octets[cut:])
        handler.client.shutdown(socket.SHUT_WR)
        got = handler.read_to_end()
        if not got.startswith(b"\5\0\5\0") or not got.endswith(b"thank you"):
            raise Failure(f"answer {got.hex()}")
        sink.thread.join(handshake.DEADLINE)
        if sink.octets != payload:
            raise Failure(f"the server got {sink.octets!r}")
        record_of(handler, f"ok up={len(payload)} down=9", client)
    finally:
        handler.kill()
        sink.close()


def check_cuts(program, report):
    for name, header in (
            ("1", version_1("192.0.2.7", "192.0.2.1")),
            ("2", version_2("192.0.2.7", "192.0.2.1"))):
        for cut in (None, *range(len(header) + 20)):
            report.run(f"version {name} cut at {cut}", cut_in_two, program,
                       header, cut)


def checked(program, header, level, talk):
    """A health check: nothing above debug, whatever it says."""
    handler = Handler(program, FROM_HERE + handshake.DENY +
                      ["-o", f"log-level {level}"])
    try:
        handler.let_go()
        handler.send(header + talk)
        handler.client.shutdown(socket.SHUT_WR)
        got = handler.read_to_end()
        if got != (b"\5\0" if talk else b""):
            raise Failure(f"answer {got.hex()}")
        if level == "debug":
            record_of(handler, "client-gone")
        else:
            text, status = handler.finish()
            if text or status != 0:
                raise Failure(f"status {status}, logged: {text}")
    finally:
        handler.kill()


def asks_more(program, header, options, talk, answer, record):
    """What is no health check any more has its record."""
    handler = Handler(program, FROM_HERE + handshake.LOOPBACK + options)
    try:
        handler.let_go()
        handler.send(header + talk)
        handler.client.shutdown(socket.SHUT_WR)
        got = handler.read_to_end()
        if not got.startswith(answer):
            raise Failure(f"answer {got.hex()}")
        record_of(handler, record)
    finally:
        handler.kill()


def check_health(program, report):
    for talk in (b"", socks.GREETING):
        for level in ("info", "debug"):
            report.run(f"LOCAL {level} {talk.hex()}", checked, program,
                       LOCAL, level, talk)
    sink = Sink()
    request = socks.GREETING + socks.request("127.0.0.1", sink.port)
    sink.close()
    report.run("LOCAL asks for something", asks_more, program, LOCAL,
               [], request, REFUSED[:4],
               f"denied dest=127.0.0.1:{sink.port}")
    with tempfile.NamedTemporaryFile() as passwords:
        os.chmod(passwords.name, 0o644)
        passwords.write(b"alice:$6$salt$hash\n")
        passwords.flush()
        report.run("LOCAL logs in", asks_more, program, LOCAL,
                   ["-o", "auth password", "-o",
                    f"password-file {passwords.name}"],
                   b"\5\1\2\1\5alice\6secret", b"\5\2\1\1",
                   "auth-failed user=alice")
    for name, header in (("UNKNOWN", UNKNOWN),
                         ("UNSPEC", SIGNATURE + b"\x21\0\0\0")):
        report.run(name, asks_more, program, header,
                   ["-o", "log-level debug"], b"", b"", "client-gone")
        report.run(f"{name} asks", cut_in_two, program, header, 0,
                   None)


def sent_away(program, options, octets, wanted):
    """Closed without an octet."""
    if wanted == "handshake-timeout":
        options = [*options, "-o", "handshake-timeout 400ms"]
    handler = Handler(program, [*options, *handshake.LOOPBACK])
    try:
        handler.let_go()
        handler.send(octets)
        got = handler.read_to_end()
        if got:
            raise Failure(f"answer {got.hex()}")
        record_of(handler, wanted)
    finally:
        handler.kill()


def check_closed(program, report):
    session = socks.GREETING + socks.request("127.0.0.1", 9)
    header = version_2("192.0.2.7", "192.0.2.1")
    for name, options in (("another", "192.0.2.99"), ("unix", "unix"),
                          ("IPv6", "::/0"), ("global", "global")):
        options = ["-o", f"proxy-protocol-from {options}"]
        for what, octets in (("header", header + session),
                             ("no header", session), ("an octet", b"\5")):
            report.run(f"from {name}, {what}", sent_away, program, options,
                       octets, "bad-proxy-header")
    report.run("no header", sent_away, program, FROM_HERE, session,
               "bad-proxy-header")
    report.run("half a header", sent_away, program, FROM_HERE, header[:20],
               "handshake-timeout")
    report.run("half a line", sent_away, program, FROM_HERE,
               version_1("192.0.2.7", "192.0.2.1")[:-1], "handshake-timeout")
    report.run("any", invited, program)
    report.run("two headers", twice, program)
    report.run("silence", silent, program)


def invited(program):
    """`any' is everybody, also this one."""
    handler = Handler(program, ["-o", "proxy-protocol-from any",
                                *handshake.DENY])
    try:
        handler.let_go()
        handler.send(version_1("192.0.2.7", "192.0.2.1") + socks.GREETING +
                     socks.request("192.0.2.1", 80))
        if handler.read_to_end() != REFUSED:
            raise Failure("not served")
        record_of(handler, "denied", "192.0.2.7:4711")
    finally:
        handler.kill()


def twice(program):
    """The second is no greeting."""
    handler = Handler(program, FROM_HERE + handshake.DENY)
    try:
        handler.let_go()
        handler.send(2 * version_1("192.0.2.7", "192.0.2.1"))
        if handler.read_to_end():
            raise Failure("answered")
        record_of(handler, "not-socks", "192.0.2.7:4711")
    finally:
        handler.kill()


def silent(program):
    handler = Handler(program, FROM_HERE + ["-o", "handshake-timeout 300ms"])
    try:
        handler.let_go()
        if handler.read_to_end():
            raise Failure("answered")
        text, _ = handler.finish()
        if text:
            raise Failure(f"logged: {text}")
    finally:
        handler.kill()


def ask(program, options, header, destination):
    """A session behind a header: (reply, record)."""
    handler = Handler(program, FROM_HERE + options)
    try:
        handler.let_go()
        handler.send(header + socks.GREETING + destination)
        method = streams.receive_exactly(handler.client, 2)
        if method != b"\5\0":
            raise Failure(f"method {method.hex()}")
        head = streams.receive_exactly(handler.client, 4)
        size = 4 if head[3] == 1 else 16
        rest = streams.receive_exactly(handler.client, size + 2)
        streams.close_by_reset(handler.client)
        text, _ = handler.finish()
        return (head[1], ipaddress.ip_address(rest[:size]),
                int.from_bytes(rest[size:], "big"), text)
    finally:
        handler.kill()


def judged(program, rules, header, reply):
    with socket.create_server(("127.0.0.1", 0)) as server:
        options = [word for rule in rules for word in ("-o", rule)]
        got = ask(program, options, header,
                  socks.request("127.0.0.1", server.getsockname()[1]))
        if got[0] != reply:
            raise Failure(f"reply {got[0]}: {got[3]}")


def check_policy(program, report):
    """Rules see who the header names, not who sent it."""
    here = "192.0.2.1", "2001:db8::1"
    rows = [
        (["allow all from 192.0.2.7 at loopback"], "192.0.2.7", 0),
        (["allow all from 192.0.2.7 at loopback"], "192.0.2.8", 2),
        (["allow all from 192.0.2.7 at loopback"], "::ffff:192.0.2.7", 0),
        (["allow all from 192.0.2.7 at loopback"], "64:ff9b::c000:207", 0),
        (["allow all from loopback at loopback"], "192.0.2.7", 2),
        (["allow all from loopback at loopback"], "::1", 0),
        (["deny from 2001:db8::/32", "allow at loopback"], "2001:db8::7", 2),
        (["deny from 2001:db8::/32", "allow at loopback"], "2001:db9::7", 0),
        (["allow from unix at loopback"], "192.0.2.7", 2),
        ([], "8.8.8.8", 2),
    ]
    for rules, client, reply in rows:
        there = here[":" in client]
        report.run(f"{rules} {client} v2", judged, program, rules,
                   version_2(client, there), reply)
        if not client.startswith("::ffff"):
            report.run(f"{rules} {client} v1", judged, program, rules,
                       version_1(client, there), reply)


def bound(program, client, there, wanted):
    """BND is in the family of whom the header names."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        reply, address, port, text = ask(
            program, handshake.LOOPBACK, version_2(client, there),
            socks.request("127.0.0.1", server.getsockname()[1]))
        match = re.search(r" local=127\.0\.0\.1:(\d+) ", text)
        if reply != 0 or str(address) != wanted or port != int(match[1]):
            raise Failure(f"{reply} {address} {port}: {text}")


def check_bound(program, report):
    for client, there, wanted in (
            ("192.0.2.7", "192.0.2.1", "127.0.0.1"),
            ("::ffff:192.0.2.7", "::ffff:192.0.2.1", "127.0.0.1"),
            # The server's family is another: where the proxy was reached.
            ("2001:db8::7", "2001:db8::1", "2001:db8::1"),
            # A destination of neither: zeros.
            ("2001:db8::7", "::ffff:192.0.2.1", "0.0.0.0")):
        report.run(f"{client} {there}", bound, program, client, there, wanted)


def check_destination(program, report):
    """Whoever asks, the header's destination is out of reach."""

    def refused(header, destination):
        reply, _, _, text = ask(program, ["-o", "allow all at any,self"],
                                header, destination)
        if reply != 2 or "the destination of the PROXY header" not in text:
            raise Failure(f"{reply}: {text}")

    def reached():
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            got = ask(program, handshake.LOOPBACK, version_2(
                "192.0.2.7", "127.0.0.2", target=port),
                      socks.request("127.0.0.1", port))
            if got[0] != 0:
                raise Failure(f"{got}")

    for make in (version_1, version_2):
        report.run(f"{make.__name__} 4", refused, make(
            "192.0.2.7", "192.0.2.1", target=7777),
                   socks.request("192.0.2.1", 7777))
        report.run(f"{make.__name__} 4 as text", refused, make(
            "192.0.2.7", "192.0.2.1", target=7777),
                   socks.request("192.0.2.1", 7777, "name"))
        report.run(f"{make.__name__} mapped", refused, make(
            "192.0.2.7", "192.0.2.1", target=7777),
                   socks.request("::ffff:192.0.2.1", 7777))
        report.run(f"{make.__name__} NAT64", refused, make(
            "192.0.2.7", "192.0.2.1", target=7777),
                   socks.request("64:ff9b::c000:201", 7777))
        report.run(f"{make.__name__} 6", refused, make(
            "2001:db8::7", "2001:db8::1", target=7777),
                   socks.request("2001:db8::1", 7777))
    report.run("the same port elsewhere", reached)


CHECKS = {name[6:]: function for name, function in list(globals().items())
          if name.startswith("check_")}


def main():
    if len(sys.argv) != 3 or sys.argv[2] not in CHECKS:
        sys.exit(f"usage: proxied.py HANDLER {'|'.join(CHECKS)}")
    report = Report()
    CHECKS[sys.argv[2]](sys.argv[1], report)
    report.end()


if __name__ == "__main__":
    main()

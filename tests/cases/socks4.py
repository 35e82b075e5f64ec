#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""SOCKS4 and 4A through a handler of one's own, on loopback.

    socks4.py HANDLER CHECK

As handshake.py: each CHECK prints a line for every case that failed, then how
many there were.
"""
import os
import socket
import sys
import tempfile
import threading
import time

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "peers"))
import handshake
import proxied
import socks
import streams
from handshake import (DENY, FAILURE4, LOOPBACK, SOCKS4, Failure, Handler,
                       Report, Sink)

REJECTED = bytes.fromhex(FAILURE4 % 91)
ADDRESS = "192.0.2.1"


def check_closed(program, report):
    """Where it is off, or somebody has to log in: closed, as it always was,
    and the record says which directive."""
    octets = socks.request4(ADDRESS, 80)

    def closed(options, reason):
        handler = Handler(program, options)
        try:
            handler.let_go()
            handler.send(octets)
            got = handler.read_to_end()
            if got:
                raise Failure(f"answer {got.hex()}")
            text, status = handler.finish()
            if status != 0 or reason not in text:
                raise Failure(f"status {status}, no {reason!r} in {text!r}")
            handshake.check_record(text, handler.name, "not-socks auth=-")
        finally:
            handler.kill()

    report.run("off", closed, DENY, "`socks4' is on")
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        path = os.path.join(directory, "passwords")
        with open(path, "w", encoding="ascii") as file:
            file.write("alice:$1$salt$\n")
        passwords = ["-o", f"password-file {path}", "-o"]
        report.run("on, with a login", closed,
                   DENY + SOCKS4 + passwords + ["auth password"],
                   "`auth' has no none")
        report.run("off, with a login", closed,
                   DENY + passwords + ["auth password"], "`socks4' is on")
        report.run("on, with a login or none", handshake.refuse, program,
                   octets, REJECTED, "denied auth=socks4",
                   SOCKS4 + passwords + ["auth password none"])


def check_versions(program, report):
    """Every first octet but 04 and 05 is what it was."""
    for octet in range(256):
        if octet not in (4, 5):
            report.run(f"first octet {octet:02x}", handshake.refuse, program,
                       bytes((octet, 1, 0)), b"", "not-socks", SOCKS4)


def check_commands(program, report):
    """Every CD but CONNECT and BIND."""
    for command in range(256):
        if command in (socks.CONNECT, socks.BIND):
            continue
        report.run(f"CD {command:02x}", handshake.refuse, program,
                   socks.request4(ADDRESS, 80, command=command), REJECTED,
                   f"bad-request cmd={command} dest=-", SOCKS4)


def check_names(program, report):
    """What SOCKS5 takes for a name, and refuses: the same table."""
    for reply, text in handshake.table_names():
        if "\0" in text:
            continue  # the end of a name
        result = "denied" if reply == 2 else "bad-request"
        report.run(f"name {text!r}", handshake.refuse, program,
                   socks.request4(text[:255], 80, "name"), REJECTED,
                   f"{result} cmd=CONNECT", SOCKS4)


def early(program, octets, cut, payload, dest):
    """Request and payload, cut in two; nothing may be lost."""
    sink = Sink()
    octets = octets(sink.port) + payload
    handler = Handler(program, LOOPBACK + SOCKS4)
    try:
        if cut is not None:
            handler.send(octets[:cut], last=False)
        handler.let_go()
        handler.send(octets[cut or 0:])
        handler.client.shutdown(socket.SHUT_WR)
        got = handler.read_to_end()
        if got[:2] != b"\0\x5a" or got[4:] != b"\x7f\0\0\1thank you":
            raise Failure(f"answer {got.hex()}")
        sink.thread.join(handshake.DEADLINE)
        if sink.octets != payload:
            raise Failure(f"the server got {sink.octets!r}")
        handshake.check_end(
            handler, f"ok user=- auth=socks4 cmd=CONNECT "
            f"dest={dest}:{sink.port} up={len(payload)} down=9")
    finally:
        handler.kill()
        sink.close()


def check_early(program, report):
    payload = b"GET / HTTP/1.0\r\n\r\n"

    def by_address(port):
        return socks.request4("127.0.0.1", port)

    def by_name(port):
        return socks.request4("127.0.0.1", port, "name")

    for name, octets in ("SOCKS4", by_address), ("4A", by_name):
        report.run(f"{name}, all in one segment", early, program, octets,
                   None, payload, "127.0.0.1")
        for cut in range(1, len(octets(80) + payload)):
            report.run(f"{name}, cut at {cut}", early, program, octets, cut,
                       payload, "127.0.0.1")
    large = b"".join(streams.stream(3, 1 << 20))
    report.run("a MiB behind the request", early, program, by_name, None,
               large, "127.0.0.1")


def silent(program, octets, drip):
    """The octets, then nothing; or one by one, each 0.1 s."""
    began = time.monotonic()
    handler = Handler(program,
                      DENY + SOCKS4 + ["-o", "handshake-timeout 1s"])
    try:
        handler.let_go()
        if not drip:
            handler.send(octets)
        for i in range(len(octets) if drip else 0):
            # Paced on purpose: the deadline must not move.
            if handler.has_ended(0.1) or not handler.send(octets[i:i + 1]):
                break
        got = handler.read_to_end()
        took = time.monotonic() - began
        if got or took < 0.99:
            raise Failure(f"closed after {took:.3f} s with {got.hex()!r}")
        handshake.check_end(handler, "handshake-timeout auth=socks4")
    finally:
        handler.kill()


def check_silent(program, report):
    whole = socks.request4("www.example.com", 80, "name")
    threads = [threading.Thread(target=report.run, args=(
        f"silent after {count} octets", silent, program, whole[:count],
        False)) for count in range(1, len(whole))]
    threads.append(threading.Thread(target=report.run, args=(
        "a drip", silent, program, whole[:-1], True)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def check_farewell(program, report):
    """A refusal is followed by a FIN and no reset, whatever came ahead."""

    def farewell(octets):
        handler = Handler(program, DENY + SOCKS4)
        try:
            handler.let_go()
            handler.send(octets + bytes(1000))
            got = streams.receive_exactly(handler.client, len(REJECTED))
            if got != REJECTED:
                raise Failure(f"answer {got.hex()}")
            handler.client.sendall(bytes(100))
            if handler.client.recv(1) != b"":
                raise Failure("octets behind the answer")
            if not handler.has_ended(handshake.CLOSED_WITHIN):
                raise Failure("it does not end")
            handler.finish()
        finally:
            handler.kill()

    report.run("denied", farewell, socks.request4(ADDRESS, 80))
    report.run("a CD of nobody", farewell,
               socks.request4(ADDRESS, 80, command=9))
    report.run("no name", farewell, socks.request4("127.1", 80, "name"))


def refuse_by(program, octets, *arguments):
    """arguments: a rule, the result, and more lines of configuration."""
    rule, wanted, *lines = arguments
    handler = Handler(program, SOCKS4 + [
        word for line in (rule, *lines) for word in ("-o", line)])
    try:
        handler.let_go()
        handler.send(octets)
        got = handler.read_to_end()
        if got != REJECTED:
            raise Failure(f"answer {got.hex()}")
        handshake.check_end(handler, f"{wanted} user=- auth=socks4")
    finally:
        handler.kill()


def check_failures(program, report):
    """Whatever goes wrong is 91, and the record has the cause."""

    def refused():
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
            handler = Handler(program, LOOPBACK + SOCKS4)
            try:
                handler.let_go()
                handler.send(socks.request4("127.0.0.1", port))
                got = handler.read_to_end()
                if got != REJECTED:
                    raise Failure(f"answer {got.hex()}")
                handshake.check_end(handler, "connect-failed auth=socks4 "
                                    f"dest=127.0.0.1:{port}")
            finally:
                handler.kill()

    report.run("refused", refused)
    report.run("a name that nobody resolves", refuse_by, program,
               socks.request4("nobody.invalid", 80, "name"), "allow",
               "resolve-failed", "resolver 127.0.0.1:9",
               "connect-timeout 500ms")


def check_rules(program, report):
    """The USERID is no user: not for `user', not for what `*' opens."""
    octets = socks.request4("127.0.0.1", 9, userid=b"alice")
    for rule, wanted in (
            ("allow user alice at loopback", "denied"),
            ("allow user * at loopback", "denied"),
            ("allow user - at loopback", "connect-failed"),
            ("allow from 127.0.0.1 at loopback", "connect-failed")):
        report.run(rule, refuse_by, program, octets, rule, wanted)


def check_proxied(program, report):
    """Behind a PROXY header the client is the one that it names."""

    def behind():
        handler = Handler(program, DENY + SOCKS4 + [
            "-o", "proxy-protocol-from loopback"])
        try:
            handler.let_go()
            handler.send(proxied.version_2("192.0.2.7", "192.0.2.1") +
                         socks.request4(ADDRESS, 80))
            got = handler.read_to_end()
            if got != REJECTED:
                raise Failure(f"answer {got.hex()}")
            text, _ = handler.finish()
            handshake.check_record(text, "192.0.2.7:4711",
                                   "denied auth=socks4")
        finally:
            handler.kill()

    report.run("PROXY version 2", behind)


def main():
    checks = {name[len("check_"):]: check for name, check in
              globals().items() if name.startswith("check_")}
    if len(sys.argv) != 3 or sys.argv[2] not in checks:
        sys.exit(f"usage: socks4.py HANDLER {'|'.join(checks)}")
    report = Report()
    checks[sys.argv[2]](sys.argv[1], report)
    report.end()


if __name__ == "__main__":
    main()

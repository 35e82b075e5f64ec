#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Handshakes with a handler of one's own, on loopback, many in one process.

    handshake.py HANDLER CHECK [ARGUMENT...]

The handler is started as by inetd, or listens (peers/handler.py).  Each CHECK prints a line for every case that failed, then how
many there were; status 1 when one failed or there was none.

Pieces are sent one by one: the next only after the handler has read the one
before (seen from a copy of its socket), so that a cut is a cut.
"""
import os
import re
import socket
import sys
import threading
import time

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "peers"))
import socks
import streams
from handler import DEADLINE, Failure, Handler, gate_listener, pending

CLOSED_WITHIN = 10.0  # RFC 1928 6, behind a refusal; the handler needs two
DENY = ["-o", "deny all"]
LOOPBACK = ["-o", "allow all at loopback"]
SOCKS4 = ["-o", "socks4 on"]
VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       "..", "vectors", "socks5")
# What is served for the vectors of a directory.
# Who asks for nothing leaves a record at debug alone.
DEBUG = ["-o", "log-level debug"]
DIALECTS = {"socks5": DENY + DEBUG, "socks4": DENY + SOCKS4}
FAILURE = "05%02x0001000000000000"
FAILURE4 = "00%02x000000000000"


RECORD = re.compile(
    r"(?:^|[ >])((?:ok|reset|timeout|client-gone|denied|auth-failed|"
    r"bad-request|not-socks|bad-proxy-header|handshake-timeout|"
    r"resolve-failed|connect-failed|upstream-failed|stopped|error)"
    r" client=[!-~]+ user=[!-~]+ auth=(?:none|password|unix|socks4|-)"
    r" cmd=[!-~]+ dest=[!-~]+ peer=[!-~]+ local=[!-~]+"
    r" up=\d+ down=\d+ start=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    r" seconds=\d+\.\d{3}(?: [a-z-]+=[!-~]+)*(?: reason=\"[ -~]*\")?)$")


def check_record(text, client, wanted):
    """The one record in text: RESULT KEY=VALUE..."""
    lines = [line for line in text.splitlines() if line]
    if len(lines) != 1:
        raise Failure(f"{len(lines)} lines in the log: {lines}")
    match = RECORD.search(lines[0])
    if match is None:
        raise Failure(f"not the form of a record: {lines[0]!r}")
    words = match.group(1).split(" ")
    for want in [wanted.split()[0], f"client={client}",
                 *wanted.split()[1:]]:
        if want not in words:
            raise Failure(f"no {want} in: {match.group(1)}")


def check_end(handler, wanted):
    text, status = handler.finish()
    if status != 0:
        raise Failure(f"exit status {status}: {text!r}")
    check_record(text, handler.name, wanted)


class Report:
    """Counts cases; a failed one is a line."""

    def __init__(self):
        self.cases = 0
        self.failed = 0
        self.lock = threading.Lock()

    def run(self, name, function, *arguments):
        why = None
        try:
            function(*arguments)
        except (Failure, socks.Mismatch, OSError, ValueError) as error:
            why = f"{type(error).__name__}: {error}"
        with self.lock:
            self.cases += 1
            if why is not None:
                self.failed += 1
                print(f"not ok {name}: {why}")

    def end(self):
        print(f"{self.cases} cases, {self.failed} failed")
        sys.exit(1 if self.failed or not self.cases else 0)


class Vector:
    """One file: > what the client sends, < what must come, = the record."""

    def __init__(self, path, options):
        self.options = options
        self.name = os.path.basename(path)[:-len(".hex")]
        self.turns = []
        self.record = None
        with open(path, encoding="ascii") as lines:
            for line in lines:
                kind, rest = line[:1], line[1:].strip()
                if kind in "<>":
                    self.turns.append((kind, bytes.fromhex(rest)))
                elif kind == "=":
                    self.record = rest
        self.sent = b"".join(o for kind, o in self.turns if kind == ">")
        self.answer = b"".join(o for kind, o in self.turns if kind == "<")
        verdict = self.name.rsplit(".", 1)[1]
        end = {"silent": b"", "method": b"\5" + bytes.fromhex(
            verdict[-2:]) if verdict.startswith("method") else b""}
        tail = end.get(verdict.split("-")[0])
        if tail is None:
            form = FAILURE4 if verdict.startswith("code") else FAILURE
            tail = bytes.fromhex(form % int(verdict[-2:], 16))
        if not self.answer.endswith(tail):
            raise ValueError(f"{path}: the name says {verdict}")
        self.stays_open = verdict == "method-00"


def all_vectors(dialect="socks5"):
    directory = os.path.join(VECTORS, "..", dialect)
    return [Vector(os.path.join(directory, name), DIALECTS[dialect])
            for name in sorted(os.listdir(directory))
            if name.endswith(".hex")]


def play(program, vector, pieces):
    """pieces None: in turns, each message whole."""
    handler = Handler(program, vector.options)
    try:
        if pieces is None:
            for kind, octets in vector.turns:
                if kind == ">":
                    handler.send(octets)
                else:
                    got = streams.receive_exactly(handler.client,
                                                  len(octets))
                    if got != octets:
                        raise Failure(f"answer {got.hex()}, "
                                      f"not {octets.hex()}")
            handler.let_go()
            wanted = b""
        else:
            for piece in pieces[:-1]:
                if not handler.send(piece, last=False):
                    break
            else:
                handler.let_go()
                handler.send(pieces[-1])
            handler.let_go()
            wanted = vector.answer
        if vector.stays_open:
            got = streams.receive_exactly(handler.client, len(wanted))
            handler.client.shutdown(socket.SHUT_WR)
            got += handler.read_to_end()
        else:
            got = handler.read_to_end()
        if got != wanted:
            raise Failure(f"answer {got.hex()}, not {wanted.hex()}")
        check_end(handler, vector.record)
    finally:
        handler.kill()


def check_vectors(program, report, how, dialect="socks5"):
    for vector in all_vectors(dialect):
        sent = vector.sent
        if how == "turns":
            report.run(vector.name, play, program, vector, None)
        elif how == "whole":
            report.run(vector.name, play, program, vector, [sent])
        elif how == "octets":
            report.run(vector.name, play, program, vector,
                       [sent[i:i + 1] for i in range(len(sent))])
        elif how == "cuts":
            for i in range(1, len(sent)):
                report.run(f"{vector.name} cut at {i}", play, program,
                           vector, [sent[:i], sent[i:]])


def refuse(program, octets, answer, record, options=()):
    """One message, whole; the answer to its end; the record."""
    handler = Handler(program, [*DENY, *options])
    try:
        handler.let_go()
        handler.send(octets)
        got = handler.read_to_end()
        if got != answer:
            raise Failure(f"answer {got.hex()}, not {answer.hex()}")
        check_end(handler, record)
    finally:
        handler.kill()


def check_versions(program, report):
    """Every first octet but 05."""
    for octet in range(256):
        if octet != 5:
            report.run(f"first octet {octet:02x}", refuse, program,
                       bytes((octet, 1, 0)), b"", "not-socks")


def check_commands(program, report):
    """Every command but those of RFC 1928."""
    known = (socks.CONNECT, socks.BIND, socks.UDP_ASSOCIATE)
    for command in range(256):
        if command in known:
            continue
        octets = socks.GREETING + socks.request("192.0.2.1", 80,
                                                command=command)
        report.run(f"command {command:02x}", refuse, program, octets,
                   b"\5\0" + bytes.fromhex(FAILURE % 7), "bad-request")


def check_address_types(program, report):
    """Every ATYP but 01 03 04."""
    for kind in range(256):
        if kind in (1, 3, 4):
            continue
        octets = socks.GREETING + bytes((5, 1, 0, kind)) + bytes(6)
        report.run(f"address type {kind:02x}", refuse, program, octets,
                   b"\5\0" + bytes.fromhex(FAILURE % 8),
                   "bad-request cmd=CONNECT dest=-")


def table_names():
    with open(os.path.join(VECTORS, "names.table"),
              encoding="ascii") as lines:
        for line in lines:
            if line.startswith("#"):
                continue
            reply, text = line.rstrip("\n").split(" ", 1)
            text = text.encode().decode("unicode_escape")
            match = re.fullmatch(r"(.*)(.)\*(\d+)", text, re.DOTALL)
            if match:
                text = match[1] + match[2] * int(match[3])
            yield int(reply, 16), text


def check_names(program, report):
    for reply, text in table_names():
        result = "denied" if reply == 2 else "bad-request"
        octets = socks.GREETING + socks.request(text[:255], 80, "name")
        report.run(f"name {text!r}", refuse, program, octets,
                   b"\5\0" + bytes.fromhex(FAILURE % reply),
                   f"{result} cmd=CONNECT")


class Sink:
    """A server on loopback that takes one connection to its FIN."""

    def __init__(self):
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.octets = None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        connection, _ = self.sock.accept()
        connection.settimeout(DEADLINE)
        octets = b""
        while True:
            more = connection.recv(65536)
            if not more:
                break
            octets += more
        connection.sendall(b"thank you")
        connection.close()
        self.octets = octets

    def close(self):
        self.sock.close()


def early(program, cut, payload):
    """Greeting, request and payload, cut in two; nothing may be lost."""
    sink = Sink()
    octets = socks.GREETING + socks.request("127.0.0.1", sink.port) + payload
    handler = Handler(program, LOOPBACK)
    try:
        if cut is not None:
            handler.send(octets[:cut], last=False)
        handler.let_go()
        handler.send(octets[cut or 0:])
        handler.client.shutdown(socket.SHUT_WR)
        got = handler.read_to_end()
        if got[:5] != b"\5\0\5\0\0" or not got.endswith(b"thank you"):
            raise Failure(f"answer {got.hex()}")
        sink.thread.join(DEADLINE)
        if sink.octets != payload:
            raise Failure(f"the server got {sink.octets!r}")
        check_end(handler, f"ok cmd=CONNECT dest=127.0.0.1:{sink.port}"
                           f" up={len(payload)} down=9")
    finally:
        handler.kill()
        sink.close()


def check_early(program, report):
    payload = b"GET / HTTP/1.0\r\n\r\n"
    report.run("all in one segment", early, program, None, payload)
    for cut in range(1, len(socks.GREETING) + 10 + len(payload)):
        report.run(f"cut at {cut}", early, program, cut, payload)
    large = b"".join(streams.stream(3, 1 << 20))
    report.run("a MiB behind the request", early, program, None, large)


def silent(program, count, drip):
    """The first count octets, then nothing, or one more each 0.1 s."""
    octets = socks.GREETING + socks.request("x" * 200, 80, "name")
    began = time.monotonic()
    handler = Handler(program, DENY + ["-o", "handshake-timeout 1s"])
    try:
        handler.let_go()
        handler.send(octets[:count])
        rest = octets[count:] if drip else b""
        for i in range(len(rest)):
            # Paced on purpose: the deadline must not move.
            if handler.has_ended(0.1) or not handler.send(rest[i:i + 1]):
                break
        else:
            if drip:
                raise Failure("the deadline moves")
        handler.read_to_end()
        took = time.monotonic() - began
        if took < 0.99:
            raise Failure(f"closed after {took:.3f} s")
        text, status = handler.finish()
        if status != 0:
            raise Failure(f"exit status {status}")
        if count == 0 and not drip:
            if text:
                raise Failure(f"logged, without an octet: {text}")
        else:
            check_record(text, handler.name, "handshake-timeout")
    finally:
        handler.kill()


def check_silent(program, report):
    whole = len(socks.GREETING) + 10
    threads = []
    for count in range(whole):
        threads.append(threading.Thread(target=report.run, args=(
            f"silent after {count} octets", silent, program, count, False)))
    threads.append(threading.Thread(target=report.run, args=(
        "a drip", silent, program, 0, True)))
    threads.append(threading.Thread(target=report.run, args=(
        "a drip of the request", silent, program, 3, True)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def keep_sending(program, name, octets, answer, flood):
    """Reads nothing for a second and goes on sending."""
    handler = Handler(program, DENY)
    try:
        handler.let_go()
        began = time.monotonic()
        handler.send(octets)
        handler.client.setblocking(False)
        closed = None
        while time.monotonic() - began < DEADLINE:
            try:
                handler.client.send(bytes(65536 if flood else 256))
            except BlockingIOError:
                pass
            except ConnectionError:
                closed = time.monotonic() - began
                break
            time.sleep(0.02)
        if closed is None or closed > CLOSED_WITHIN:
            raise Failure(f"{name}: not closed after {closed} s")
        # A reset while the client may not have read yet destroys the reply
        # on many systems, or on its way.
        if closed < 1 and not flood:
            raise Failure(f"{name}: reset after {closed:.3f} s")
        handler.client.settimeout(DEADLINE)
        got = handler.read_to_end()
        if got != answer:
            raise Failure(f"{name}: {got.hex() or 'nothing'} was readable")
        text, status = handler.finish()
        if status != 0:
            raise Failure(f"exit status {status}: {text}")
    finally:
        handler.kill()


def check_ten_seconds(program, report):
    """The reply survives a client that goes on sending, and the connection
    does not survive ten seconds."""
    denied = bytes.fromhex(FAILURE % 2)
    requests = [
        ("a denied request", socks.GREETING + socks.request("192.0.2.1", 80),
         b"\5\0" + denied),
        ("no method", b"\5\1\1", b"\5\xff"),
        ("an unknown command", socks.GREETING + socks.request(
            "192.0.2.1", 80, command=9), b"\5\0" + bytes.fromhex(
                FAILURE % 7)),
    ]
    threads = []
    for name, octets, answer in requests:
        for flood in (False, True):
            label = f"{name}, then {'a flood' if flood else 'drops'}"
            threads.append(threading.Thread(target=report.run, args=(
                label, keep_sending, program, label, octets, answer,
                flood)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def linger(program, octets, answer, fin):
    """A client that says nothing more, and does not close."""
    handler = Handler(program, DENY)
    try:
        handler.let_go()
        handler.send(octets)
        if fin:
            handler.client.shutdown(socket.SHUT_WR)
        got = handler.read_to_end()
        if got != answer:
            raise Failure(f"answer {got.hex()}")
        if not handler.has_ended(CLOSED_WITHIN):
            raise Failure("it does not end")
        handler.finish()
    finally:
        handler.kill()


def ahead(program, octets, answer):
    """Octets behind the refused message, unread when it is refused: the
    client must see the answer and a FIN, and no reset."""
    handler = Handler(program, DENY)
    try:
        handler.let_go()
        handler.send(octets + bytes(1000))
        got = streams.receive_exactly(handler.client, len(answer))
        if got != answer:
            raise Failure(f"answer {got.hex()}")
        handler.client.sendall(bytes(100))
        if handler.client.recv(1) != b"":
            raise Failure("octets behind the answer")
        handler.client.sendall(bytes(100))
        if handler.has_ended(0.3):
            raise Failure("it does not wait for the client to leave")
        handler.finish()
    finally:
        handler.kill()


def check_ahead(program, report):
    report.run("no method", ahead, program, b"\5\1\1", b"\5\xff")
    for name, octets, reply in (
            ("denied", socks.request("192.0.2.1", 80), 2),
            ("unknown command", socks.request("192.0.2.1", 80,
                                              command=9), 7),
            ("no name", socks.request("127.1", 80, "name"), 1)):
        report.run(name, ahead, program, socks.GREETING + octets,
                   b"\5\0" + bytes.fromhex(FAILURE % reply))


def check_linger(program, report):
    octets = socks.GREETING + socks.request("192.0.2.1", 80)
    answer = b"\5\0" + bytes.fromhex(FAILURE % 2)
    for fin in (False, True):
        report.run(f"linger fin={fin}", linger, program, octets, answer, fin)


CHECKS = {
    "vectors": check_vectors,
    "versions": check_versions,
    "commands": check_commands,
    "address-types": check_address_types,
    "names": check_names,
    "early": check_early,
    "silent": check_silent,
    "ten-seconds": check_ten_seconds,
    "linger": check_linger,
    "ahead": check_ahead,
}


def main():
    if len(sys.argv) < 3 or sys.argv[2] not in CHECKS:
        sys.exit(f"usage: handshake.py HANDLER {'|'.join(CHECKS)}")
    report = Report()
    CHECKS[sys.argv[2]](sys.argv[1], report, *sys.argv[3:])
    report.end()


if __name__ == "__main__":
    main()

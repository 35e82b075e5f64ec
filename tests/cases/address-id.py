#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""ADDRESS ID and ADDRESS ASSOCIATE, octet by octet, on loopback.

    address-id.py HANDLER CHECK

The names are answered by a name server of our own; the clients come from
127.0.0.1 or ::1, the servers are there too.
"""
import importlib
import ipaddress
import os
import re
import socket
import struct
import sys

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "peers"))
import handshake
import streams

data_of = importlib.import_module("ftp-data")
ftp = data_of.ftp
Failure, check = data_of.Failure, data_of.check

NAME = b"www.example.com"
BY_NAME = bytes((3, len(NAME))) + NAME
CONNECT, BIND, UDP, ASSOCIATE = 1, 2, 3, 8
ID = 8
NO = b"\5%c\0\1" + bytes(6)


class Names(data_of.Names):
    """Besides addresses, the name of each that is asked for one."""

    def __init__(self):
        super().__init__()
        self.host = b"host.example.net"

    def serve(self):
        while True:
            query, peer = self.socket.recvfrom(512)
            end = query.index(b"\0", 12) + 5
            kind = struct.unpack("!H", query[end - 4:end - 2])[0]
            records = []
            if kind == 12 and self.host:
                target = b"".join(bytes((len(label),)) + label
                                  for label in self.host.split(b".")) + b"\0"
                records.append(struct.pack("!HHHIH", 0xc00c, kind, 1, 1,
                                           len(target)) + target)
            for text in self.addresses if kind != 12 else ():
                packed = ipaddress.ip_address(text).packed
                if kind == {4: 1, 16: 28}[len(packed)]:
                    records.append(struct.pack("!HHHIH", 0xc00c, kind, 1, 1,
                                               len(packed)) + packed)
            self.socket.sendto(
                query[:2] + struct.pack("!HHHHH", 0x8180, 1, len(records),
                                        0, 0) +
                query[12:end] + b"".join(records), peer)


class Machine(data_of.Machine):
    """A gateway with IDs, a name server, and a server at ::1."""

    def __init__(self, program, mode="on", client="127.0.0.1", server="::1"):
        self.names = Names()
        self.names.addresses = [server]
        super().__init__(program, server,
                         [self.names.option(), f"address-id {mode}"])
        self.client = client
        self.rules = ["-o", "allow all at loopback"]

    def session(self, login=None, client=None):
        gate = ftp.Gate(client or self.client, self.program,
                        self.options + self.rules)
        self.sessions.append(gate)
        gate.client.sendall(b"\5\1\0")
        check("method", streams.receive_exactly(gate.client, 2), b"\5\0")
        return gate

    def tell(self, gate, octets):
        """A request without VER; the whole reply."""
        gate.client.sendall(b"\5" + octets)
        return reply_of(gate.client)

    def say(self, octets, client=None):
        gate = self.session(client=client)
        answer = self.tell(gate, octets)
        gate.client.close()
        return answer

    def make(self, gate=None, what=BY_NAME):
        octets = bytes((ASSOCIATE, 0)) + what + b"\0\0"
        answer = self.tell(gate, octets) if gate else self.say(octets)
        check("reply of 08", (answer[:5], answer[8:]),
              (b"\5\0\0\x08\0", b"\0\0"))
        return answer[3:8]


def reply_of(sock):
    head = streams.receive_exactly(sock, 4)
    if head[3] == 3:
        head += streams.receive_exactly(sock, 1)
        return head + streams.receive_exactly(sock, head[4] + 2)
    return head + streams.receive_exactly(
        sock, {1: 6, 4: 18, ID: 6}[head[3]])


def port(number):
    return struct.pack("!H", number)


def vectors(program):
    """What the draft leaves open is resolved as socks64.conf(5) says."""
    m = Machine(program)
    try:
        local = socket.inet_aton("127.0.0.1")
        number = m.make()
        by_id = bytes((CONNECT, 0)) + number + port(m.port)
        check("CONNECT by ID", m.say(by_id)[:8], b"\5\0\0\1" + local)
        check("ID again", m.make(), number)
        answer = m.say(bytes((CONNECT | ASSOCIATE, 0)) + BY_NAME +
                       port(m.port))
        check("CONNECT+AA", answer[:8], b"\5\0\0" + number)
        if answer[8:] == b"\0\0":
            raise Failure("CONNECT+AA has no port")
        check("forward DNS", m.say(b"\x08\0" + BY_NAME + b"\0\4"),
              b"\5\0\0\4" + bytes(15) + b"\1\0\0")
        check("forward DNS of no IPv4", m.say(b"\x08\0" + BY_NAME + b"\0\1"),
              NO % 4)
        check("FLAG over ADR.PREF", m.say(b"\x08\x10" + BY_NAME + b"\0\1"),
              b"\5\0\x10\4" + bytes(15) + b"\1\0\0")
        check("what is behind it", m.say(b"\x08\0" + number + b"\0\4"),
              b"\5\0\0\4" + bytes(15) + b"\1\0\0")
        check("the ID of an ID", m.say(b"\x08\0" + number + b"\0\x08")[3:8],
              number)
        check("the name of a name", m.say(b"\x08\0" + number + b"\0\3"),
              b"\5\0\0" + BY_NAME + b"\0\0")
        check("reverse without `reverse'", m.say(
            b"\x08\0\1" + local + b"\0\3"), NO % 2)
        flagged = m.say(bytes((CONNECT, 0x10)) + BY_NAME + port(m.port))
        check("FLAG 10", flagged[:20], b"\5\0\x10\4" + bytes(15) + b"\1")
        check("without", m.say(bytes((CONNECT, 0xef)) + BY_NAME +
                               port(m.port))[:8], b"\5\0\0\1" + local)
        for what, octets, rep in (
                ("CLASS", b"\1\0\x08\1" + number[2:] + b"\0\x50", 9),
                ("unknown ID", b"\1\0\x08\0\0\0\1\0\x50", 9),
                ("ADR.PREF reserved", b"\x08\0\1" + local + b"\1\4", 9),
                ("ADR.PREF 05", b"\x08\0\1" + local + b"\0\5", 9),
                ("08 of zeros", b"\x08\0\1" + bytes(6), 9),
                ("0B of zeros", b"\x0b\0\1" + bytes(6), 9),
                ("0B of the client", b"\x0b\0\1" + local + b"\0\x50", 9),
                ("CMD 0C", b"\x0c\0\1" + local + b"\0\x50", 7),
                ("CMD 04", b"\4\0\1" + local + b"\0\x50", 7)):
            check(what, m.say(octets), NO % rep)
    finally:
        m.end()


def off(program):
    m = Machine(program, "off")
    try:
        for command in (8, 9, 10, 11):
            check(f"CMD {command}", m.say(bytes((command, 0)) + BY_NAME +
                                          port(m.port)), NO % 7)
        check("ATYP 08", m.say(b"\1\0\x08\0\x12\x34\x56\0\x50"), NO % 8)
        check("FLAG 10", m.say(bytes((CONNECT, 0x10)) + BY_NAME +
                               port(m.port))[:4], b"\5\0\x10\4")
    finally:
        m.end()


def reverse(program):
    m = Machine(program, "reverse")
    try:
        ask = b"\x08\0\1\x7f\0\0\1\0\3"
        check("a name", m.say(ask), b"\5\0\0\3\x10host.example.net\0\0")
        check("a name by IPv6", m.say(b"\x08\0\4" + bytes(15) + b"\1\0\3"),
              b"\5\0\0\3\x10host.example.net\0\0")
        for bad in (b"", b"127.0.0.1", b"a b.example"):
            m.names.host = bad
            check(f"{bad!r} for a name", m.say(ask), NO % 4)
        m.rules = ["-o", "allow all at 192.0.2.1"]
        check("what is denied", m.say(ask), NO % 2)
    finally:
        m.end()


def policy(program):
    """An ID is no permit, at any use."""
    m = Machine(program)
    try:
        number = m.make()
        by_id = bytes((CONNECT, 0)) + number + port(m.port)
        m.rules = ["-o", "allow all at loopback port 1"]
        check("another port only", m.say(by_id), NO % 2)
        check("may be made", m.make(), number)
        m.rules = ["-o", "allow all"]
        check("REP of what is inside", m.say(by_id), NO % 2)
        check("no address inside is told",
              m.say(b"\x08\0" + BY_NAME + b"\0\4"), NO % 2)
        m.rules = ["-o", "allow from 192.0.2.1"]
        check("REP of a denied client", m.say(b"\x08\0" + BY_NAME + b"\0\0"),
              NO % 2)
        m.rules = ["-o", "allow all at loopback"]
        other = m.say(by_id, client="::1")
        check("another client", other, m.say(
            b"\1\0\x08\0\0\x01\x23" + port(m.port), client="::1"))
        check("REP of that", other, NO % 9)
        # What it stands for changes, and is judged anew.
        m.names.addresses = ["10.0.0.5"]
        fresh = m.make(what=b"\3\x0dother.example")
        check("rebinding", m.say(bytes((CONNECT, 0)) + fresh + port(m.port)),
              NO % 2)
    finally:
        m.end()


def sequence(program):
    """One connection: 08, 08, CONNECT; and one command too many."""
    m = Machine(program)
    try:
        gate = m.session()
        number = m.make(gate)
        m.make(gate, b"\4" + bytes(15) + b"\1")
        answer = m.tell(gate, bytes((CONNECT, 0)) + number + port(m.port))
        check("REP", answer[1], 0)
        server = m.control.accept()[0]
        server.sendall(b"220 x\r\n")
        check("data", streams.receive_exactly(gate.client, 7), b"220 x\r\n")
        gate.client.shutdown(socket.SHUT_WR)
        server.close()
        text, _ = gate.finish()
        if not re.search(r" ok .*cmd=CONNECT dest=www\.example\.com:\d+ "
                         r".* ids=2", text):
            raise Failure(f"the record says {text!r}")
        gate = m.session()
        for _ in range(16):
            m.make(gate)
        check("the 17th", m.tell(gate, b"\x08\0" + BY_NAME + b"\0\0"), NO % 2)
        gate = m.session()
        m.make(gate)
        gate.client.shutdown(socket.SHUT_WR)
        text, status = gate.finish()
        if " ok " not in text or "cmd=ASSOCIATE" not in text or status:
            raise Failure(f"the record says {text!r}")
    finally:
        m.end()


def families(program):
    """CONNECT, BIND and UDP by ID, in all four pairs."""
    for client in ("127.0.0.1", "::1"):
        for server in ("127.0.0.1", "::1"):
            pair(program, client, server)


def pair(program, client, server):
    m = Machine(program, "on", client, server)
    try:
        number = m.make()
        connected = m.session()
        check("CONNECT", m.tell(connected, bytes((CONNECT, 0)) + number +
                                port(m.port))[1], 0)
        m.control.accept()[0].close()
        bound = m.session()
        first = m.tell(bound, bytes((BIND | ASSOCIATE, 0)) + number +
                       port(0))
        check("BIND+AA", first[:8], b"\5\0\0" + number)
        peer = socket.create_connection(
            (server, struct.unpack("!H", first[8:])[0]), 30)
        second = reply_of(bound.client)
        check("second reply", second[:8], b"\5\0\0" + number)
        check("its port", second[8:], port(peer.getsockname()[1]))
        peer.sendall(b"x")
        check("data", streams.receive_exactly(bound.client, 1), b"x")
        peer.close()
        datagrams(m, number, client, server)
    finally:
        m.end()


def datagrams(m, number, client, server):
    family = {4: socket.AF_INET, 6: socket.AF_INET6}
    echo = socket.socket(family[ipaddress.ip_address(server).version],
                         socket.SOCK_DGRAM)
    echo.bind((server, 0))
    echo.settimeout(30)
    ours = socket.socket(family[ipaddress.ip_address(client).version],
                         socket.SOCK_DGRAM)
    ours.bind((client, 0))
    ours.settimeout(30)
    gate = m.session()
    answer = m.tell(gate, bytes((UDP | ASSOCIATE, 0)) + number + port(0))
    check("UDP+AA", answer[:8], b"\5\0\0" + number)
    relay = client, struct.unpack("!H", answer[8:])[0]
    where = port(echo.getsockname()[1])
    packed = ipaddress.ip_address(server).packed
    by_address = bytes(3) + bytes(({4: 1, 16: 4}[len(packed)],)) + packed
    # The answer has what the last datagram had.
    for header in (bytes(3) + number, by_address, bytes(3) + number):
        ours.sendto(header + where + b"ping", relay)
        payload, sender = echo.recvfrom(100)
        check("at the server", payload, b"ping")
        echo.sendto(b"pong", sender)
        check("at the client", ours.recv(100), header + where + b"pong")
    ours.sendto(bytes(3) + b"\x08\0\0\1\2" + where + b"never", relay)
    ours.sendto(bytes(3) + number + where + b"last", relay)
    check("behind a wrong ID", echo.recv(100), b"last")
    gate.client.close()
    echo.close()
    ours.close()


def control(program):
    """INTERFACE DATA by ID; a wrong one leaves the association alone."""
    m = Machine(program)
    try:
        number = m.make()
        gate = m.session()
        answer = m.tell(gate, bytes((UDP, 1)) + b"\1" + bytes(6))
        check("REP", answer[:3], b"\5\0\1")
        gate.client.sendall(b"\0\1\0" + number + port(53))
        check("INTERFACE DATA", reply_of(gate.client)[:20],
              b"\5\0\0\4" + bytes(15) + b"\1")
        gate.client.sendall(b"\0\1\0\x08\0\0\1\2" + port(53))
        check("of a wrong ID", reply_of(gate.client), NO % 9)
        gate.client.sendall(b"\0\1\0" + number + port(53))
        check("once more", reply_of(gate.client)[1], 0)
    finally:
        m.end()


def guessing(program):
    """Eight wrong ones a minute, then not even the right one."""
    m = Machine(program)
    try:
        number = m.make()
        for n in range(8):
            check("REP", m.say(b"\1\0\x08\0\0\x02" + bytes((n,)) +
                               port(m.port)), NO % 9)
        check("REP of the right one", m.say(
            bytes((CONNECT, 0)) + number + port(m.port)), NO % 9)
    finally:
        m.end()


def no_table(program):
    m = Machine(program)
    try:
        data_of.shutil.rmtree(m.state)
        gate = m.session()
        check("REP", m.tell(gate, b"\x08\0" + BY_NAME + b"\0\0"), NO % 1)
        gate.client.close()
        text, _ = gate.finish()
        if "No such file or directory" not in text:
            raise Failure(f"the record says {text!r}")
        check("forward DNS", m.say(b"\x08\0" + BY_NAME + b"\0\4")[1], 0)
    finally:
        m.end()


def failed(program):
    """No ID is left of a CONNECT that failed."""
    m = Machine(program)
    try:
        closed = socket.create_server(("::1", 0), family=socket.AF_INET6)
        nobody = closed.getsockname()[1]
        closed.close()
        check("REP", m.say(bytes((CONNECT | ASSOCIATE, 0)) + BY_NAME +
                           port(nobody)), NO % 5)
        with open(os.path.join(m.state, "associations"), "rb") as file:
            check("a kind", file.read()[4096:4100], bytes(4))
    finally:
        m.end()


CHECKS = {name.__name__.replace("_", "-"): name for name in (
    vectors, off, reverse, policy, sequence, families, control, guessing, no_table,
    failed)}


def main():
    try:
        CHECKS[sys.argv[2]](sys.argv[1])
    except (Failure, ftp.Failure, handshake.Failure, OSError, IndexError,
            struct.error) as failure:
        sys.exit(f"{type(failure).__name__}: {failure}")


if __name__ == "__main__":
    main()

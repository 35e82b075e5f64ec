#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""ADDRESS ID and ADDRESS ASSOCIATE, octet by octet, on loopback.

    address-id.py HANDLER CHECK

The names are answered by a name server of our own; the clients come from
127.0.0.1 or ::1, the servers are there too.
"""
import fcntl
import importlib
import ipaddress
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "peers"))
import handler
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
PASSWORD = b"word"
ID_LIFE, ID_LIFE_MAX, PIN_LIFE, IDLE = 300, 3600, 60, 30  # seconds
GUESSES_MAX = 8


class Names(data_of.Names):
    """Besides addresses, the name of each that is asked for one."""

    def __init__(self):
        super().__init__()
        self.host = b"host.example.net"
        self.late = 0  # so many seconds, for AAAA

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
            answer = (query[:2] +
                      struct.pack("!HHHHH", 0x8180, 1, len(records), 0, 0) +
                      query[12:end] + b"".join(records))
            threading.Timer(self.late if kind == 28 else 0,
                            self.socket.sendto, (answer, peer)).start()


class Machine(data_of.Machine):
    """A gateway with IDs, a name server, and a server at ::1."""

    def __init__(self, program, mode="on", client="127.0.0.1", server="::1"):
        self.names = Names()
        self.names.addresses = [server]
        super().__init__(program, server,
                         [self.names.option(), f"address-id {mode}"])
        self.client = client
        self.rules = ["-o", "allow all at loopback"]

    def session(self, login=None, client=None, later=0):
        """One whose clock is so many seconds ahead."""
        words = [self.program, *self.options, *self.rules]
        kind = handler.Handler
        if later:
            # One process for one connection, for the clock is the session's.
            kind = handler.Started
            words = ["unshare", "--time", "--monotonic", str(later), "--fork",
                     "--kill-child", *words]
        gate = kind(words[0], words[1:], address=client or self.client)
        gate.let_go()
        self.sessions.append(gate)
        if login:
            gate.client.sendall(b"\5\1\2\1" + bytes((len(login),)) + login +
                                bytes((len(PASSWORD),)) + PASSWORD)
            check("login", streams.receive_exactly(gate.client, 4),
                  b"\5\2\1\0")
        else:
            gate.client.sendall(b"\5\1\0")
            check("method", streams.receive_exactly(gate.client, 2), b"\5\0")
        return gate

    def tell(self, gate, octets):
        """A request without VER; the whole reply."""
        gate.client.sendall(b"\5" + octets)
        return reply_of(gate.client)

    def say(self, octets, **how):
        gate = self.session(**how)
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


def late(program):
    """One family is waited for, whatever the other one says."""
    m = Machine(program)
    try:
        m.names.addresses = ["::1", "127.0.0.1"]
        m.names.late = 2.3
        began = time.monotonic()
        check("IPv4", m.say(b"\x08\0" + BY_NAME + b"\0\1"),
              b"\5\0\0\1\x7f\0\0\1\0\0")
        check("at once", time.monotonic() - began < 1, True)
        check("IPv6", m.say(b"\x08\0" + BY_NAME + b"\0\4"),
              b"\5\0\0\4" + bytes(15) + b"\1\0\0")
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


def rename(m, old, new):
    """In the table, as a process that an attacker took over could."""
    with open(os.path.join(m.state, "associations"), "r+b") as file:
        place = file.read().index(old + b"\0")
        file.seek(place)
        file.write(new.ljust(max(len(old), len(new)) + 1, b"\0"))


def spelt(program):
    """Rules compare names as they are: one in another form leads nowhere."""
    m = Machine(program)
    try:
        m.rules = ["-o", "allow all at loopback"]
        number = m.make()
        by_id = bytes((CONNECT, 0)) + number + port(m.port)
        check("REP", m.say(by_id)[1], 0)
        m.rules = ["-o", "deny all to .example.com"] + m.rules
        check("REP of what is denied", m.say(by_id), NO % 2)
        before = NAME
        for name in (b"WWW.EXAMPLE.COM", b"www.example.com.", b"127.0.0.1",
                     b"www example.com"):
            rename(m, before, name)
            check(f"REP of {name}", m.say(by_id), NO % 9)
            before = name
    finally:
        m.end()


def serve_hop(listener, program, *lines):
    """The next gateway: a session for each connection."""
    words = [word for line in lines for word in ("-o", line)]
    while True:
        connection, _ = listener.accept()
        with connection:
            subprocess.Popen([program, *words], stdin=connection,
                             stdout=connection, stderr=subprocess.DEVNULL)


def chained(program):
    """By a next gateway, too, the first reply to 09, 0A and 0B has the ID."""
    m = Machine(program)
    hop = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve_hop, daemon=True, args=(
        hop, program, "allow all at loopback", "log-to stderr",
        "user nobody", m.names.option())).start()
    m.rules = ["-o", "allow all at loopback via "
               f"127.0.0.1:{hop.getsockname()[1]}"]
    try:
        given = {m.make()}
        for command in (CONNECT, BIND, UDP):
            gate = m.session()
            answer = m.tell(gate, bytes((command | ASSOCIATE, 0)) + BY_NAME +
                            port(m.port))
            check(f"the reply to {command}", answer[:5], b"\5\0\0\x08\0")
            given.add(answer[3:8])
            gate.client.close()
        check("one ID for one name", len(given), 1)
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
    """CONNECT, BIND and UDP by ID, in all four pairs; the ID is that of a
    name and of an address, and each command asks for one, too."""
    for client in ("127.0.0.1", "::1"):
        for server in ("127.0.0.1", "::1"):
            pair(program, client, server)


def field(address):
    packed = ipaddress.ip_address(address).packed
    return bytes(({4: 1, 16: 4}[len(packed)],)) + packed


def pair(program, client, server):
    m = Machine(program, "on", client, server)
    try:
        for what in (BY_NAME, field(server)):
            number = m.make(what=what)
            for wish in (0, ASSOCIATE):
                connected(m, number, wish)
                visited(m, number, wish)
                # The client's own address is no destination of 0B.
                if what == BY_NAME or client != server or not wish:
                    datagrams(m, number, wish)
            check("CONNECT+AA", m.say(bytes((CONNECT | ASSOCIATE, 0)) + what +
                                      port(m.port))[3:8], number)
            m.control.accept()[0].close()
    finally:
        m.end()


def has_id(what, answer, number, wish):
    check(what, answer[:3], b"\5\0\0")
    if wish:
        check("the ID of " + what, answer[3:8], number)


def connected(m, number, wish):
    gate = m.session()
    has_id("CONNECT", m.tell(gate, bytes((CONNECT | wish, 0)) + number +
                             port(m.port)), number, wish)
    server = m.control.accept()[0]
    server.sendall(b"x")
    check("data", streams.receive_exactly(gate.client, 1), b"x")
    gate.client.close()
    server.close()


def visited(m, number, wish):
    gate = m.session()
    first = m.tell(gate, bytes((BIND | wish, 0)) + number + port(0))
    has_id("BIND", first, number, wish)
    peer = socket.create_connection(
        (m.server, struct.unpack("!H", first[-2:])[0]), 30)
    second = reply_of(gate.client)
    has_id("second reply", second, number, wish)
    check("its port", second[-2:], port(peer.getsockname()[1]))
    peer.sendall(b"x")
    check("data", streams.receive_exactly(gate.client, 1), b"x")
    peer.close()


def datagram_socket(address):
    sock = socket.socket(
        socket.AF_INET6 if ":" in address else socket.AF_INET,
        socket.SOCK_DGRAM)
    sock.bind((address, 0))
    sock.settimeout(30)
    return sock


class Association:
    """A session for datagrams, and the client's socket."""

    def __init__(self, m, request=bytes((UDP, 0, 1)) + bytes(6), **how):
        self.ours = datagram_socket(m.client)
        self.gate = m.session(**how)
        self.answer = m.tell(self.gate, request)
        check("UDP", self.answer[:3], b"\5\0\0")
        self.relay = m.client, struct.unpack("!H", self.answer[-2:])[0]

    def send(self, to, peer, data):
        self.ours.sendto(bytes(3) + to + port(peer.getsockname()[1]) + data,
                         self.relay)

    def end(self):
        self.gate.client.close()
        self.gate.process.wait()
        self.ours.close()


def datagrams(m, number, wish):
    echo = datagram_socket(m.server)
    request = bytes((UDP | wish, 0)) + number + port(0)
    a = Association(m, request if wish else bytes((UDP, 0, 1)) + bytes(6))
    has_id("UDP", a.answer, number, wish)
    where = port(echo.getsockname()[1])
    # The answer has what the last datagram had.
    for to in (number, field(m.server), number):
        a.send(to, echo, b"ping")
        payload, sender = echo.recvfrom(100)
        check("at the server", payload, b"ping")
        echo.sendto(b"pong", sender)
        check("at the client", a.ours.recv(100),
              bytes(3) + to + where + b"pong")
    a.send(b"\x08\0\0\1\2", echo, b"never")
    a.send(number, echo, b"last")
    check("behind a wrong ID", echo.recv(100), b"last")
    a.end()
    echo.close()


def kept(program):
    """An ID of 09, 0A, 0B lives as long as its connection, then as any
    other."""
    m = Machine(program)
    try:
        for command in (CONNECT, BIND, UDP):
            gate = m.session()
            number = m.tell(gate, bytes((command | ASSOCIATE, 0)) + BY_NAME +
                            port(m.port))[3:8]
            check("ATYP and CLASS", number[:2], b"\x08\0")
            server = m.control.accept()[0] if command == CONNECT else None
            use = bytes((CONNECT, 0)) + number + port(m.port)
            later = ID_LIFE + 1
            check("while it lasts", m.say(use, later=later)[1], 0)
            later += ID_LIFE + 1
            check("and lasts", m.say(use, later=later)[1], 0)
            gate.client.close()
            if server:
                server.close()
            gate.process.wait()
            later += ID_LIFE - 30
            check("when it is over", m.say(use, later=later)[1], 0)
            later += ID_LIFE + 1
            check("long over", m.say(use, later=later), NO % 9)
    finally:
        m.end()


def ages(program):
    """An ID expires, refreshed or not; at its end, even that of a
    connection."""
    m = Machine(program)
    try:
        number = m.make()
        use = bytes((CONNECT, 0)) + number + port(m.port)
        later = 0
        while later < ID_LIFE_MAX - ID_LIFE:
            later += ID_LIFE - 30
            check(f"used at {later}", m.say(use, later=later)[1], 0)
        check("at its end", m.say(use, later=ID_LIFE_MAX + 1), NO % 9)
        gate = m.session(client="::1")
        number = m.tell(gate, bytes((CONNECT | ASSOCIATE, 0)) + BY_NAME +
                        port(m.port))[3:8]
        use = bytes((CONNECT, 0)) + number + port(m.port)
        check("as long as that", m.say(use, later=ID_LIFE_MAX - 30,
                                       client="::1")[1], 0)
        check("and no longer", m.say(use, later=ID_LIFE_MAX + 1,
                                     client="::1"), NO % 9)
    finally:
        m.end()


def alike(program):
    """Octet by octet: another client's ID, another user's, an expired one, and
    none."""
    m = Machine(program)
    try:
        path = os.path.join(m.state, "passwords")
        secret = subprocess.run(
            ["openssl", "passwd", "-6", PASSWORD], check=True,
            stdout=subprocess.PIPE).stdout
        with open(path, "wb") as file:
            file.write(b"".join(name + b":" + secret
                                for name in (b"alice", b"bob")))
        os.chmod(path, 0o600)
        os.chown(path, 65534, 65534)
        m.options += ["-o", "auth none password", "-o",
                      f"password-file {path}"]
        gate = m.session(login=b"alice")
        number = m.make(gate)
        use = bytes((CONNECT, 0)) + number + port(m.port)
        check("alice's own", m.say(use, login=b"alice")[1], 0)
        for who, how in (("bob", {"login": b"bob"}),
                         ("nobody", {}),
                         ("another client", {"client": "::1"}),
                         ("later", {"login": b"alice",
                                    "later": ID_LIFE + 30})):
            check(who, m.say(use, **how), NO % 9)
        none = bytes((CONNECT, 0)) + b"\x08\0\x12\x34\x56" + port(m.port)
        check("none", m.say(none, login=b"alice"), NO % 9)
        other = number[:1] + b"\1" + number[2:]
        check("CLASS", m.say(bytes((CONNECT, 0)) + other + port(m.port),
                             login=b"alice"), NO % 9)
    finally:
        m.end()


def pinned(program):
    """For a minute a name behind an ID means the host that it led to, to each
    session of the client."""
    m = Machine(program)
    here, there = datagram_socket("::1"), datagram_socket("127.0.0.1")
    try:
        number = m.make()
        a = Association(m)
        a.send(number, here, b"first")
        check("by UDP", here.recv(100), b"first")
        m.names.addresses = ["127.0.0.1"]
        check("then by CONNECT", m.say(bytes((CONNECT, 0x10)) + number +
                                       port(m.port))[:20],
              b"\5\0\x10\4" + bytes(15) + b"\1")
        a.end()
        a = Association(m)
        a.send(number, here, b"second")
        check("and by UDP", here.recv(100), b"second")
        a.end()
        a = Association(m, later=PIN_LIFE + 30)
        a.send(number, there, b"third")
        check("a minute later", there.recv(100), b"third")
        a.end()
        m.names.addresses = ["::1"]
        m.rules = ["-o", "allow all at ::1"]
        a = Association(m)
        a.send(number, here, b"fourth")
        check("pinned where no rule leads", here.recv(100), b"fourth")
        a.end()
    finally:
        m.end()
        here.close()
        there.close()


def flood(program):
    """A flood of wrong IDs does not keep the table busy: it is not asked."""
    m = Machine(program)
    echo = datagram_socket("::1")
    try:
        number = m.make()
        a = Association(m)
        a.send(number, echo, b"known")
        check("a right one", echo.recv(100), b"known")
        for n in range(GUESSES_MAX):
            a.send(b"\x08\0\0\2" + bytes((n,)), echo, b"never")
        a.send(number, echo, b"still known")
        check("behind wrong ones", echo.recv(100), b"still known")
        with open(os.path.join(m.state, "associations"), "r+b") as table:
            fcntl.lockf(table, fcntl.LOCK_EX, 1, 0)
            # Each that asks the table waits a second for its lock.
            for n in range(100):
                a.send(b"\x08\0\0\3" + bytes((n,)), echo, b"never")
            a.send(field("::1"), echo, b"last")
            check("behind many", echo.recv(100), b"last")
        a.end()
    finally:
        m.end()
        echo.close()


def busy(program):
    """An ID that could not be looked up, for another has the table's lock, is
    no wrong one."""
    m = Machine(program)
    echo = datagram_socket("::1")
    try:
        number = m.make()
        a = Association(m)
        with open(os.path.join(m.state, "associations"), "r+b") as table:
            fcntl.lockf(table, fcntl.LOCK_EX, 1, 0)
            for _ in range(GUESSES_MAX):
                a.send(number, echo, b"never")
            a.send(field("::1"), echo, b"behind")
            check("behind them", echo.recv(100), b"behind")
        a.send(number, echo, b"known")
        check("when the lock is gone", echo.recv(100), b"known")
        a.end()
    finally:
        m.end()
        echo.close()


def idle(program):
    """30 seconds behind an 08, not those of the handshake; anew behind each."""
    m = Machine(program)
    try:
        gate = m.session()
        m.make(gate)
        time.sleep(IDLE / 2)
        m.make(gate)
        start = time.monotonic()
        gate.client.settimeout(2 * IDLE)
        check("the end", gate.client.recv(1), b"")
        seconds = time.monotonic() - start
        if not IDLE - 1 < seconds < 2 * IDLE:
            raise Failure(f"after {seconds} s")
        text, status = gate.finish()
        if "cmd=ASSOCIATE" not in text or status:
            raise Failure(f"the record says {text!r}")
    finally:
        m.end()


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
    vectors, off, reverse, late, policy, spelt, chained, sequence, families,
    kept, ages, alike, pinned, flood, busy, idle, control, guessing, no_table,
    failed)}


def main():
    try:
        CHECKS[sys.argv[2]](sys.argv[1])
    except (Failure, ftp.Failure, handshake.Failure, OSError, IndexError,
            struct.error) as failure:
        sys.exit(f"{type(failure).__name__}: {failure}")


if __name__ == "__main__":
    main()

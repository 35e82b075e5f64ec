#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Sessions of one FTP client that know of each other, on loopback.

    ftp-data.py HANDLER CHECK

The client's sessions come from 127.0.0.1 (or another of 127/8), the server
is ::1 or 127.0.0.1; the rules allow its control port alone.
"""
import importlib
import ipaddress
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "peers"))
import handshake
import socks
import streams

DEADLINE = 30.0
EARLY = 10.0  # less than any timeout within the session
ROOT = os.path.join(os.path.dirname(__file__), "..", "..")
ftp = importlib.import_module("ftp")


class Failure(Exception):
    """A session that did not go as it must."""


def check(what, got, wanted):
    if got != wanted:
        raise Failure(f"{what}: {got!r}, not {wanted!r}")


def log_in(client, server):
    client.send(ftp.LOGIN[0], False)
    server.exactly(ftp.LOGIN[0])
    server.send(ftp.LOGIN[1], False)
    client.exactly(ftp.LOGIN[1])


class Machine:
    """A state directory, a control port, and the rules."""

    def __init__(self, program, server="::1", options=()):
        self.program = program
        self.server = server
        self.state = tempfile.mkdtemp()
        self.control = self.listen(0)
        self.port = self.control.getsockname()[1]
        self.options = ["-o", f"ftp-port {self.port}",
                        "-o", f"state-dir {self.state}"]
        if os.getuid() == 0:
            os.chown(self.state, 65534, 65534)
            self.options += ["-o", "user nobody"]
        self.rules = ["-o", f"allow at loopback port {self.port}"]
        for option in options:
            self.options += ["-o", option]
        self.sessions = []

    def open_client(self):
        """The client is one of this host: a rule must open its address."""
        self.rules += ["-o", "allow bind at 127.0.0.1"]

    def listen(self, port):
        family = socket.AF_INET6 if ":" in self.server else socket.AF_INET
        listener = socket.create_server((self.server, port), family=family)
        listener.settimeout(DEADLINE)
        return listener

    def session(self, login=None):
        gate = handshake.Handler(self.program, self.options + self.rules)
        gate.let_go()
        self.sessions.append(gate)
        if login:
            user, password = login
            gate.client.sendall(b"\5\1\2\1" + bytes((len(user),)) + user +
                                bytes((len(password),)) + password)
            check("login", streams.receive_exactly(gate.client, 4),
                  b"\5\2\1\0")
        else:
            gate.client.sendall(b"\5\1\0")
            check("method", streams.receive_exactly(gate.client, 2), b"\5\0")
        return gate

    def ask(self, gate, host, port, command=socks.CONNECT):
        """REP and BND's port."""
        form = "ip"
        try:
            ipaddress.ip_address(host)
        except ValueError:
            form = "name"
        gate.client.sendall(socks.request(host, port, form, command))
        head = streams.receive_exactly(gate.client, 4)
        rest = streams.receive_exactly(gate.client,
                                       6 if head[3] == 1 else 18)
        return head[1], struct.unpack("!H", rest[-2:])[0]

    def control_session(self, host=None, login=None):
        gate = self.session(login)
        check("REP of the control connection",
              self.ask(gate, host or self.server, self.port)[0], 0)
        server = ftp.Peer(self.control.accept()[0])
        client = ftp.Peer(gate.client)
        server.send(b"220 ready\r\n", False)
        check("greeting", client.line(), b"220 ready")
        log_in(client, server)
        return gate, client, server

    def bind_rep(self):
        """REP of a BIND that waits for the server."""
        gate = self.session()
        rep, _ = self.ask(gate, self.server, 0, socks.BIND)
        gate.client.close()
        return rep

    def data_rep(self, host, port, login=None):
        gate = self.session(login)
        rep, _ = self.ask(gate, host, port)
        gate.client.close()
        return rep

    def listen_twice(self):
        """As listen(0), and by another machine at the same port of ::1."""
        while True:
            listener = self.listen(0)
            try:
                other = socket.create_server(
                    ("::1", listener.getsockname()[1]),
                    family=socket.AF_INET6)
            except OSError:
                listener.close()  # the port is taken there: the next one
                continue
            other.settimeout(DEADLINE)
            return listener, other

    def end(self):
        self.control.close()
        for gate in self.sessions:
            gate.kill()
        shutil.rmtree(self.state, ignore_errors=True)


def passive(client, server, port, ask=b"PASV"):
    """Announces the port of ::1; returns the host that the client is told."""
    client.send(ask + b"\r\n", False)
    check("asked", server.line(), b"EPSV")
    server.send(b"229 ok (|||%d|)\r\n" % port, False)
    line = client.line()
    if ask == b"EPSV":
        return None
    numbers = line.split(b"(")[1].split(b")")[0].split(b",")
    check("port", int(numbers[4]) << 8 | int(numbers[5]), port)
    return ".".join(n.decode() for n in numbers[:4])


def port_alone(program):
    m = Machine(program)
    try:
        data = m.listen(0)
        port = data.getsockname()[1]
        check("REP before", m.data_rep("::1", port), 2)
        _, client, server = m.control_session()
        check("REP of a control connection's other ports",
              m.data_rep("::1", port), 2)
        passive(client, server, port, b"EPSV")
        check("REP of another port", m.data_rep("::1", port ^ 1), 2)
        check("REP of another address",
              m.data_rep("127.0.0.2", port), 2)
        check("REP", m.data_rep("::1", port), 0)
        data.accept()[0].close()
        data.close()
    finally:
        m.end()


def one_use(program):
    m = Machine(program)
    try:
        data = m.listen(0)
        port = data.getsockname()[1]
        _, client, server = m.control_session()
        passive(client, server, port, b"EPSV")
        check("REP", m.data_rep("::1", port), 0)
        check("REP once more", m.data_rep("::1", port), 2)
        # What is announced next takes the place of what is not used.
        other = m.listen(0)
        passive(client, server, port, b"EPSV")
        passive(client, server, other.getsockname()[1], b"EPSV")
        check("REP of the former", m.data_rep("::1", port), 2)
        check("REP of the latter",
              m.data_rep("::1", other.getsockname()[1]), 0)
        data.close()
        other.close()
    finally:
        m.end()


def other_user(program):
    m = Machine(program)
    passwords = os.path.join(m.state, "passwords")
    with open(passwords, "w", encoding="ascii") as file:
        for user in ("alice", "bob"):
            file.write(user + ":$6$salt$" + HASH + "\n")
    os.chmod(passwords, 0o600)
    if os.getuid() == 0:
        os.chown(passwords, 65534, 65534)
    m.options += ["-o", "auth password", "-o", f"password-file {passwords}"]
    m.rules = ["-o", f"allow user alice,bob at loopback port {m.port}"]
    alice, bob = (b"alice", b"secret"), (b"bob", b"secret")
    try:
        data = m.listen(0)
        port = data.getsockname()[1]
        _, client, server = m.control_session(login=alice)
        alias = passive(client, server, port)
        check("REP of another user", m.data_rep("::1", port, bob), 2)
        check("REP of another user by alias",
              m.data_rep(alias, port, bob), 2)
        check("REP", m.data_rep(alias, port, alice), 0)
        data.close()
    finally:
        m.end()


def alias(program):
    m = Machine(program)
    try:
        data = m.listen(0)
        port = data.getsockname()[1]
        _, client, server = m.control_session()
        host = passive(client, server, port)
        if not host.startswith("0.") or host.startswith("0.0.0."):
            raise Failure(f"no alias: {host}")
        first, second = (int(n) for n in host.split(".")[2:])
        check("REP of another alias",
              m.data_rep(f"0.1.{first ^ 1}.{second ^ 1}", port), 2)
        check("REP", m.data_rep(host, port), 0)
        data.accept()[0].close()
        again = passive(client, server, port)
        check("the alias of the same server", again, host)
        gate = m.session()
        octets = bytes((3, len(host))) + host.encode()
        gate.client.sendall(b"\5\1\0" + octets + struct.pack("!H", port))
        check("REP as a name",
              streams.receive_exactly(gate.client, 2)[1], 0)
        data.close()
    finally:
        m.end()


def own_address(program):
    """The client goes by the peer of its control connection: the gateway."""
    m = Machine(program)
    try:
        data = m.listen(0)
        port = data.getsockname()[1]
        check("REP before", m.data_rep("127.0.0.1", port), 2)
        _, client, server = m.control_session()
        passive(client, server, port, b"EPSV")
        check("REP of another port", m.data_rep("127.0.0.1", port ^ 1), 2)
        check("REP of another own address",
              m.data_rep("127.0.0.2", port), 2)
        check("REP", m.data_rep("127.0.0.1", port), 0)
        data.accept()[0].close()
        check("REP once more", m.data_rep("127.0.0.1", port), 2)
        data.close()
    finally:
        m.end()


class Names:
    """A name server whose answers change: its addresses of each family."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.addresses = []
        threading.Thread(target=self.serve, daemon=True).start()

    def option(self):
        return "resolver 127.0.0.1:%d" % self.socket.getsockname()[1]

    def serve(self):
        while True:
            query, peer = self.socket.recvfrom(512)
            end = query.index(b"\0", 12) + 5
            kind = struct.unpack("!H", query[end - 4:end - 2])[0]
            records = []
            for text in self.addresses:
                packed = ipaddress.ip_address(text).packed
                if kind == {4: 1, 16: 28}[len(packed)]:
                    records.append(struct.pack("!HHHIH", 0xc00c, kind, 1, 1,
                                               len(packed)) + packed)
            self.socket.sendto(
                query[:2] + struct.pack("!HHHHH", 0x8180, 1, len(records),
                                        0, 0) +
                query[12:end] + b"".join(records), peer)


def pinned(program):
    names = Names()
    m = Machine(program, "127.0.0.1", [names.option()])
    name = "ftp.example.com"
    try:
        data, trap = m.listen_twice()
        port = data.getsockname()[1]
        names.addresses = ["127.0.0.1"]
        _, client, server = m.control_session(name)
        client.send(b"EPSV\r\n", False)
        check("asked", server.line(), b"EPSV")
        server.send(b"229 ok (|||%d|)\r\n" % port, False)
        client.line()
        # Now the name is another machine, which listens there too.
        names.addresses = ["::1"]
        check("REP", m.data_rep(name, port), 0)
        data.accept()[0].close()
        # The pin goes first where the rules allow both, too.
        m.rules = ["-o", "allow at loopback"]
        check("REP by rule", m.data_rep(name, port), 0)
        data.accept()[0].close()
        # And only first: what does not listen there is found elsewhere.
        data.close()
        check("REP of the other address", m.data_rep(name, port), 0)
        trap.accept()[0].close()
        trap.close()
        # The pin and as many others as a look-up gives: nobody listens.
        names.addresses = ([f"127.0.0.{n}" for n in range(2, 12)] +
                           ["::1"] * 10)
        check("REP of all of them", m.data_rep(name, port), 5)
    finally:
        m.end()


def services(program):
    m = Machine(program)
    try:
        _, client, server = m.control_session()
        passive(client, server, 25, b"EPSV")
        check("REP of a service", m.data_rep("::1", 25), 2)
        # The port that the client reached is never dialled.
        gate = m.session()
        port = gate.client.getpeername()[1]
        passive(client, server, port, b"EPSV")
        check("REP of the gateway", m.ask(gate, "::1", port)[0], 2)
    finally:
        m.end()


def other_port(program):
    m = Machine(program)
    try:
        m.rules = ["-o", f"allow at loopback port {m.port}"]
        m.options[1] = "ftp-port 2"
        data = m.listen(0)
        port = data.getsockname()[1]
        gate = m.session()
        check("REP", m.ask(gate, "::1", m.port)[0], 0)
        server = ftp.Peer(m.control.accept()[0])
        client = ftp.Peer(gate.client)
        server.send(b"220 ready\r\n", False)
        client.line()
        log_in(client, server)
        passive(client, server, port, b"EPSV")
        check("REP of what looks like FTP", m.data_rep("::1", port), 2)
        data.close()
    finally:
        m.end()


def active(client, server, port, told="127,0,0,1"):
    """PORT; returns the port that the server is told."""
    client.send(b"PORT %s,%d,%d\r\n" % (told.encode(), port >> 8,
                                        port & 255), False)
    words = server.line().split(b"|")
    check("told", words[0], b"EPRT ")
    server.send(b"200 ok\r\n", False)
    check("answer", client.line(), b"200 PORT command successful")
    return words[2].decode(), int(words[3])


def refused_target(program, told, reason, rules):
    """PORT or the like is answered by 504, and nothing listens for it."""
    m = Machine(program)
    try:
        m.rules = [word for rule in rules
                   for word in ("-o", rule.format(port=m.port))]
        gate, client, server = m.control_session()
        client.send(told.encode() + b"\r\n", False)
        check("asked", server.line(), b"NOOP")
        server.send(b"200 ok\r\n", False)
        check("answer", client.line(),
              b"504 The rules do not allow that address")
        for peer in (client, server):
            peer.sock.shutdown(socket.SHUT_WR)
        text, _ = gate.finish()
        if f'reason="no data connection to {reason}' not in text:
            raise Failure(f"the record says {text!r}")
    finally:
        m.end()


def forwarder(program):
    """The client is a forwarder of this host: the ports there are not its
    own, and a rule must name the address."""
    control = "allow at loopback port {port}"
    unopened = '127.0.0.1:6379: 127.0.0.1 is loopback and no rule opens it"'
    for told in ("PORT 127,0,0,1,24,235", "EPRT |1|127.0.0.1|6379|",
                 "LPRT 4,4,127,0,0,1,2,24,235"):
        refused_target(program, told, unopened, [control])
    port = "PORT 127,0,0,1,24,235"
    refused_target(program, port, unopened,
                   [control, "allow bind at 127.0.0.2"])
    denied = "127.0.0.1:6379: denied by -o:"
    refused_target(program, port, denied,
                   [control, "deny at loopback,self"])
    refused_target(program, port, denied,
                   [control, "deny bind", "allow bind at 127.0.0.1"])


def bind(program):
    m = Machine(program)
    try:
        check("REP without a control connection",
              m.ask(m.session(), "::1", 0, socks.BIND)[0], 2)
        _, client, server = m.control_session()
        waiting = m.session()
        rep, port = m.ask(waiting, "::1", 0, socks.BIND)
        check("REP", rep, 0)
        check("the server is told", active(client, server, port),
              ("::1", port))
        stranger = socket.create_connection(("127.0.0.1", port), DEADLINE)
        check("a stranger gets", stranger.recv(1), b"")
        peer = socket.create_connection(("::1", port), DEADLINE)
        head = streams.receive_exactly(waiting.client, 4)
        check("second REP", head[1], 0)
        streams.receive_exactly(waiting.client, 6 if head[3] == 1 else 18)
        peer.sendall(b"hello")
        check("data", streams.receive_exactly(waiting.client, 5), b"hello")
        peer.close()
        stranger.close()
    finally:
        m.end()


def judged_again(program):
    """An announcement is no permit: what the rules say, now."""
    m = Machine(program)
    allow = list(m.rules)
    try:
        data = m.listen(0)
        port = data.getsockname()[1]
        _, client, server = m.control_session()
        passive(client, server, port, b"EPSV")
        m.rules = ["-o", f"deny at loopback port {port}"] + allow
        check("REP of what a rule above denies", m.data_rep("::1", port), 2)
        m.rules = ["-o", "allow at loopback port 1"]
        check("REP without the control connection's rule",
              m.data_rep("::1", port), 2)
        m.rules = ["-o", "deny from 127.0.0.1 at loopback"] + allow
        check("REP where that is denied", m.data_rep("::1", port), 2)
        # None of them has used it up.
        m.rules = allow + ["-o", "deny at loopback"]
        check("REP", m.data_rep("::1", port), 0)
        data.accept()[0].close()
        m.rules = ["-o", "deny bind"] + allow
        check("REP of BIND that a rule above denies",
              m.ask(m.session(), "::1", 0, socks.BIND)[0], 2)
        m.rules = allow + ["-o", "deny bind"]
        check("REP of BIND", m.ask(m.session(), "::1", 0, socks.BIND)[0], 0)
        data.close()
    finally:
        m.end()


def forged(program):
    """Another process of the user writes the table: it opens nothing that
    the client might not have anyway."""
    m = Machine(program)
    who = {"user": 65534, "group": 65534, "extra_groups": ()}

    def forge(to, server):
        subprocess.run([os.path.join(ROOT, "build/tests/table"), "forge",
                        m.state, "127.0.0.1", to[0], str(to[1]), server[0],
                        str(server[1])], check=True, env={
                            "ASAN_OPTIONS": "detect_leaks=0"},
                       **(who if os.getuid() == 0 else {}))
    try:
        m.control_session()
        local = socket.create_server(("127.0.0.2", 0))
        port = local.getsockname()[1]
        forge(("127.0.0.2", port), ("127.0.0.2", 22))
        check("REP by a control connection that no rule allows",
              m.data_rep("127.0.0.2", port), 2)
        forge(("127.0.0.2", port), ("::1", m.port))
        check("REP by that of another server",
              m.data_rep("127.0.0.2", port), 2)
        forge(("::1", 25), ("::1", m.port))
        check("REP of a service", m.data_rep("::1", 25), 2)
        local.close()
    finally:
        m.end()


def take_descriptors(gate):
    """It gets no more than it has."""
    who = {"user": 65534, "group": 65534, "extra_groups": ()}
    subprocess.run(["prlimit", f"--pid={gate.process.pid}", "--nofile=3"],
                   check=True, **(who if os.getuid() == 0 else {}))


def record_says(gate, client, server, what):
    """Both sides end; that is in the record, and nothing blames a peer."""
    for peer in (client, server):
        peer.sock.shutdown(socket.SHUT_WR)
    text, _ = gate.finish()
    if what not in text or "the server" in text or "the client" in text:
        raise Failure(f"the record says {text!r}")


def no_descriptor(program):
    """The server's data connection cannot be taken: it is closed, the
    session goes on, and what the server says of it is not believed."""
    m = Machine(program)
    m.open_client()
    try:
        gate, client, server = m.control_session()
        host, port = active(client, server, 50000)
        take_descriptors(gate)
        ask_transfer(client, server)
        try:
            with socket.create_connection((host, port), DEADLINE) as data:
                check("data", data.recv(1), b"")
        except ConnectionError:
            pass
        server.send(b"425 cannot connect\r\n", False)
        check("the server's answer", client.line(), b"425 cannot connect")
        client.send(b"NOOP\r\n", False)
        check("behind it", server.line(), b"NOOP")
        record_says(gate, client, server, 'reason="this gateway did not '
                    'accept the data connection: Too many open files"')
    finally:
        m.end()


def no_listener(program):
    """Without a descriptor to listen with it is this gateway that says no."""
    m = Machine(program)
    m.open_client()
    try:
        gate, client, server = m.control_session()
        take_descriptors(gate)
        client.send(b"PORT 127,0,0,1,200,1\r\n", False)
        check("asked", server.line(), b"NOOP")
        server.send(b"200 ok\r\n", False)
        said = b"This gateway has no descriptor or memory left"
        check("answer", client.line(), b"425 " + said)
        record_says(gate, client, server,
                    f'reason="{said.decode()}: Too many open files"')
    finally:
        m.end()


def advertised(program):
    m = Machine(program, "::1", [
        "listen-ports 25000-25019", "advertise bind 2001:db8:9::9"])
    m.open_client()
    try:
        _, client, server = m.control_session()
        host, port = active(client, server, 50000)
        check("address", host, "2001:db8:9::9")
        if not 25000 <= port <= 25019:
            raise Failure(f"port {port}")
    finally:
        m.end()


def no_table(program):
    m = Machine(program)
    try:
        shutil.rmtree(m.state)
        data = m.listen(0)
        port = data.getsockname()[1]
        gate, client, server = m.control_session()
        client.send(b"PASV\r\n", False)
        check("asked", server.line(), b"NOOP")
        server.send(b"200 ok\r\n", False)
        check("PASV", client.line(),
              b"502 No address for that here, use EPSV")
        passive(client, server, port, b"EPSV")
        check("REP", m.data_rep("::1", port), 2)
        m.rules = ["-o", "allow at loopback"]
        check("REP by rule", m.data_rep("::1", port), 0)
        for peer in (client, server):
            peer.sock.shutdown(socket.SHUT_WR)
        text, _ = gate.finish()
        if "No such file or directory" not in text:
            raise Failure(f"the record says {text!r}")
        data.close()
    finally:
        m.end()


def truncated(program):
    """Somebody cuts the table under two sessions, to nothing and in its
    middle: they live, say so, and go on as without a table."""
    for size in 0, 4096, 2 << 20:
        m = Machine(program)
        try:
            gate, client, server = m.control_session()
            os.truncate(os.path.join(m.state, "associations"), size)
            client.send(b"PASV\r\n", False)
            check("asked", server.line(), b"NOOP")
            server.send(b"200 ok\r\n", False)
            check(f"PASV with {size} octets", client.line(),
                  b"502 No address for that here, use EPSV")
            passive(client, server, 50000, b"EPSV")
            for peer in (client, server):
                peer.sock.shutdown(socket.SHUT_WR)
            text, status = gate.finish()
            check("status", status, 0)
            if "the association table was cut short" not in text:
                raise Failure(f"the record says {text!r}")
        finally:
            m.end()


def greeting(program):
    """For 30 s a server may say nothing; longer than that when it began."""
    m = Machine(program)
    try:
        gates = m.session(), m.session()
        servers = []
        for gate in gates:
            check("REP", m.ask(gate, "::1", m.port)[0], 0)
            servers.append(ftp.Peer(m.control.accept()[0]))
        slow, silent = servers
        clients = [ftp.Peer(gate.client) for gate in gates]
        slow.send(b"120 soon\r\n", False)
        check("greeting", clients[0].line(), b"120 soon")
        for client in clients:
            client.send(ftp.LOGIN[0] + b"PASV\r\n", False)
        silent.sock.settimeout(60)
        silent.exactly(ftp.LOGIN[0])
        check("what is no FTP", silent.line(), b"PASV")
        slow.send(b"220 ready\r\n", False)
        check("greeting", clients[0].line(), b"220 ready")
        slow.exactly(ftp.LOGIN[0])
        slow.send(ftp.LOGIN[1], False)
        clients[0].exactly(ftp.LOGIN[1])
        check("asked", slow.line(), b"EPSV")
    finally:
        m.end()


def too_many(program):
    """Three transfers may run; the fourth is refused, and said so."""
    m = Machine(program)
    m.open_client()
    try:
        gate, client, server = m.control_session()
        running = [start_transfer(m, client, server) for _ in range(3)]
        client.send(b"PORT 127,0,0,1,200,1\r\n", False)
        check("asked", server.line(), b"NOOP")
        server.send(b"200 ok\r\n", False)
        check("answer", client.line(), b"425 Too many transfers run at once")
        for source, sink in running:
            source.close()
            check("the end of the data", sink.recv(1), b"")
            sink.close()
        for peer in (client, server):
            peer.sock.shutdown(socket.SHUT_WR)
        text, _ = gate.finish()
        if 'reason="Too many transfers run at once: ' not in text:
            raise Failure(f"the record says {text!r}")
    finally:
        m.end()


def slow_reader(program):
    """More than fits anywhere, for a client that does not read yet."""
    m = Machine(program)
    try:
        _, client, server = m.control_session()
        client.send(b"STAT\r\n", False)
        check("asked", server.line(), b"STAT")
        reply = b"".join(b"211-%08d " % i + b"x" * 900 + b"\r\n"
                         for i in range(8000)) + b"211 end\r\n"
        push(server.sock, reply)
        # So long as it is not blocked there is nothing to see yet.
        stuck = time.monotonic() + DEADLINE
        while not socks.unacknowledged(server.sock):
            if time.monotonic() > stuck:
                raise Failure("the handler takes it all")
            time.sleep(0.01)
        check("reply", streams.receive_exactly(client.sock, len(reply)),
              reply)
        check("end", client.sock.recv(1), b"")
    finally:
        m.end()


def ended_behind(program):
    """The client's end, behind more than is read while a reply is owed."""
    m = Machine(program, "::1", ["half-closed-timeout 100ms"])
    try:
        gate, client, server = m.control_session()
        client.send(b"PASV\r\n", False)
        check("asked", server.line(), b"EPSV")
        push(client.sock, b"NOOP\r\n" * 4000)
        if not gate.has_ended(DEADLINE):
            raise Failure("it does not end")
        text, _ = gate.finish()
        if "half-closed and silent" not in text:
            raise Failure(f"the record says {text!r}")
    finally:
        m.end()


def filters(gate):
    """How many seccomp filters confine the session."""
    with open(f"/proc/{gate.process.pid}/status", encoding="ascii") as file:
        return [int(line.split()[1]) for line in file
                if line.startswith("Seccomp_filters:")]


def push(sock, octets):
    """In the background: octets, and a FIN."""
    def send():
        try:
            sock.sendall(octets)
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the other end says what is missing
    threading.Thread(target=send, daemon=True).start()


def transparent(program):
    """AUTH with much behind it, before and after it is accepted."""
    m = Machine(program)
    try:
        gate, client, server = m.control_session()
        before = filters(gate)
        up = b"".join(streams.stream(1, 3 << 20))
        down = b"".join(streams.stream(2, 3 << 20))
        client.sock.sendall(b"AUTH TLS\r\n" + up[:30000])
        check("asked", server.line(), b"AUTH TLS")
        server.sock.sendall(b"234 go\r\n" + down[:30000])
        check("answer", client.line(), b"234 go")
        push(client.sock, up[30000:])
        push(server.sock, down[30000:])
        client.got += streams.receive_exactly(client.sock,
                                              len(down) - len(client.got))
        check("filters", filters(gate), [n + 1 for n in before])
        server.got += streams.receive_exactly(server.sock,
                                              len(up) - len(server.got))
        check("down", client.got == down, True)
        check("up", server.got == up, True)
        check("the client's end", client.sock.recv(1), b"")
        check("the server's end", server.sock.recv(1), b"")
        text, _ = gate.finish()
        login = [len(octets) for octets in ftp.LOGIN]
        for word in (" ok ", f" up={len(up) + 10 + login[0]} ",
                     f" down={len(down) + 19 + login[1]} "):
            if word not in text:
                raise Failure(f"no{word}in {text!r}")
    finally:
        m.end()


def early(program):
    """What is no FTP, behind the request at once, is relayed at once."""
    m = Machine(program)
    try:
        for octets in (b"GET / HTTP/1.0\r\n\r\n",
                       b"\x16\x03\x01\x00\x05hello"):
            gate = m.session()
            gate.client.sendall(
                socks.request(m.server, m.port, "ip", socks.CONNECT) + octets)
            check("REP", streams.receive_exactly(gate.client, 10)[1], 0)
            server = m.control.accept()[0]
            server.settimeout(EARLY)
            check("early", streams.receive_exactly(server, len(octets)),
                  octets)
            server.sendall(octets)
            gate.client.settimeout(EARLY)
            check("answer", streams.receive_exactly(gate.client, len(octets)),
                  octets)
            server.close()
    finally:
        m.end()


def behind_auth(program, answer, rep):
    m = Machine(program)
    try:
        gate = m.session()
        check("REP", m.ask(gate, m.server, m.port)[0], 0)
        server = ftp.Peer(m.control.accept()[0])
        client = ftp.Peer(gate.client)
        server.send(b"220 ready\r\n", False)
        check("greeting", client.line(), b"220 ready")
        client.send(b"AUTH TLS\r\n", False)
        check("asked", server.line(), b"AUTH TLS")
        server.send(answer, False)
        client.exactly(answer)
        check(f"BIND behind {answer}", m.bind_rep(), rep)
    finally:
        m.end()


def auth_known(program):
    """Behind AUTH no login can be seen: the control connection counts from
    then on, and does not where AUTH is refused."""
    behind_auth(program, b"502 no\r\n", 2)
    behind_auth(program, b"234 go\r\n", 0)
    behind_auth(program, b"234-go\r\n234 on\r\n", 0)


def start_transfer(m, client, server, window=None):
    """Active: the client's end of it and the server's."""
    listener = socket.create_server(("127.0.0.1", 0))
    if window:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    listener.settimeout(DEADLINE)
    where = active(client, server, listener.getsockname()[1])
    source = socket.create_connection(where, DEADLINE, (m.server, 0))
    sink = listener.accept()[0]
    listener.close()
    sink.settimeout(DEADLINE)
    return source, sink


def descriptors(gate):
    return len(os.listdir(f"/proc/{gate.process.pid}/fd"))


def given_back(program):
    """A transfer that ended leaves no descriptor open."""
    m = Machine(program)
    m.open_client()
    try:
        gate, client, server = m.control_session()
        before = descriptors(gate)
        for _ in range(2):
            source, sink = start_transfer(m, client, server)
            source.sendall(b"octets")
            for sock in (source, sink):
                sock.shutdown(socket.SHUT_WR)
            check("data", sink.recv(100), b"octets")
            check("end", sink.recv(100), b"")
            check("end", source.recv(100), b"")
            sink.close()
            source.close()
            until = time.monotonic() + DEADLINE
            while descriptors(gate) > before and time.monotonic() < until:
                time.sleep(0.01)
            check("descriptors", descriptors(gate), before)
    finally:
        m.end()


def says_nothing(peer, what):
    """Until a command has gone round, nothing has come."""
    peer.sock.setblocking(False)
    try:
        raise Failure(f"{what}: {peer.sock.recv(100)!r}")
    except BlockingIOError:
        peer.sock.settimeout(DEADLINE)


def end_transfer(source, client, server, octets):
    """The server sends all, ends, and says so; the client hears nothing."""
    server.send(b"150 here\r\n", False)
    check("begun", client.line(), b"150 here")
    source.sendall(octets)
    source.close()
    server.send(b"226 done\r\n", False)
    server.wait_read()
    client.send(b"NOOP\r\n", False)
    check("behind it", server.line(), b"NOOP")
    says_nothing(client, "before the data")


def receive(sink, octets):
    got = streams.receive_octets(sink)
    check("the data", got == octets, True)
    sink.close()


def ask_transfer(client, server):
    client.send(b"RETR a\r\n", False)
    check("asked", server.line(), b"RETR a")


def crowd(program):
    """A hundred sessions of one client at once, each with its data."""
    m = Machine(program)
    try:
        sessions = []
        for _ in range(100):
            data = m.listen(0)
            gate, client, server = m.control_session()
            passive(client, server, data.getsockname()[1], b"EPSV")
            sessions.append((data, client, server))
        for data, _, _ in sessions:
            port = data.getsockname()[1]
            check("REP", m.data_rep("::1", port), 0)
            data.accept()[0].close()
            data.close()
    finally:
        m.end()


def overtaken(program):
    """The end of a transfer is told when the client has it: while the
    connection to the client is not up, and while it is not drained."""
    m = Machine(program)
    m.open_client()
    try:
        _, client, server = m.control_session()
        # A connection that nobody accepts keeps the next one away.
        listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        listener.settimeout(DEADLINE)
        filler = socket.create_connection(listener.getsockname())
        where = active(client, server, listener.getsockname()[1])
        ask_transfer(client, server)
        source = socket.create_connection(where, DEADLINE, (m.server, 0))
        end_transfer(source, client, server, b"hello")
        listener.accept()[0].close()
        filler.close()
        receive(listener.accept()[0], b"hello")
        check("the end", client.line(), b"226 done")
        server.send(b"200 ok\r\n", False)
        check("behind it", client.line(), b"200 ok")
        # More than the client's side takes unread.
        octets = b"".join(streams.stream(3, 1 << 20))
        source, sink = start_transfer(m, client, server, 4096)
        ask_transfer(client, server)
        end_transfer(source, client, server, octets)
        receive(sink, octets)
        check("the end", client.line(), b"226 done")
    finally:
        m.end()


def not_overtaken(program):
    """What does not wait: an aborted transfer, one that failed, STAT."""
    m = Machine(program)
    m.open_client()
    try:
        _, client, server = m.control_session()
        octets = b"".join(streams.stream(3, 1 << 20))
        source, sink = start_transfer(m, client, server, 4096)
        ask_transfer(client, server)
        server.send(b"150 here\r\n", False)
        check("begun", client.line(), b"150 here")
        source.sendall(octets)
        client.send(b"STAT\r\n", False)
        check("asked", server.line(), b"STAT")
        server.send(b"213 busy\r\n", False)
        check("in it", client.line(), b"213 busy")
        client.send(b"ABOR\r\n", False)
        check("asked", server.line(), b"ABOR")
        start = time.monotonic()
        server.send(b"226 aborted\r\n", False)
        check("aborted", client.line(), b"226 aborted")
        if time.monotonic() - start > 9:
            raise Failure("an abort waits for its data")
        source.close()
        sink.close()
    finally:
        m.end()


def undelivered(program):
    """A client that never takes its data: the end is told all the same."""
    m = Machine(program)
    m.open_client()
    try:
        _, client, server = m.control_session()
        octets = b"".join(streams.stream(3, 1 << 20))
        source, sink = start_transfer(m, client, server, 4096)
        ask_transfer(client, server)
        end_transfer(source, client, server, octets)
        check("the end", client.line(), b"226 done")
        sink.close()
    finally:
        m.end()


def dripping(program):
    """A client that takes the last of its data slowly, for longer than one
    that takes nothing is waited for: the end is told behind them."""
    m = Machine(program)
    m.open_client()
    try:
        _, client, server = m.control_session()
        octets = b"".join(streams.stream(3, 1 << 20))
        source, sink = start_transfer(m, client, server, 4096)
        ask_transfer(client, server)
        end_transfer(source, client, server, octets)
        left = 128 << 10
        got = streams.receive_exactly(sink, len(octets) - left)
        for _ in range(13):  # paced on purpose
            time.sleep(1)
            got += streams.receive_exactly(sink, left // 16)
            says_nothing(client, "before the data")
        receive(sink, octets[len(got):])
        check("the end", client.line(), b"226 done")
    finally:
        m.end()


def unanswered(program):
    """Servers that forget an answer hold nobody for ever: half a minute, or a
    second where it is the usual one.  Three sessions at once."""
    m = Machine(program)
    m.open_client()
    try:
        sides = [m.control_session()[1:] for _ in range(3)]
        commands = (b"PASV", b"LPRT 6,1", b"CWD a")
        asked = (b"EPSV", b"NOOP", b"CWD a")
        for (client, server), command, goes in zip(sides, commands, asked):
            client.send(command + b"\r\n", False)
            check("asked", server.line(), goes)
            client.send(b"PASV\r\n" if command == b"CWD a" else
                        b"ABOR\r\n", False)
            server.sock.settimeout(2 * DEADLINE)
        (held, slow), (ours, silent), (waits, lossy) = sides
        check("held no more", slow.line(), b"ABOR")
        slow.send(b"229 (|||60000|)\r\n225 none\r\n", False)
        check("late", held.line()[:4], b"227 ")
        check("behind it", held.line(), b"225 none")
        check("our answer", ours.line(), b"501 Syntax error in the address")
        check("behind it", silent.line(), b"ABOR")
        check("waits no more", lossy.line(), b"EPSV")
        lossy.send(b"229 (|||60000|)\r\n", False)
        check("answered", waits.line()[:4], b"227 ")
    finally:
        m.end()


def transfer_auth(program):
    m = Machine(program)
    m.open_client()
    try:
        _, client, server = m.control_session()
        source, sink = start_transfer(m, client, server)
        source.sendall(b"hello")
        check("data", streams.receive_exactly(sink, 5), b"hello")
        client.send(b"AUTH TLS\r\n", True)
        source.sendall(b"again")
        check("data", streams.receive_exactly(sink, 5), b"again")
        server.sock.setblocking(False)
        try:
            raise Failure(f"too early: {server.sock.recv(100)!r}")
        except BlockingIOError:
            server.sock.settimeout(DEADLINE)
        source.close()
        check("the end of the data", sink.recv(1), b"")
        sink.close()
        check("asked", server.line(), b"AUTH TLS")
    finally:
        m.end()


def trickle(source, sink, seconds):
    """Data for so long; returns the longest time that none moved."""
    start = last = time.monotonic()
    longest = 0.0
    while last - start < seconds:
        source.sendall(b"hello")
        check("data", streams.receive_exactly(sink, 5), b"hello")
        time.sleep(0.05)
        now = time.monotonic()
        longest = max(longest, now - last)
        last = now
    return longest


def transfer_idle_once(program, idle):
    """False: this machine was too slow to say."""
    m = Machine(program, "::1", [f"idle-timeout {idle}s"])
    m.open_client()
    try:
        gate, client, server = m.control_session()
        source, sink = start_transfer(m, client, server)
        try:
            longest = trickle(source, sink, idle * 1.5)
            source.close()
            check("the end of the data", sink.recv(1), b"")
        except (ConnectionError, Failure):
            longest = idle
        sink.close()
        if longest > idle / 2:
            return False
        for peer in (client, server):
            peer.ended(True)
        text, _ = gate.finish()
        if " timeout " not in text:
            raise Failure(f"the record says {text!r}")
        return True
    finally:
        m.end()


def transfer_idle(program):
    """Silence of the control connection, while data moves."""
    for idle in (1, 2, 8):
        if transfer_idle_once(program, idle):
            return
    raise Failure("it ended in the middle of a transfer")


def transfer_paused(program):
    """A client that reads nothing for longer than both timeouts, then slowly
    for longer than that, gets the file that the server has ended."""
    m = Machine(program, "::1", ["idle-timeout 3s",
                                 "half-closed-timeout 500ms"])
    m.open_client()
    try:
        _, client, server = m.control_session()
        source, sink = start_transfer(m, client, server, 65536)
        source.sendall(bytes(1000000))
        source.close()
        got = 0
        for _ in range(10):  # paced on purpose
            time.sleep(1)
            got += len(streams.receive_exactly(sink, 100000))
        check("octets", got, 1000000)
        check("the end of the data", sink.recv(1), b"")
    finally:
        m.end()


# crypt("secret", "$6$salt$")
HASH = ("egUxKNxDs8kPfh8iPMNcosMhb2eWah6d3R44JDm5Rj/"
        "j/XWR5E33QPd0YmHXoDHOIDR6kL5D3JcQcz0O8FHE00")
CHECKS = {name.__name__.replace("_", "-"): name for name in (
    port_alone, one_use, other_user, alias, pinned, services, other_port,
    bind, forwarder, judged_again, forged, no_descriptor, no_listener,
    advertised, no_table, truncated,
    own_address, transparent, early, auth_known,
    given_back, transfer_auth, transfer_idle, transfer_paused,
    greeting, ended_behind,
    too_many, slow_reader, crowd, overtaken, not_overtaken, undelivered,
    dripping,
    unanswered)}


def main():
    try:
        CHECKS[sys.argv[2]](sys.argv[1])
    except (Failure, ftp.Failure, handshake.Failure, OSError,
            struct.error) as failure:
        sys.exit(f"{type(failure).__name__}: {failure}")


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""FTP, most of it active, where the way to the server is the configuration's: needs root.

    ftp-steered.py HANDLER interface|mark|on-link|rule

Makes two network namespaces of its own, gone with it: this one, with the
client and the gateway, and the server's at the other end of a link.

interface: the server is fe80::2, and nowhere without an interface.
mark: there is a route to the server, 192.0.2.2, for a mark of 7 alone.
rule: a rule has a net to choose the source from, and a mark as above.
on-link: the client is beyond the link, too, where a rule denies it.
"""
import contextlib
import ctypes
import ipaddress
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "peers"))
import streams

DEADLINE = 30.0
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """A session that did not go as it must."""


def check(what, got, wanted):
    if got != wanted:
        raise Failure(f"{what}: {got!r}, not {wanted!r}")


def call(function, *arguments):
    if function(*arguments) != 0:
        raise OSError(ctypes.get_errno(), function.__name__)


def run(*words):
    subprocess.run(words, check=True)


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


class Network:
    """This namespace, and a link to the server's."""

    def __init__(self):
        call(LIBC.unshare, CLONE_NEWNET)
        self.here = os.open("/proc/self/ns/net", os.O_RDONLY)
        call(LIBC.unshare, CLONE_NEWNET)
        self.there = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.prepare()
        call(LIBC.setns, self.here, CLONE_NEWNET)
        self.prepare()
        run("ip", "link", "add", "one", "type", "veth", "peer", "name",
            "one", "netns", f"/proc/{os.getpid()}/fd/{self.there}")
        self.address(1)
        with self.at_server():
            self.address(2)

    @staticmethod
    def prepare():
        run("ip", "link", "set", "lo", "up")
        for which in ("all", "default"):
            write(f"/proc/sys/net/ipv4/conf/{which}/rp_filter", "0")
            write(f"/proc/sys/net/ipv6/conf/{which}/accept_dad", "0")

    @staticmethod
    def address(n):
        run("ip", "link", "set", "one", "addrgenmode", "none")
        run("ip", "address", "add", f"fe80::{n}/64", "dev", "one", "nodad")
        run("ip", "address", "add", f"192.0.2.{n}/24", "dev", "one")
        run("ip", "link", "set", "one", "up")

    @contextlib.contextmanager
    def at_server(self):
        """Sockets that are made in here are the server's."""
        call(LIBC.setns, self.there, CLONE_NEWNET)
        try:
            yield
        finally:
            call(LIBC.setns, self.here, CLONE_NEWNET)


class Session:
    """A client on loopback (or beyond the link, where `far'), a handler, and
    the server beyond the link."""

    def __init__(self, program, network, ours, server, options, far=False):
        self.network = network
        self.server_address = server
        self.ours = ours
        self.state = tempfile.mkdtemp()
        os.chown(self.state, 65534, 65534)
        with network.at_server():
            listener = socket.create_server(
                server, family=socket.AF_INET6 if ":" in server[0]
                else socket.AF_INET)
        with socket.create_server(
                (ours, 0), family=socket.AF_INET6 if ":" in ours
                else socket.AF_INET) as gate:
            with network.at_server() if far else contextlib.nullcontext():
                self.client = socket.create_connection(
                    gate.getsockname()[:2], DEADLINE)
            connection = gate.accept()[0]
        words = [program, "-o", f"state-dir {self.state}", "-o",
                 "user nobody"]
        for option in (*options, "allow all at any"):
            words += ["-o", option]
        self.words = words
        self.process = self.handle(connection)
        packed = socket.inet_pton(
            socket.AF_INET6 if ":" in server[0] else socket.AF_INET,
            server[0])
        self.client.sendall(
            b"\5\1\0" + b"\5\1\0" + (b"\4" if len(packed) == 16 else b"\1") +
            packed + struct.pack("!H", server[1]))
        self.read(b"\5\0\5\0\0")
        streams.receive_exactly(
            self.client, {1: 6, 4: 18}[self.client.recv(1)[0]])
        listener.settimeout(DEADLINE)
        self.server = listener.accept()[0]
        self.server.settimeout(DEADLINE)
        listener.close()
        self.server.sendall(b"220 ready\r\n")
        self.read(b"220 ready\r\n")
        self.client.sendall(b"USER a\r\n")
        check("login", streams.receive_exactly(self.server, 8),
              b"USER a\r\n")
        self.server.sendall(b"230 in\r\n")
        self.read(b"230 in\r\n")

    def handle(self, connection):
        with connection:
            return subprocess.Popen(self.words, stdin=connection,
                                    stdout=subprocess.DEVNULL,
                                    stderr=subprocess.PIPE)

    def data(self, where):
        """A data connection of the client, to an address of IPv4: whom the
        server sees."""
        with self.network.at_server():
            waits = socket.create_server(
                self.server_address[:1] + where[1:],
                family=socket.AF_INET6 if ":" in self.server_address[0]
                else socket.AF_INET)
        with socket.create_server((self.ours, 0)) as gate, waits:
            client = socket.create_connection(gate.getsockname(), DEADLINE)
            process = self.handle(gate.accept()[0])
            with client, process:
                client.sendall(b"\5\1\0" + b"\5\1\0\1" +
                               socket.inet_aton(where[0]) +
                               struct.pack("!H", where[1]))
                said = streams.receive_exactly(client, 5)
                if said != b"\5\0\5\0\0":
                    client.close()
                    raise Failure(f"{said.hex()}: {process.communicate()}")
                waits.settimeout(DEADLINE)
                waits.accept()[0].close()
                client.close()
                record = process.communicate(timeout=DEADLINE)[1].decode()
        return re.search(r" local=\[(.*?)\]", record)[1]

    def read(self, wanted):
        check("client", streams.receive_exactly(self.client, len(wanted)),
              wanted)

    def line(self):
        """The server's next."""
        line = b""
        while not line.endswith(b"\r\n"):
            octet = self.server.recv(1)
            if not octet:
                raise Failure(f"end, after {line!r}")
            line += octet
        if b" " not in line:
            raise Failure(f"told {line!r}")
        return line.decode()

    def transfer(self, told):
        """Octets of the server to a client that listens."""
        with socket.create_server(
                self.client.getsockname()[:1] + (0,),
                family=self.client.family) as listener:
            port = listener.getsockname()[1]
            self.client.sendall(told(port))
            where = self.announced()
            self.server.sendall(b"200 ok\r\n")
            self.read(b"200 ")
            with self.network.at_server():
                data = socket.socket(
                    socket.AF_INET6 if ":" in where[0] else socket.AF_INET)
            data.settimeout(DEADLINE)
            data.connect(where)
            self.told = where[0]
            data.sendall(b"hello")
            data.close()
            listener.settimeout(DEADLINE)
            with listener.accept()[0] as sink:
                check("data", streams.receive_exactly(sink, 6), b"hello")

    def announced(self):
        verb, argument = self.line().split()
        if verb == "PORT":
            numbers = argument.split(",")
            return (".".join(numbers[:4]),
                    int(numbers[4]) << 8 | int(numbers[5]))
        check("verb", verb, "EPRT")
        _, _, address, port, _ = argument.split("|")
        with self.network.at_server():
            return address, int(port), 0, socket.if_nametoindex("one")

    def end(self):
        self.client.close()
        self.server.close()
        try:
            self.process.communicate(timeout=DEADLINE)
        finally:
            self.process.kill()
            shutil.rmtree(self.state, ignore_errors=True)


def interface(program):
    network = Network()
    with network.at_server():
        scope = socket.if_nametoindex("one")
    session = Session(program, network, "127.0.0.1", ("fe80::2", 21, 0,
                                                      scope),
                      ["interface one"])
    try:
        session.transfer(
            lambda port: b"PORT 127,0,0,1,%d,%d\r\n" % divmod(port, 256))
    finally:
        session.end()


def mark(program):
    network = Network()
    run("ip", "route", "delete", "192.0.2.0/24", "dev", "one")
    run("ip", "route", "add", "192.0.2.0/24", "dev", "one", "table", "7")
    run("ip", "rule", "add", "fwmark", "7", "table", "7")
    session = Session(program, network, "::1", ("192.0.2.2", 21), ["mark 7"])
    try:
        session.transfer(lambda port: b"EPRT |2|::1|%d|\r\n" % port)
    finally:
        session.end()


def rule(program):
    """Of one FTP session all connections have one address, and the next
    session has another."""
    network = Network()
    net = ipaddress.ip_network("2001:db8:1::/64")
    run("ip", "address", "add", "2001:db8:9::1/64", "dev", "one", "nodad")
    run("ip", "-6", "route", "add", "local", str(net), "dev", "lo")
    run("ip", "-6", "route", "delete", "2001:db8:9::/64", "dev", "one")
    run("ip", "-6", "route", "add", "2001:db8:9::/64", "dev", "one", "table",
        "7")
    run("ip", "-6", "rule", "add", "fwmark", "7", "table", "7")
    with network.at_server():
        run("ip", "address", "add", "2001:db8:9::2/64", "dev", "one", "nodad")
        run("ip", "-6", "route", "add", str(net), "via", "fe80::1", "dev",
            "one")
    seen = set()
    for _ in range(2):
        session = Session(program, network, "127.0.0.1",
                          ("2001:db8:9::2", 21),
                          [f"allow all at 2001:db8:9::2 source {net} mark 7"])
        try:
            ours = session.server.getpeername()[0]
            check("in the net", ipaddress.ip_address(ours) in net, True)
            session.transfer(
                lambda port: b"PORT 127,0,0,1,%d,%d\r\n" % divmod(port, 256))
            check("where the server is sent", session.told, ours)
            session.read(b"PORT command successful\r\n")
            session.client.sendall(b"PASV\r\n")
            check("asked", streams.receive_exactly(session.server, 6),
                  b"EPSV\r\n")
            session.server.sendall(b"229 (|||51201|)\r\n")
            session.read(b"227 ")
            answer = session.client.recv(100).decode()
            numbers = answer.split("(")[1].split(")")[0].split(",")
            check("data", session.data((".".join(numbers[:4]), 51201)), ours)
        finally:
            session.end()
        seen.add(ours)
    check("addresses of two sessions", len(seen), 2)


def on_link(program):
    network = Network()
    session = Session(program, network, "192.0.2.1", ("192.0.2.2", 21),
                      ["ftp-alg always", "deny bind at on-link"], far=True)
    try:
        session.client.sendall(b"PORT 192,0,2,2,31,144\r\n")
        # The refusal has its place among the server's replies.
        check("server", session.server.recv(100), b"NOOP\r\n")
        session.server.sendall(b"200 yes\r\n")
        session.read(b"504 ")
    finally:
        session.end()


def main():
    try:
        {"interface": interface, "mark": mark, "rule": rule,
         "on-link": on_link}[sys.argv[2]](sys.argv[1])
    except (Failure, OSError, subprocess.SubprocessError) as failure:
        sys.exit(f"{type(failure).__name__}: {failure}")


if __name__ == "__main__":
    main()

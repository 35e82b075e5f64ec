#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Logs that nobody reads: a journald, a syslogd and a terminal that stand.

    syslog-dev FILE stuck.py HANDLER SINK

Runs where /dev and /run are its own.  SINK is journal, syslog or stderr.  It is
filled until it takes no more, as is the socket for STATUS=; then sessions end
all the same, and octets and datagrams move as if nothing was.  When it is read
again, the next record says how many are missing.
"""
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "peers"))
import handshake
import socks
import streams
from handshake import Failure

DEADLINE = 60.0
PEERS = 40
SESSIONS, SERVED = 10, 3
PORT = 1080
# Where each record was waited for a second, it would be twice that.
LOST, LATE = PEERS * 0.5, SESSIONS * 0.5
END = 15.0  # a second for each record and STATUS=, on a busy machine
PATHS = {"journal": "/run/systemd/journal/socket", "syslog": "/dev/log"}


class Datagrams:
    """The socket of a daemon that does not read."""

    def __init__(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.exists(path):
            os.unlink(path)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(path)
        os.chmod(path, 0o666)
        self.path = path
        self.stderr = subprocess.DEVNULL

    def fill(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            try:
                while True:
                    sock.sendto(b"full", self.path)
            except BlockingIOError:
                pass

    def read(self, pattern):
        """Reads all, until one matches."""
        self.sock.settimeout(DEADLINE)
        while True:
            octets = self.sock.recv(1 << 20)
            if re.search(pattern, octets):
                return octets


class Pipe:
    """A pipe to somebody who was stopped."""

    def __init__(self):
        self.out, self.stderr = os.pipe()

    def fill(self):
        os.set_blocking(self.stderr, False)
        try:
            while True:
                os.write(self.stderr, b"x" * 4096)
        except BlockingIOError:
            os.set_blocking(self.stderr, True)

    def read(self, pattern):
        octets = b""
        while not re.search(pattern, octets):
            if not select.select([self.out], [], [], DEADLINE)[0]:
                raise Failure(f"nothing like {pattern!r} came")
            octets = octets[-65536:] + os.read(self.out, 65536)
        return octets


class Session:
    """A handler whose log goes to that sink."""

    def __init__(self, program, name, sink, *options):
        with handshake.gate_listener() as listener:
            self.client = socket.create_connection(listener.getsockname())
            ours, _ = listener.accept()
        self.client.settimeout(DEADLINE)
        words = [word for line in (f"log-to {name}", *options)
                 for word in ("-o", line)]
        self.process = subprocess.Popen([program, *words], stdin=ours,
                                        stdout=ours, stderr=sink.stderr)
        ours.close()

    def request(self, host, port, command=socks.CONNECT):
        self.client.sendall(socks.GREETING +
                            socks.request(host, port, "ip", command))
        octets = streams.receive_exactly(self.client, 12)
        if octets[:4] != b"\5\0\5\0":
            raise Failure(f"reply {octets.hex()}")
        return socket.inet_ntoa(octets[6:10]), struct.unpack(
            "!H", octets[10:])[0]

    def end(self):
        try:
            return self.process.wait(END)
        except subprocess.TimeoutExpired:
            raise Failure("it hangs at its end") from None
        finally:
            self.process.kill()
            self.process.wait()


def ends(program, name, sink):
    """A session that is refused, and one that SIGTERM ends."""
    session = Session(program, name, sink, "deny all")
    session.client.sendall(socks.GREETING + socks.request("192.0.2.1", 80))
    session.client.shutdown(socket.SHUT_WR)
    if session.end() != 0:
        raise Failure("the refused session's status")
    session = Session(program, name, sink)
    session.client.sendall(b"\5")
    session.process.send_signal(signal.SIGTERM)
    session.end()


def relayed(program, name, sink):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        session = Session(program, name, sink, "allow all at loopback",
                          "log-start on")
        session.request("127.0.0.1", listener.getsockname()[1])
        server, _ = listener.accept()
    session.client.sendall(b"hello")
    if streams.receive_exactly(server, 5) != b"hello":
        raise Failure("octets of a relay")
    return session, server


def relays(program, name, sink):
    """CONNECT with a record at its start."""
    began = time.monotonic()
    sessions = [relayed(program, name, sink) for _ in range(SESSIONS)]
    took = time.monotonic() - began
    for session, _ in sessions[1:]:
        session.process.kill()
        session.process.wait()
    if took > LATE:
        raise Failure(f"{SESSIONS} times CONNECT took {took:.1f} s")
    session, server = sessions[0]
    sink.read(b"full|xxxx")
    drain(sink)
    session.client.close()
    server.close()
    session.end()
    record(sink, b"CONNECT", 1)


def sessions_of(process):
    path = f"/proc/{process.pid}/task/{process.pid}/children"
    with open(path, encoding="ascii") as file:
        return len(file.read().split()) - 1  # the gate


def serve_one(process):
    """A session of a service, to its end."""
    until = time.monotonic() + END
    with socket.create_server(("127.0.0.1", 0)) as listener:
        while True:
            try:
                client = socket.create_connection(("127.0.0.1", PORT), END)
                break
            except ConnectionRefusedError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.01)
        client.sendall(socks.GREETING + socks.request(
            "127.0.0.1", listener.getsockname()[1]))
        if streams.receive_exactly(client, 12)[3] != 0:
            raise Failure("it was not served")
        client.close()
        listener.accept()[0].close()
    while sessions_of(process) > 0:
        if time.monotonic() > until:
            raise Failure("a session hangs at its end")
        time.sleep(0.01)


def serves(program, name, sink):
    """Each session's record is lost, and another one's says so."""
    words = [word for line in (f"log-to {name}", "allow all at loopback")
             for word in ("-o", line)]
    with open(os.devnull, "rb") as nothing:
        process = subprocess.Popen(
            [program, *words, "-l", f"127.0.0.1:{PORT}"], stdin=nothing,
            stdout=subprocess.DEVNULL, stderr=sink.stderr)
    try:
        for _ in range(SERVED):
            serve_one(process)
        sink.read(b"full|xxxx")
        drain(sink)
        serve_one(process)
        record(sink, b"CONNECT", SERVED + 1)  # "listening on" is one more
    finally:
        process.terminate()
        process.wait()


def drain(sink):
    """All that is there."""
    fd = sink.out if isinstance(sink, Pipe) else sink.sock
    while select.select([fd], [], [], 0)[0]:
        if isinstance(sink, Pipe):
            os.read(fd, 65536)
        else:
            fd.recv(1 << 20)


def record(sink, command, lost):
    text = sink.read(b"(ok|reset) client=[^\n]* cmd=" + command)
    found = re.search(rb" lost=(\d+)", text)
    if found is None or int(found[1]) != lost:
        raise Failure(f"lost={lost} is not in {text[-700:]!r}")


def answer(sockets):
    """Echoes."""
    while True:
        for sock in select.select(sockets, [], [])[0]:
            octets, peer = sock.recvfrom(2000)
            sock.sendto(octets, peer)


def datagrams(program, name, sink):
    """To many peers, each with a record."""
    peers = []
    for _ in range(PEERS):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        peers.append(sock)
    threading.Thread(target=answer, args=(peers,), daemon=True).start()
    session = Session(program, name, sink, "allow all at loopback",
                      "log-udp-peers on")
    where = session.request("0.0.0.0", 0, socks.UDP_ASSOCIATE)
    ours = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ours.settimeout(DEADLINE)
    began = time.monotonic()
    for peer in peers:
        head = b"\0\0\0\1\x7f\0\0\1" + struct.pack(
            "!H", peer.getsockname()[1])
        ours.sendto(head + b"hello", where)
        if ours.recv(100) != head + b"hello":
            raise Failure("a datagram")
    took = time.monotonic() - began
    if took > LOST:
        raise Failure(f"{PEERS} datagrams took {took:.1f} s")
    drain(sink)
    session.client.close()
    session.end()
    record(sink, b"UDP", PEERS)


def main():
    program, name = sys.argv[1:]
    manager = Datagrams("/run/systemd/notify")
    manager.fill()
    os.environ["NOTIFY_SOCKET"] = manager.path
    for check in (ends, relays, datagrams, serves):
        sink = Datagrams(PATHS[name]) if name in PATHS else Pipe()
        sink.fill()
        try:
            check(program, name, sink)
        except (Failure, OSError) as failure:
            sys.exit(f"{check.__name__}: {type(failure).__name__}: {failure}")


main()

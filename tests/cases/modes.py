#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The listening mode beside the mode of a process for each connection, and
sessions beside each other.

    modes.py HANDLER CASE

As service.py, whose cases are started in the same way.
"""
import ctypes
import fcntl
import os
import re
import socket
import struct
import subprocess
import threading
import time

import service
from service import Failure, expect, wait_for
from starting import DEADLINE

import socks
import streams

NAMES = ("127.0.0.1", 5300)
OK, REFUSED, NOT_ALLOWED, NO_COMMAND = 0, 5, 2, 7


# ------------------------------------------------------------ what they need

class NameServer:
    """Has 127.0.0.1 for each name; remembers the IDs and ports of queries."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(NAMES)
        self.seen = []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            query, peer = self.socket.recvfrom(512)
            end = query.index(b"\0", 12) + 5
            self.seen.append((query[:2], peer[1]))
            is_a = query[end - 4:end - 2] == b"\0\1"
            record = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\x7f\0\0\1"
            self.socket.sendto(
                query[:2] + struct.pack("!HHHHH", 0x8180, 1, is_a, 0, 0) +
                query[12:end] + (record if is_a else b""), peer)


def passwords(made, users):
    """A password file of those, each with her name as password."""
    path = made.path("passwords")
    lines = []
    for user in users:
        done = subprocess.run(["openssl", "passwd", "-6", user], check=True,
                              stdout=subprocess.PIPE)
        lines.append(f"{user}:{done.stdout.decode()}")
    made.write(path, "".join(lines))
    os.chmod(path, 0o600)
    os.chown(path, service.NOBODY, service.NOBODY)
    return path


def in_threads(count, work):
    """work(i) for each i, at once; the first failure is raised."""
    failures = []

    def run(i):
        try:
            work(i)
        except (Failure, OSError, EOFError, IndexError) as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


class Single:
    """The other mode: a handler for each connection, the same configuration.
    """

    def __init__(self, made):
        self.made = made
        self.processes = []
        self.listener = socket.create_server(("127.0.0.1", 0))

    def connect(self):
        client = socket.create_connection(self.listener.getsockname())
        client.settimeout(DEADLINE)
        ours, _ = self.listener.accept()
        with ours:
            self.processes.append(subprocess.Popen(
                [self.made.program, "-f", self.made.config], stdin=ours,
                stdout=subprocess.DEVNULL, stderr=self.made.log))
        return client

    def end(self):
        for process in self.processes:
            process.wait(DEADLINE)


def reply_of(client):
    """A reply of SOCKS5 to a request."""
    head = streams.receive_exactly(client, 4)
    if head[3] == socks.NAME:
        head += streams.receive_exactly(client, 1)
        return head + streams.receive_exactly(client, head[4] + 2)
    return head + streams.receive_exactly(
        client, {socks.IPV4: 6, socks.IPV6: 18, 8: 6}[head[3]])


def ask(client, *request, rep=OK):
    client.sendall(socks.GREETING)
    expect("method", streams.receive_exactly(client, 2), socks.METHOD_NONE)
    client.sendall(socks.request(*request))
    reply = reply_of(client)
    expect("REP", reply[1], rep)
    return reply


# --------------------------------------------------------- a session each

def by_name(client, made):
    ask(client, "www.example.com", made.echo, "name")
    exchange(client)


def by_address(client, made):
    ask(client, "127.0.0.1", made.echo)
    exchange(client)


def exchange(client):
    client.sendall(b"hello")
    expect("echo", streams.receive_exactly(client, 5), b"hello")
    client.shutdown(socket.SHUT_WR)
    expect("end", client.recv(1), b"")


def denied(client, made):
    ask(client, "192.0.2.1", 80, rep=NOT_ALLOWED)


def refused(client, made):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    ask(client, "127.0.0.1", port, rep=REFUSED)


def no_command(client, made):
    ask(client, "127.0.0.1", 80, "ip", 0x40, rep=NO_COMMAND)


def no_socks(client, made):
    client.sendall(b"GET / HTTP/1.0\r\n\r\n")
    client.recv(100)


def login(client, made, word=b"alice", status=0):
    client.sendall(b"\5\1\2\1\5alice" + bytes((len(word),)) + word)
    expect("login", streams.receive_exactly(client, 4),
           b"\5\2\1" + bytes((status,)))


def gone(client, made):
    login(client, made)


def logged_in(client, made):
    login(client, made)
    client.sendall(socks.request("127.0.0.1", made.echo))
    expect("REP", reply_of(client)[1], OK)
    exchange(client)


def not_logged_in(client, made):
    login(client, made, b"wrong", 1)


def socks4(client, made):
    client.sendall(socks.request4("127.0.0.1", made.echo))
    expect("CD", streams.receive_exactly(client, 8)[1], socks.GRANTED4)
    exchange(client)


def bound(client, made):
    reply = ask(client, "127.0.0.1", 0, "ip", socks.BIND)
    with socket.create_connection(
            ("127.0.0.1", struct.unpack("!H", reply[-2:])[0])) as peer:
        expect("REP", reply_of(client)[1], OK)
        peer.sendall(b"hello")
        expect("octets", streams.receive_exactly(client, 5), b"hello")
        peer.shutdown(socket.SHUT_WR)
        client.shutdown(socket.SHUT_WR)
        expect("end", client.recv(1), b"")


def datagrams(client, made):
    reply = ask(client, "0.0.0.0", 0, "ip", socks.UDP_ASSOCIATE)
    relay = "127.0.0.1", struct.unpack("!H", reply[-2:])[0]
    peer, ours = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                  for _ in range(2))
    with peer, ours:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(DEADLINE)
        ours.settimeout(DEADLINE)
        ours.sendto(bytes(3) + socks.request(*peer.getsockname())[3:] +
                    b"hello", relay)
        octets, sender = peer.recvfrom(100)
        peer.sendto(octets, sender)
        expect("datagram", ours.recv(100)[10:], b"hello")


def associated(client, made):
    reply = ask(client, "www.example.com", 0, "name", 8)
    client.sendall(b"\5\1\0" + reply[3:8] + struct.pack("!H", made.echo))
    expect("REP", reply_of(client)[1], OK)
    exchange(client)


def reset(client, made):
    ask(client, "127.0.0.1", made.echo)
    streams.close_by_reset(client)


KINDS = (by_name, by_address, denied, refused, no_command, no_socks, gone,
         logged_in, not_logged_in, socks4, bound, datagrams, associated, reset)


def without_luck(record):
    """A record without what another moment or process would change."""
    record = re.sub(r"^socks64\[\d+\]: ", "", record)
    record = re.sub(r" start=\S+ seconds=\S+", "", record)
    record = re.sub(r"(127\.0\.0\.1:)\d+", r"\1PORT", record)
    return re.sub(r"(www\.example\.com:)\d+", r"\1PORT", record)


def records_of(made, connect, kind):
    before = len(made.lines(" client="))
    with connect() as client:
        kind(client, made)
    wait_for(f"the record of {kind.__name__}",
             lambda: len(made.lines(" client=")) > before)
    # Those of datagrams are two.
    wait_for("its end", lambda: not made.lines(" client=")[-1].split()[1]
             == "peer")
    return [without_luck(line) for line in made.lines(" client=")[before:]]


@service.case
def case_records(program):
    """A session of each kind leaves the same record in both modes."""
    NameServer()
    made = service.service(
        program, "resolver 127.0.0.1:5300", "socks4 on", "address-id on",
        "auth none password", "state-dir {directory}/state",
        "password-file {directory}/passwords")
    configure(made)
    passwords(made, ("alice",))
    made.start()
    single = Single(made)
    for kind in KINDS:
        listening = records_of(made, made.connect, kind)
        expect(kind.__name__, records_of(made, single.connect, kind),
               listening)
    single.end()


def configure(made):
    """Names the case's directory, and makes one for the table."""
    state = made.path("state")
    os.mkdir(state, 0o700)
    os.chown(state, service.NOBODY, service.NOBODY)
    text = service.read(made.config).decode()
    made.write(made.config, "user nobody\n" +
               text.replace("{directory}", made.directory))


@service.case
def case_queries(program):
    """Siblings of one generation ask with IDs and ports of their own."""
    names = NameServer()
    made = service.service(program, "resolver 127.0.0.1:5300").start()
    gate = made.lasting_gate()
    seen = []
    for _ in range(4):
        names.seen.clear()
        with made.connect() as client:
            by_name(client, made)
        expect("queries", len(names.seen), 2)
        seen.append(sorted(names.seen))
    expect("gate", made.wait_gate(), gate)
    for part in 0, 1:
        values = [tuple(query[part] for query in queries) for queries in seen]
        if len(set(values)) < len(values):
            raise Failure(f"queries repeat: {values}")


@service.case
def case_table(program):
    """Sessions of both modes make and use IDs of one table at once."""
    made = service.service(program, "address-id on",
                           "state-dir {directory}/state")
    configure(made)
    made.start()
    single = Single(made)
    ids = {}

    def make(i):
        connect = made.connect if i % 2 else single.connect
        with connect() as client:
            ids[i] = ask(client, f"host{i}.example", 0, "name", 8)[3:8]

    def use(i):
        connect = single.connect if i % 2 else made.connect
        with connect() as client:
            ask_name(client, i)

    def ask_name(client, i):
        client.sendall(socks.GREETING + b"\5\x08\0" + ids[i] + b"\0\3")
        expect("method", streams.receive_exactly(client, 2),
               socks.METHOD_NONE)
        name = b"host%d.example" % i
        expect("what the other mode's ID is", reply_of(client)[4:-2],
               bytes((len(name),)) + name)

    in_threads(24, make)
    expect("different IDs", len(set(ids.values())), 24)
    in_threads(24, use)
    single.end()


@service.case
def case_lock(program):
    """Who has the table's lock keeps sessions of both modes out of it."""
    made = service.service(program, "address-id on",
                           "state-dir {directory}/state")
    configure(made)
    made.start()
    single = Single(made)
    with made.connect() as client:
        ask(client, "host.example", 0, "name", 8)
    for connect in made.connect, single.connect:
        with open(made.path("state/associations"), "r+b") as table, \
                connect() as client:
            fcntl.lockf(table, fcntl.LOCK_EX, 1, 0)
            ask(client, "host.example", 0, "name", 8, rep=1)
        with connect() as client:
            ask(client, "host.example", 0, "name", 8)
    single.end()


@service.case
def case_logins(program):
    """Logins at once read one password file, each as if it were alone."""
    users = [f"user{i}" for i in range(12)]
    made = service.service(program, "auth password",
                           "password-file {directory}/passwords")
    configure(made)
    # Others, so that it is longer than what is read at once.
    path = passwords(made, users)
    lines = service.read(path).decode().splitlines()
    made.write(path, "\n".join(
        line + "\n" + "\n".join(f"other{line[:6]}{i}:$6$x$y"
                                for i in range(500)) for line in lines) + "\n")
    os.chmod(path, 0o600)
    made.start()

    def log_in(i):
        name = users[i % len(users)].encode()
        for word, status in (name, 0), (b"wrong", 1):
            with made.connect() as client:
                client.sendall(b"\5\1\2\1" + bytes((len(name),)) + name +
                               bytes((len(word),)) + word)
                expect(f"login of {name}", streams.receive_exactly(
                    client, 4), b"\5\2\1" + bytes((status,)))

    in_threads(36, log_in)


# ------------------------------------------------------- what accept lacks

ACCEPT4, LOAD, EQUAL, RETURN = 288, 0x20, 0x15, 0x06
ERRNO, ALLOWED = 0x00050000, 0x7fff0000
SET_NO_NEW_PRIVS, SET_SECCOMP, FILTER = 38, 22, 2


def forbid_accept(error):
    """From here on accept4(2) fails so, in this process and its children."""
    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]

    code = b"".join(struct.pack("HBBI", *line) for line in (
        (LOAD, 0, 0, 0), (EQUAL, 0, 1, ACCEPT4), (RETURN, 0, 0, ERRNO | error),
        (RETURN, 0, 0, ALLOWED)))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(SET_NO_NEW_PRIVS, 1, 0, 0, 0) or prctl(
            SET_SECCOMP, FILTER, ctypes.byref(Program(4, code)), 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")


@service.case
def case_accept_fails(program, error):
    """accept(2) fails for want of what the whole machine has: the gate rests,
    says so once, and goes on."""
    error = int(error)
    made = service.service(program)
    forbid_accept(error)
    time.sleep(1.1)  # no input is young, and the first gate stays
    made.start()
    gate = made.wait_gate()
    said = f"no connection can be accepted: {re.escape(os.strerror(error))}$"
    with made.connect():
        made.wait_line(said)
        before = service.cpu(gate)
        time.sleep(1)
    if service.cpu(gate) - before > 0.2:
        raise Failure("the gate spins")
    expect("lines", len(made.lines(said)), 1)
    expect("gate", made.gate(), gate)


if __name__ == "__main__":
    service.main()

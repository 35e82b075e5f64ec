#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""One end of a relayed stream, client or server, that plays a script.

    play.py (--listen HOST:PORT | --connect HOST:PORT | --unix PATH)
            [--socks HOST:PORT] [--port-file FILE] [--seed N]
            [--peer-seed N] [--timeout SECONDS] ACTION...

--listen accepts one connection; PORT 0 takes any and --port-file says which.
--connect and --unix connect.  --socks then asks for a CONNECT to HOST:PORT by
SOCKS5 without authentication (a literal goes by ATYP 01 or 04, else by name).
What is sent is a stream that --seed makes (1) and what is received must be
that of --peer-seed (1): each octet is compared in its place.
The exit status is 0 if all happened so, in time (60 s); else 1, with one line
on stderr.  Sizes are 4096, 64k, 8m.

Actions, one after the other on one connection:
    send:SIZE           sends the next SIZE octets of the stream
    expect:SIZE         receives the next SIZE octets
    sip:SIZE:COUNT      receives SIZE octets COUNT times, one each half second
    swap:SIZE           both at the same time, SIZE each way
    text:WORD           sends these octets
    drip:COUNT          so many times `x`, one each half second
    expect-text:WORD    receives these octets, and no other before them
    mark:SIZE:OFFSET    sends SIZE octets, and before the one at OFFSET an
                        urgent one, `!`, that is not of the stream
    expect-mark:SIZE:OFFSET   receives them; the mark must be at OFFSET
    urgent:C            sends C as an urgent octet
    expect-urgent:C     the next octet is C, and urgent
    fin                 half-closes
    expect-fin          the other side has done so
    reset               closes by a reset (what was not sent is lost)
    close               closes
    expect-reset        a reset comes, and no octet before it
    push-until-reset    sends octets until a reset comes
    flushed             waits until all was acknowledged
    window:SIZE         a small receive buffer, for slow readers
    stalled:FILE        from here, when nothing can be sent for half a second,
                        FILE is made
    touch:FILE          makes a file, for the others to see
    wait:FILE           waits for one
"""
import argparse
import errno
import fcntl
import os
import random
import select
import socket
import struct
import sys
import time

PERIOD = 1048573  # prime, so that no buffer size hides a shift
CHUNK = 65536
SIOCATMARK = 0x8905
SIOCOUTQ = 0x5411


class Failed(Exception):
    """What should have happened did not."""


def size(text):
    """4096, 64k, 8m."""
    factor = {"k": 1 << 10, "m": 1 << 20}.get(text[-1])
    return int(text[:-1]) * factor if factor else int(text)


def endpoint(text):
    """HOST:PORT, an IPv6 host in brackets."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


class Octets:
    """An endless stream that only depends on its seed."""

    def __init__(self, seed):
        period = random.Random(seed).randbytes(PERIOD)
        self.ring = period + period[:CHUNK]
        self.at = 0

    def peek(self, count):
        """The next octets, at most CHUNK of them."""
        start = self.at % PERIOD
        return self.ring[start:start + min(count, CHUNK)]

    def check(self, got):
        """They must be the next ones."""
        if got != self.peek(len(got)):
            raise Failed(f"other octets than sent near {self.at}")
        self.at += len(got)


class Stream:
    """The connection and the actions on it."""

    def __init__(self, connection, options):
        self.connection = connection
        self.until = time.monotonic() + options.timeout
        self.ours = Octets(options.seed)
        self.theirs = Octets(options.peer_seed)
        self.fin_seen = False
        self.stalled = None
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        if connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)

    def wait(self, events):
        """Until one of the events; which?"""
        poller = select.poll()
        poller.register(self.connection, events)
        stalled = self.stalled if events == select.POLLOUT else None
        while True:
            left = self.until - time.monotonic()
            if left <= 0:
                raise Failed("timeout")
            ready = poller.poll(500 if stalled else left * 1000)
            if ready:
                return ready[0][1]
            if stalled:
                open(stalled, "w").close()

    def push(self, octets, flags=0):
        """Sends some, at least one; how many?"""
        while True:
            try:
                return self.connection.send(octets, flags)
            except BlockingIOError:
                self.wait(select.POLLOUT)

    def pull(self, count):
        """Receives some, never over the urgent mark unasked; b"" is FIN."""
        while True:
            self.wait(select.POLLIN)
            try:
                return self.connection.recv(count)
            except BlockingIOError:
                pass

    def at_mark(self):
        """Is the next octet urgent?"""
        answer = fcntl.ioctl(self.connection, SIOCATMARK, b"\0" * 4)
        return struct.unpack("i", answer)[0] != 0

    def pull_exactly(self, octets):
        """Receives these octets."""
        for i in range(len(octets)):
            got = self.pull(1)
            if got != octets[i:i + 1]:
                raise Failed(f"{got!r} where {octets!r} should be")

    def do_send(self, count):
        left = size(count)
        while left > 0:
            sent = self.push(self.ours.peek(left))
            self.ours.at += sent
            left -= sent

    def do_expect(self, count):
        left = size(count)
        while left > 0:
            got = self.pull(min(left, CHUNK))
            if not got:
                raise Failed(f"FIN, {left} octets too early")
            self.theirs.check(got)
            left -= len(got)

    def do_sip(self, count, times):
        for _ in range(int(times)):
            time.sleep(0.5)
            self.do_expect(count)

    def do_swap(self, count):
        out = into = size(count)
        while out > 0 or into > 0:
            events = self.wait((select.POLLOUT if out else 0) |
                               (select.POLLIN if into else 0))
            if out and events & select.POLLOUT:
                sent = self.push(self.ours.peek(out))
                self.ours.at += sent
                out -= sent
            if into and events & select.POLLIN:
                got = self.connection.recv(min(into, CHUNK))
                if not got:
                    raise Failed(f"FIN, {into} octets too early")
                self.theirs.check(got)
                into -= len(got)

    def do_text(self, word):
        octets = word.encode()
        while octets:
            octets = octets[self.push(octets):]

    def do_drip(self, count):
        for _ in range(int(count)):
            time.sleep(0.5)
            self.do_text("x")

    def do_expect_text(self, word):
        self.pull_exactly(word.encode())

    def do_mark(self, count, offset):
        self.do_send(offset)
        self.do_urgent("!")
        self.do_send(str(size(count) - size(offset)))

    def do_expect_mark(self, count, offset):
        total, marks, left = size(count), [], size(count)
        while left > 0 or not marks:
            # Octets are there, so the next cannot become urgent: at_mark()
            # is true now or not before the end of this recv().
            self.wait(select.POLLIN)
            if self.at_mark():
                marks.append(total - left)
                self.pull_exactly(b"!")
                continue
            got = self.pull(max(1, min(left, CHUNK)))
            if not got or left == 0:
                raise Failed(f"no mark, or FIN, {left} octets too early")
            self.theirs.check(got)
            left -= len(got)
        if marks != [size(offset)]:
            raise Failed(f"urgent at {marks}, not at {offset}")

    def do_urgent(self, octet):
        self.push(octet.encode(), socket.MSG_OOB)

    def do_expect_urgent(self, octet):
        self.wait(select.POLLPRI)
        self.wait(select.POLLIN)
        if not self.at_mark():
            raise Failed("the next octet is not the urgent one")
        self.pull_exactly(octet.encode())

    def do_fin(self):
        self.connection.shutdown(socket.SHUT_WR)

    def do_expect_fin(self):
        got = self.pull(1)
        if got:
            raise Failed(f"{got!r} instead of FIN")
        self.fin_seen = True

    def do_reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   struct.pack("ii", 1, 0))
        self.connection.close()

    def do_close(self):
        self.connection.close()

    def do_expect_reset(self):
        self.wait(0 if self.fin_seen else select.POLLIN)
        try:
            got = self.connection.recv(1)
        except ConnectionResetError:
            return
        if got:
            raise Failed(f"{got!r} instead of a reset")
        # Behind a FIN recv() says FIN for ever, whatever came since.
        error = self.connection.getsockopt(socket.SOL_SOCKET,
                                           socket.SO_ERROR)
        if error not in (errno.ECONNRESET, errno.EPIPE):
            raise Failed("FIN instead of a reset")

    def do_push_until_reset(self):
        try:
            while True:
                self.push(b"x" * CHUNK)
        except (ConnectionResetError, BrokenPipeError):
            pass

    def do_flushed(self):
        def unsent():
            return struct.unpack("i", fcntl.ioctl(
                self.connection, SIOCOUTQ, b"\0" * 4))[0]
        self.poll_for(lambda: unsent() == 0, "acknowledgement")

    def do_window(self, count):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                   size(count))

    def do_stalled(self, name):
        self.stalled = name

    def do_touch(self, name):
        open(name, "w").close()

    def do_wait(self, name):
        self.poll_for(lambda: os.path.exists(name), name)

    def poll_for(self, condition, what):
        """Looks every 10 ms."""
        while not condition():
            if time.monotonic() > self.until:
                raise Failed(f"no {what} in time")
            time.sleep(0.01)

    def play(self, action):
        """send:8m is do_send("8m")."""
        name, *arguments = action.split(":")
        try:
            getattr(self, "do_" + name.replace("-", "_"))(*arguments)
        except (Failed, OSError) as error:
            raise Failed(f"{action}: {error}") from error


def exactly(connection, count):
    """So many octets, blocking."""
    octets = b""
    while len(octets) < count:
        got = connection.recv(count - len(octets))
        if not got:
            raise Failed("FIN in the SOCKS handshake")
        octets += got
    return octets


def request(host, port):
    """VER CMD RSV ATYP DST.ADDR DST.PORT"""
    for family, kind in (socket.AF_INET, 1), (socket.AF_INET6, 4):
        try:
            field = bytes([kind]) + socket.inet_pton(family, host)
            break
        except OSError:
            field = bytes([3, len(host)]) + host.encode()
    return b"\5\1\0" + field + struct.pack("!H", port)


def socks(connection, destination):
    """CONNECT, without a method."""
    connection.sendall(b"\5\1\0")
    if exactly(connection, 2) != b"\5\0":
        raise Failed("method refused")
    connection.sendall(request(*endpoint(destination)))
    head = exactly(connection, 4)
    if head[1] != 0:
        raise Failed(f"REP {head[1]:02x}")
    exactly(connection, {1: 6, 4: 18}[head[3]])


def connect(options):
    """The connection that the options ask for."""
    if options.unix:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(options.timeout)
        connection.connect(options.unix)
    elif options.connect:
        connection = socket.create_connection(endpoint(options.connect),
                                              options.timeout)
    else:
        host, port = endpoint(options.listen)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.create_server((host, port), family=family) as listener:
            listener.settimeout(options.timeout)
            if options.port_file:
                with open(options.port_file + ".new", "w") as file:
                    print(listener.getsockname()[1], file=file)
                os.rename(options.port_file + ".new", options.port_file)
            connection, _ = listener.accept()
    if options.socks:
        connection.settimeout(options.timeout)
        socks(connection, options.socks)
    return connection


def main():
    parser = argparse.ArgumentParser()
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--listen")
    where.add_argument("--connect")
    where.add_argument("--unix")
    parser.add_argument("--socks")
    parser.add_argument("--port-file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--peer-seed", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=60)
    parser.add_argument("actions", nargs="*")
    options = parser.parse_args()
    try:
        stream = Stream(connect(options), options)
        for action in options.actions:
            stream.play(action)
    except (Failed, OSError) as error:
        sys.exit(f"{options.unix or options.connect or options.listen}: "
                 f"{error}")


main()

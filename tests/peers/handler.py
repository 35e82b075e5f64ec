# SPDX-License-Identifier: ISC
"""A handler for one connection, and the client's end of that connection.

Handler(PROGRAM, OPTIONS) starts the program as inetd does, with the connection
as fd 0 and 1 and its log on fd 2.  Where $LISTEN is set it is a session of a
program that listens (-l by fd 0, as of inetd's `wait`), which serves all who
ask for the same words; what the log says of other clients is left away, and
the exit status of a session is only known to its parent: 0.
"""
import array
import atexit
import contextlib
import errno
import fcntl
import os
import random
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import threading
import time

import socks

DEADLINE = 30.0
# Programs that listen, at most, at once.
SERVICES = 8


class Failure(Exception):
    """A case that did not go as it must."""


def pending(sock):
    """Octets that wait to be read from a socket."""
    count = array.array("i", [0])
    fcntl.ioctl(sock, termios.FIONREAD, count)
    return count[0]


def gate_listener(address="127.0.0.1"):
    """Where a client reaches a handler: at a port that the kernel gives to no
    server, for the handler dials that one at no address of this host."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with open("/proc/sys/net/ipv4/ip_local_port_range",
              encoding="ascii") as file:
        low, high = (int(word) for word in file.read().split())
    ports = [*range(20000, low), *range(high + 1, 65536)]
    for port in random.sample(ports, min(len(ports), 100)):
        try:
            return socket.create_server((address, port), family=family,
                                        backlog=128)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    return socket.create_server((address, 0), family=family)


class Peer:
    """The client's end, and what both kinds of handler have in common: they
    have `client`, `process` (as of subprocess.Popen) and `waiting()`."""

    client = process = None

    def connect(self, address):
        self.client = socket.create_connection(address)
        self.client.settimeout(DEADLINE)
        self.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.name = socks.text_of(self.client.getsockname())

    def waiting(self):
        """Octets that the handler has not read."""
        raise NotImplementedError

    def has_read(self):
        """Waits until nothing is left that was sent: False if it ended."""
        end = time.monotonic() + DEADLINE
        # In this order: what is acknowledged waits, or has been read.
        while socks.unacknowledged(self.client) or self.waiting() > 0:
            if self.process.poll() is not None:
                return False
            if time.monotonic() > end:
                raise Failure("the handler stopped reading")
            time.sleep(0.0002)
        return True

    def send(self, octets, last=True):
        """False where the handler is gone already."""
        try:
            self.client.sendall(octets)
        except ConnectionError:
            return False
        return last or self.has_read()

    def has_ended(self, seconds):
        """Does it end by itself within so many seconds?"""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def read_to_end(self):
        """All it says to its end; a reset behind it is an end too."""
        octets = b""
        try:
            while True:
                more = self.client.recv(65536)
                if not more:
                    return octets
                octets += more
        except ConnectionResetError:
            return octets

    def wait_for_end(self):
        try:
            return self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failure("the handler does not end") from None


class Started(Peer):
    """One process for one connection."""

    listeners = {}
    lock = threading.Lock()

    def __init__(self, program, options, environment=None,
                 address="127.0.0.1"):
        with Started.lock:
            listener = Started.listener_at(address)
            self.connect(listener.getsockname()[:2])
            self.copy, _ = listener.accept()
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [program, *options], stdin=self.copy, stdout=self.copy,
            stderr=self.log, env={**os.environ, **(environment or {})})

    @classmethod
    def listener_at(cls, address):
        if address not in cls.listeners:
            cls.listeners[address] = gate_listener(address)
        return cls.listeners[address]

    @classmethod
    def port(cls, program, options):
        """Where a client reaches such a handler, at 127.0.0.1."""
        del program, options
        return cls.listener_at("127.0.0.1").getsockname()[1]

    def waiting(self):
        return pending(self.copy)

    def let_go(self):
        """From here on only the handler holds its end."""
        self.copy.close()

    def finish(self):
        """Closes, waits, and returns the log and the exit status."""
        self.copy.close()
        self.client.close()
        status = self.wait_for_end()
        self.log.seek(0)
        text = self.log.read().decode("ascii")
        self.log.close()
        return text, status

    def kill(self):
        self.copy.close()
        self.client.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()


class Service:
    """A program that listens, and its log."""

    running = {}
    lock = threading.Lock()

    def __init__(self, program, options, environment, address):
        self.log = tempfile.TemporaryFile()
        self.users = 0
        with gate_listener(address) as listener:
            self.address = listener.getsockname()[:2]
            self.process = subprocess.Popen(
                [program, *options], stdin=listener, stdout=listener,
                stderr=self.log, env={**os.environ, **environment})

    @classmethod
    def of(cls, program, options, environment, address):
        """The one that runs with these words; of many the oldest that is not
        used goes.  The caller gives it back by leave()."""
        key = (program, *options, *sorted(environment.items()), address)
        with cls.lock:
            if key not in cls.running:
                unused = [other for other, service in cls.running.items()
                          if service.users == 0]
                if len(cls.running) >= SERVICES and unused:
                    cls.running.pop(unused[0]).stop()
                cls.running[key] = Service(program, options, environment,
                                           address)
            cls.running[key].users += 1
            return cls.running[key]

    def leave(self):
        with Service.lock:
            self.users -= 1

    @classmethod
    def stop_all(cls):
        for service in cls.running.values():
            service.stop()

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()

    def size(self):
        return os.fstat(self.log.fileno()).st_size

    def lines(self, offset, pid):
        """What a process says behind an offset; whole lines."""
        text = os.pread(self.log.fileno(), self.size() - offset, offset)
        whole = text[:text.rfind(b"\n") + 1].decode("ascii")
        return "".join(line for line in whole.splitlines(keepends=True)
                       if f"[{pid}]: " in line)

    def children(self):
        pid = self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children",
                  encoding="ascii") as file:
            return [int(word) for word in file.read().split()]

    def session(self, title):
        """The child with that title: its client, first of all."""
        for pid in self.children():
            with contextlib.suppress(OSError):
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().replace(b"\0", b" ").split()
                    if words[:1] == [title.encode()]:
                        return pid
        return None


def kernel_form(address):
    """An address as /proc/net/tcp and tcp6 print it."""
    host, port = address[:2]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    octets = socket.inet_pton(family, host)
    words = struct.unpack(f"={len(octets) // 4}I", octets)
    return "".join(f"{word:08X}" for word in words) + f":{port:04X}"


class Session:
    """The process of a service that has a connection, as subprocess.Popen
    would show it."""

    def __init__(self, service, client):
        self.service = service
        self.table = "/proc/net/tcp" + (
            "6" if client.family == socket.AF_INET6 else "")
        self.ends = " ".join(map(kernel_form, (client.getpeername(),
                                               client.getsockname())))
        self.offset = service.size()
        self.returncode = None
        self.pid = self.find(socks.text_of(client.getsockname()))

    def unread(self):
        """Octets that wait for it; None where it has no socket."""
        with open(self.table, encoding="ascii") as file:
            for line in file:
                if f" {self.ends} " in line:
                    return int(line.split()[4].split(":")[1], 16)
        return None

    def find(self, title):
        """Waits until the connection is accepted; it has said nothing yet, so
        that its process is there.  None: it was refused."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            pid = self.service.session(title)
            if pid is not None or self.unread() is None:
                return pid
            time.sleep(0.0005)
        raise Failure("the connection is not accepted")

    def lines(self):
        return self.service.lines(self.offset, self.pid)

    def poll(self):
        if self.pid not in self.service.children():
            self.returncode = 0
        return self.returncode

    def wait(self, seconds=DEADLINE):
        end = time.monotonic() + seconds
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("a session", seconds)
            time.sleep(0.002)
        return self.returncode

    def kill(self):
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


class Served(Peer):
    """One session of a service."""

    def __init__(self, program, options, environment=None,
                 address="127.0.0.1"):
        self.service = Service.of(program, options, environment or {}, address)
        self.connect(self.service.address)
        self.process = Session(self.service, self.client)

    @classmethod
    def port(cls, program, options):
        service = Service.of(program, options, {}, "127.0.0.1")
        service.leave()
        return service.address[1]

    def waiting(self):
        return self.process.unread() or 0

    def let_go(self):
        """Nobody else has the handler's end."""

    def finish(self):
        self.client.close()
        status = self.wait_for_end()
        return self.process.lines(), status

    def kill(self):
        self.client.close()
        if self.service is not None:
            self.service.leave()
            self.service = None


atexit.register(Service.stop_all)
signal.signal(signal.SIGTERM, lambda *_: os._exit(1))
Handler = Served if os.environ.get("LISTEN") else Started

# SPDX-License-Identifier: ISC
"""A network, a /dev/log, a journal, name servers and directories of one's own,
for the sessions of one process of faults.py.

Place() changes the namespaces of the process that makes it: once in a process
without threads, as root.
"""
import ctypes
import os
import socket
import struct
import subprocess
import threading

NOBODY = 65534
NAME = "server.test"
JOURNAL, SYSLOG = "/run/systemd/journal/socket", "/dev/log"
NOTIFY = "/run/notify"
FULL, READ_ONLY = "/run/full", "/run/read-only"
DEADLINE = 30.0
NEW_NAMESPACES = 0x00020000 | 0x40000000  # of mounts, of networks
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = (
    1, 32, 4096, 16384, 1 << 18)
UMOUNT_DETACH = 2
LIBC = ctypes.CDLL(None, use_errno=True)
UDP_PORT, TCP_PORT = 53, 5353  # where the second has answers by TCP alone


def require(result):
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def mount(source, target, kind=None, flags=0, data=None):
    require(LIBC.mount(*(text.encode() if text else None
                         for text in (source, target, kind)),
                       ctypes.c_ulong(flags), data and data.encode()))


def unmount(target):
    require(LIBC.umount2(target.encode(), UMOUNT_DETACH))


class Sink:
    """A socket that a log daemon reads; the octets since the last look."""

    def __init__(self, path):
        self.path = path
        self.got = []
        self.marked = threading.Event()
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(path)
        os.chmod(path, 0o666)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while True:
            octets = self.sock.recv(1 << 18)
            if octets == b"MARK":
                self.marked.set()
            else:
                self.got.append(octets)

    def take(self):
        """All that was sent before this call."""
        self.marked.clear()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"MARK", self.path)
        self.marked.wait(DEADLINE)
        got, self.got = self.got, []
        return b"\n".join(got).decode(errors="replace")


def answer(query, truncated):
    """AAAA of anything is ::1, and there is no A."""
    end = query.index(b"\0", 12) + 5
    question = query[12:end]
    answers = b""
    if question[-4:-2] == b"\0\x1c" and not truncated:
        answers = (b"\xc0\x0c" + question[-4:] + struct.pack("!IH", 60, 16) +
                   socket.inet_pton(socket.AF_INET6, "::1"))
    return (query[:2] + (b"\x83\x80" if truncated else b"\x81\x80") +
            b"\0\1" + (b"\0\1" if answers else b"\0\0") + b"\0\0\0\0" +
            question + answers)


def serve_datagrams(sock, truncated):
    while True:
        query, peer = sock.recvfrom(2000)
        try:
            sock.sendto(answer(query, truncated), peer)
        except OSError:
            pass  # the resolver is gone


def serve_stream(connection):
    with connection:
        connection.settimeout(DEADLINE)
        with connection.makefile("rb") as stream:
            while True:
                head = stream.read(2)
                if len(head) < 2:
                    return
                octets = answer(stream.read(struct.unpack("!H", head)[0]),
                                False)
                connection.sendall(struct.pack("!H", len(octets)) + octets)


def serve_streams(listener):
    while True:
        connection, _ = listener.accept()
        try:
            serve_stream(connection)
        except OSError:
            pass


def start(target, *arguments):
    threading.Thread(target=target, args=arguments, daemon=True).start()


def serve_names():
    for port in (UDP_PORT, TCP_PORT):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", port))
        start(serve_datagrams, sock, port == TCP_PORT)
    start(serve_streams, socket.create_server(("127.0.0.1", TCP_PORT)))


def fill(directory):
    with open(os.path.join(directory, "filler"), "wb", 0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass


def make_file(path, text, mode=0o644):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def devices():
    """A /dev with what a handler and its tracer may open."""
    os.mkdir("/run/dev")
    mount("/dev", "/run/dev", flags=MS_BIND | MS_REC)
    mount("tmpfs", "/dev", "tmpfs", data="mode=755")
    for node in ("null", "zero", "full", "random", "urandom"):
        mount("/run/dev/" + node, make_file("/dev/" + node, ""),
              flags=MS_BIND)
    unmount("/run/dev")


class Place:
    """The namespaces of this process."""

    def __init__(self):
        require(LIBC.unshare(NEW_NAMESPACES))
        mount(None, "/", flags=MS_REC | MS_PRIVATE)
        mount("tmpfs", "/run", "tmpfs", data="mode=755")
        devices()
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        self.sinks = [Sink(path) for path in (JOURNAL, SYSLOG, NOTIFY)]
        for path, data in ((FULL, "size=8k"), (READ_ONLY, "size=8k")):
            os.mkdir(path)
            mount("tmpfs", path, "tmpfs", data=data + ",mode=755")
            os.chown(path, NOBODY, NOBODY)
        fill(FULL)
        mount(None, READ_ONLY, flags=MS_REMOUNT | MS_RDONLY)
        mount(make_file("/run/hosts", "127.0.0.1 localhost\n"), "/etc/hosts",
              flags=MS_BIND)
        mount(make_file("/run/resolv.conf", "nameserver 127.0.0.1\n"),
              "/etc/resolv.conf", flags=MS_BIND)
        serve_names()

    def take(self):
        return "\n".join(sink.take() for sink in self.sinks)

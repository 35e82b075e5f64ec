#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Real sessions, one of each kind, in a machine of their own.

    sessions.py [--deadline SECONDS] HANDLER... PROBE

tests/exhaustive/minimal.bats runs this with a filter that lacks one row: a
row of sandbox/calls.c without which nothing here fails is one too many.  So
this is kept short in time and wide in kinds; what a session must do in detail
is for the other tests to say.  A handler with "static" in its name has no
journal.  Needs root; everything happens in fresh mount, network and pid
namespaces, and ends with them.  A kind of session may last --deadline (60 s).
Exit status 0, or 1 and what failed first.
"""
import fcntl
import os
import pwd
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "peers"))
from streams import (  # noqa: E402, the path comes first
    close_by_reset, receive_exactly, unix_connection)

DEADLINE = 60  # seconds, for a kind of session and all that it waits for
BULK = 4 << 20
CROWDED_USER = 5  # games: in every Debian, and without processes
CROWD = 80  # pipes of a MiB: more than fs.pipe-user-pages-soft
HOST4, HOST6 = "192.0.2.80", "2001:db8::80"
OWN4 = "192.0.2.1"
NET = "2001:db8:1::/64"  # local, and none of its addresses is assigned
CHOSEN = f"allow all at {HOST6} source {NET}"
ALLOW = f"allow all at {HOST4},{HOST6},self"
# The client is one of this host, where it listens for FTP.
ALLOW_CLIENT = "allow bind at 127.0.0.1"


class Failed(Exception):
    pass


def check(what, got, wanted):
    if got != wanted:
        raise Failed(f"{what}: {got!r}, not {wanted!r}")


# ------------------------------------------------------------- the machine

def enter_namespaces():
    """Once more, as the first process of new namespaces."""
    if os.environ.get("SESSIONS_INSIDE"):
        return
    os.environ["SESSIONS_INSIDE"] = "1"
    os.execvp("unshare", ["unshare", "--mount", "--net", "--pid", "--fork",
                          "--kill-child", "--mount-proc", "--propagation",
                          "private", sys.executable, *sys.argv])


def run(*words):
    subprocess.run(words, check=True)


def prepare_machine():
    run("ip", "link", "set", "lo", "up")
    for address in (HOST4, OWN4):
        run("ip", "address", "add", address + "/32", "dev", "lo")
    run("ip", "address", "add", HOST6 + "/128", "dev", "lo", "nodad")
    run("ip", "-6", "route", "add", "local", NET, "dev", "lo")
    keep = tempfile.mkdtemp()
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", keep)
    for node in ("null", "urandom"):
        run("cp", "-a", "/dev/" + node, keep)
    run("mount", "--move", keep, "/dev")
    os.rmdir(keep)
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    os.makedirs("/run/systemd/journal")
    write_over("/etc/resolv.conf", "nameserver 127.0.0.1\n"
               "options timeout:2 attempts:2\n")
    write_over("/etc/hosts", "127.0.0.1 localhost\n")


def write_over(path, text):
    """Mounts a file with that text over path."""
    made = "/run/" + os.path.basename(path)
    with open(made, "w", encoding="ascii") as file:
        file.write(text)
    os.chmod(made, 0o644)
    run("mount", "--bind", made, path)


class Hangs(Exception):
    pass


def hangs(*_):
    raise Hangs(f"hangs after {DEADLINE} s")


def in_background(function, *arguments):
    threading.Thread(target=function, args=arguments, daemon=True).start()


def datagrams(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(path)
    os.chmod(path, 0o666)
    s.settimeout(DEADLINE)
    return s


# --------------------------------------------------------------- the names

def answer(query, datagram):
    """A DNS reply.  tcp.test: over TCP only; tcp-long.test: 60 KiB of it."""
    end = query.index(b"\0", 12) + 5
    kind = struct.unpack("!H", query[end - 4:end - 2])[0]
    truncated = datagram and query[12:].startswith(b"\x03tcp")
    data = {1: socket.inet_pton(socket.AF_INET, HOST4),
            28: socket.inet_pton(socket.AF_INET6, HOST6)}.get(kind, b"")
    count = 1 if data else 0
    if datagram and query[13:16] == b"tcp":
        count, flags = 0, 0x8380
    else:
        flags = 0x8180
        if query[13:21] == b"tcp-long":
            count = 60000 // (12 + len(data))
    record = struct.pack("!HHHIH", 0xc00c, kind, 1, 60, len(data)) + data
    return (query[:2] + struct.pack("!HHHHH", flags, 1, count, 0, 0) +
            query[12:end] + record * count)


query_ids = []


def serve_names_udp(sock):
    while True:
        query, peer = sock.recvfrom(4096)
        query_ids.append(query[:2])
        sock.sendto(answer(query, True), peer)


def serve_names_tcp(listener):
    while True:
        peer, _ = listener.accept()
        in_background(serve_names_on, peer)


def serve_names_on(peer):
    try:
        while True:
            length = struct.unpack("!H", receive_exactly(peer, 2))[0]
            reply = answer(receive_exactly(peer, length), False)
            peer.sendall(struct.pack("!H", len(reply)) + reply)
    except (OSError, struct.error):
        peer.close()  # a resolver never says goodbye


def start_names():
    for host, family in (("127.0.0.1", socket.AF_INET),
                         ("::1", socket.AF_INET6)):
        udp = socket.socket(family, socket.SOCK_DGRAM)
        udp.bind((host, 53))
        in_background(serve_names_udp, udp)
        tcp = socket.create_server((host, 53), family=family)
        in_background(serve_names_tcp, tcp)


# -------------------------------------------------------------- one session

class Session:
    """A handler with a client, and the server that it was asked for."""

    def __init__(self, handler, *options, family=socket.AF_INET, fd2=None,
                 environment=None, first=None):
        self.server = None
        self.port = 0
        if family == socket.AF_UNIX:
            self.client, connection = unix_connection()
        else:
            # The handler dials this port at no address of this host, so
            # no server may get it from the kernel.
            with socket.create_server(("127.0.0.1", 1080)) as listener:
                self.client = socket.create_connection(
                    listener.getsockname())
                connection = listener.accept()[0]
        self.client.settimeout(DEADLINE)
        words = [handler, *(("-o", first) if first else ()), "-o", ALLOW]
        for option in options:
            words += ["-o", option]
        self.process = subprocess.Popen(
            words, stdin=connection, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE if fd2 is None else fd2,
            extra_groups=[4, 24],
            env={"PATH": "/usr/bin", **(environment or {})})
        connection.close()

    def read(self, count):
        octets = receive_exactly(self.client, count)
        check("octets from the handler", len(octets), count)
        return octets

    def read_reply(self):
        """REP; BND's port goes to self.port."""
        head = self.read(4)
        rest = self.read({1: 4, 4: 16}[head[3]] + 2)
        self.port = struct.unpack("!H", rest[-2:])[0]
        return head[1]

    def ask(self, atyp, host, port, command=1):
        """The request; returns REP."""
        self.client.sendall(b"\5\1\0")
        check("method", self.read(2), b"\5\0")
        self.client.sendall(bytes([5, command, 0, atyp]) + host +
                            struct.pack("!H", port))
        return self.read_reply()

    def connect(self, host):
        """Asks for a server of ours on that host, which then accepts."""
        name = host if ":" in host or host[0].isdigit() else HOST6
        family = socket.AF_INET6 if ":" in name else socket.AF_INET
        with socket.create_server((name, 0), family=family) as listener:
            listener.settimeout(DEADLINE)
            port = listener.getsockname()[1]
            if host == name:
                atyp = 4 if family == socket.AF_INET6 else 1
                field = socket.inet_pton(family, host)
            else:
                atyp, field = 3, bytes([len(host)]) + host.encode()
            check("REP", self.ask(atyp, field, port), 0)
            self.server = listener.accept()[0]
            self.server.settimeout(DEADLINE)

    def awaits(self, sock):
        """sock, once something came to it; the session must not end first."""
        ready = select.select([sock, self.client], [], [], DEADLINE)[0]
        check("a session that goes on", sock in ready, True)
        return sock

    def exchange(self):
        """A little both ways."""
        for source, sink in ((self.client, self.server),
                             (self.server, self.client)):
            source.sendall(b"hello")
            check("relayed", receive_exactly(sink, 5), b"hello")

    def finish(self):
        """FIN both ways."""
        for source, sink in ((self.client, self.server),
                             (self.server, self.client)):
            source.shutdown(socket.SHUT_WR)
            check("after the FIN", sink.recv(1), b"")

    def end(self, result):
        """The exit and, where we have fd 2, the record's first word."""
        try:
            _, text = self.process.communicate(timeout=DEADLINE)
        finally:
            self.process.kill()
            self.client.close()
            if self.server:
                self.server.close()
        check("exit status", self.process.returncode, 0)
        if text is not None and result is not None:
            check("record", text.decode().split()[1:2], [result])
        return text


# ------------------------------------------------------------------- kinds

def plain(handler, host, *options, **how):
    s = Session(handler, *options, **how)
    s.connect(host)
    s.exchange()
    s.finish()
    return s.end("ok")


def literals(handler):
    plain(handler, HOST4)
    plain(handler, HOST6)


def names(handler):
    plain(handler, "udp.test")
    plain(handler, "tcp.test")
    plain(handler, "tcp-long.test")


def query_ids_are_random(handler):
    """In two processes; c-ares alone would repeat itself in the sandbox."""
    seen = []
    for _ in range(2):
        query_ids.clear()
        plain(handler, "udp.test")
        seen.append(tuple(sorted(query_ids)))
        check("queries", len(seen[-1]), 2)
    check("the same query IDs in two sessions", seen[0] == seen[1], False)


def status_of(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        fields = (line.split(":", 1) for line in file)
        return {name: value.split() for name, value in fields}


def filters_of(process):
    """How many there are, of Linux 5.9 on."""
    return int(status_of(process)["Seccomp_filters"][0])


def limits_of(process):
    """Soft and hard, by name."""
    with open(f"/proc/{process.pid}/limits", encoding="ascii") as file:
        return {line[:26].strip(): tuple(line[26:].split()[:2])
                for line in file}


LIMITS = {"Max open files": ("128", "128"), "Max processes": ("0", "0"),
          "Max core file size": ("0", "0"), "Max locked memory": ("0", "0"),
          "Max file size": ("8388608", "8388608")}


def confined(handler):
    """What the kernel says of a session that relays."""
    nobody = [str(pwd.getpwnam("nobody").pw_uid)] * 4
    group = [str(pwd.getpwnam("nobody").pw_gid)] * 4
    wanted = {"Uid": nobody, "Gid": group, "Groups": [], "NoNewPrivs": ["1"],
              "Seccomp": ["2"], "Threads": ["1"]}
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        wanted[name] = ["0" * 16]
    s = Session(handler, "user nobody")
    try:
        s.connect(HOST4)
        s.exchange()
        status = status_of(s.process)
        check("status", {name: status[name] for name in wanted}, wanted)
        check("limits", {name: limits_of(s.process)[name]
                         for name in LIMITS}, LIMITS)
        s.finish()
    finally:
        s.end("ok")


def chosen(handler):
    """From an address of a net: a connection, datagrams, active FTP."""
    plain(handler, HOST6, first=CHOSEN)
    associate(handler, first=CHOSEN)
    s = ftp_session(handler, HOST6, "user nobody",
                    "state-dir " + ftp_state(), ALLOW_CLIENT,
                    "ftp-port 2121", first=CHOSEN)
    s.client.sendall(b"PORT 127,0,0,1,200,1\r\n")
    words = ftp_line(s.server).split(b"|")
    check("told", words[2].decode(), s.server.getpeername()[0])
    s.server.sendall(b"200 ok\r\n")
    ftp_line(s.client, b"200 PORT command successful\r\n")
    s.finish()
    s.end("ok")


def unix_client(handler):
    plain(handler, HOST4, family=socket.AF_UNIX)


def steered(handler):
    plain(handler, HOST4, "source " + OWN4, "interface lo")
    plain(handler, HOST4, "mark 7")


def refused(handler):
    s = Session(handler)
    with socket.create_server((HOST4, 0)) as listener:
        port = listener.getsockname()[1]
    check("REP", s.ask(1, socket.inet_aton(HOST4), port), 5)
    s.client.close()
    s.end("connect-failed")


def denied(handler):
    s = Session(handler)
    check("REP", s.ask(1, socket.inet_aton("198.51.100.1"), 80), 2)
    s.client.close()
    s.end("denied")


def bind(handler, *options, **how):
    """A peer that is expected, after a stranger."""
    s = Session(handler, *options, **how)
    check("REP", s.ask(1, socket.inet_aton(HOST4), 0, 2), 0)
    for host in "127.0.0.1", HOST4:
        peer = socket.create_connection(("127.0.0.1", s.port), DEADLINE,
                                        (host, 0))
        if host != HOST4:
            check("stranger", peer.recv(1), b"")
            peer.close()
    s.server = peer
    check("REP", s.read_reply(), 0)
    s.exchange()
    s.finish()
    s.end("ok")


def steered_bind(handler):
    bind(handler, "source " + OWN4, "interface lo")
    bind(handler, "mark 7")


def ftp_line(peer, want=None):
    line = b""
    while not line.endswith(b"\n"):
        octet = receive_exactly(peer, 1)
        check("octets of a line", len(octet), 1)
        line += octet
    if want:
        check("line", line, want)
    return line


def ftp_session(handler, host, *options, **how):
    """A control connection, logged in."""
    s = Session(handler, *options, **how)
    port = int(options[-1].split()[-1])
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as listener:
        listener.settimeout(DEADLINE)
        atyp = 4 if ":" in host else 1
        check("REP", s.ask(atyp, socket.inet_pton(family, host), port), 0)
        s.server = listener.accept()[0]
        s.server.settimeout(DEADLINE)
    s.server.sendall(b"220 ready\r\n")
    ftp_line(s.client, b"220 ready\r\n")
    s.client.sendall(b"USER a\r\n")
    ftp_line(s.server, b"USER a\r\n")
    s.server.sendall(b"230 in\r\n")
    ftp_line(s.client, b"230 in\r\n")
    return s


def ftp_state():
    """Where the sessions' table is: only nobody's."""
    path = tempfile.mkdtemp(dir="/run")
    user = pwd.getpwnam("nobody")
    os.chown(path, user.pw_uid, user.pw_gid)
    os.chmod("/run", 0o755)
    return path


def indexed_list(handler, state):
    """A rule with a list that is looked up, of nothing that is used here."""
    path = state + "/list"
    with open(path, "w", encoding="ascii") as file:
        for i in range(4000):  # so that none of its tables is empty
            file.write(f"198.18.{i >> 8}.{i & 255} 3fff::{i:x}\n")
    subprocess.run([handler, "--index", path], check=True,
                   stdout=subprocess.DEVNULL)
    return "deny at @" + path


def ftp(handler):
    """Watched, translated, active by itself and with BIND."""
    state = ftp_state()
    options = (indexed_list(handler, state), "user nobody",
               "state-dir " + state, ALLOW_CLIENT, "ftp-port 2121")
    watched = ftp_session(handler, HOST4, *options)
    watched.client.sendall(b"PASV\r\n")
    ftp_line(watched.server, b"PASV\r\n")
    watched.server.sendall(b"227 (192,0,2,80,200,1)\r\n")
    ftp_line(watched.client, b"227 (192,0,2,80,200,1)\r\n")
    watched.finish()
    watched.end("ok")

    control = ftp_session(handler, HOST6, *options)
    control.client.sendall(b"PASV\r\n")
    ftp_line(control.server, b"EPSV\r\n")
    control.server.sendall(b"229 (|||51201|)\r\n")
    numbers = ftp_line(control.client).split(b"(")[1].split(b")")[0]
    alias = bytes(int(n) for n in numbers.split(b",")[:4])
    data = Session(handler, *options)
    with socket.create_server((HOST6, 51201),
                              family=socket.AF_INET6) as listener:
        check("REP", data.ask(1, alias, 51201), 0)
        data.server = listener.accept()[0]
        data.server.settimeout(DEADLINE)
    data.exchange()
    data.finish()
    data.end("ok")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        control.client.sendall(
            f"PORT 127,0,0,1,{port >> 8},{port & 255}\r\n".encode())
        words = ftp_line(control.server).split(b"|")
        control.server.sendall(b"200 ok\r\n")
        ftp_line(control.client, b"200 PORT command successful\r\n")
        server = socket.create_connection(
            (words[2].decode(), int(words[3])), DEADLINE, (HOST6, 0))
        server.sendall(b"hello")
        client = control.awaits(listener).accept()[0]
        check("relayed", receive_exactly(client, 5), b"hello")
        server.close()
        client.close()

    waiting = Session(handler, *options)
    check("REP", waiting.ask(4, socket.inet_pton(socket.AF_INET6, HOST6), 0,
                             2), 0)
    control.client.sendall(
        b"PORT 127,0,0,1,%d,%d\r\n" % divmod(waiting.port, 256))
    words = ftp_line(control.server).split(b"|")
    check("the BIND's port", int(words[3]), waiting.port)
    control.server.sendall(b"200 ok\r\n")
    ftp_line(control.client, b"200 PORT command successful\r\n")
    waiting.server = socket.create_connection(
        (words[2].decode(), waiting.port), DEADLINE, (HOST6, 0))
    check("REP", waiting.read_reply(), 0)
    waiting.exchange()
    waiting.finish()
    waiting.end("ok")
    control.finish()
    control.end("ok")


def translated(handler, **how):
    """For its record."""
    s = ftp_session(handler, HOST6, "user nobody",
                    "state-dir " + ftp_state(), "ftp-port 2121", **how)
    s.client.sendall(b"PASV\r\n")
    ftp_line(s.server, b"EPSV\r\n")
    s.server.sendall(b"229 (|||51201|)\r\n")
    check("answer", ftp_line(s.client)[:4], b"227 ")
    s.finish()
    s.end("ok")


def protected(handler):
    """Steered, and with AUTH: nothing is dialled behind it any more."""
    for steering in ("interface lo", "mark 7"):
        options = ("user nobody", "state-dir " + ftp_state(), steering,
                   ALLOW_CLIENT, "ftp-port 2121")
        s = ftp_session(handler, HOST6, *options)
        s.client.sendall(b"PORT 127,0,0,1,200,1\r\n")
        check("told", ftp_line(s.server)[:5], b"EPRT ")
        s.server.sendall(b"200 ok\r\n")
        ftp_line(s.client, b"200 PORT command successful\r\n")
        before = filters_of(s.process)
        s.client.sendall(b"AUTH TLS\r\n")
        ftp_line(s.server, b"AUTH TLS\r\n")
        s.server.sendall(b"234 go\r\n")
        ftp_line(s.client, b"234 go\r\n")
        s.exchange()
        check("filters", filters_of(s.process), before + 1)
        check("capabilities", status_of(s.process)["CapPrm"], ["0" * 16])
        s.finish()
        s.end("ok")


def associate(handler, *options, **how):
    """A datagram by address and one by name, with their answers."""
    s = Session(handler, *options, **how)
    check("REP", s.ask(1, bytes(4), 0, 3), 0)
    peer = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    ours = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with peer, ours:
        peer.bind((HOST6, 0))
        peer.settimeout(DEADLINE)
        ours.settimeout(DEADLINE)
        port = struct.pack("!H", peer.getsockname()[1])
        field6 = b"\4" + socket.inet_pton(socket.AF_INET6, HOST6)
        for name in (None, "udp.test", "tcp.test", "tcp-long.test"):
            field = field6 if name is None else \
                b"\3" + bytes([len(name)]) + name.encode()
            ours.sendto(b"\0\0\0" + field + port + b"hello",
                        ("127.0.0.1", s.port))
            octets, sender = s.awaits(peer).recvfrom(100)
            check("datagram", octets, b"hello")
            peer.sendto(b"answer", sender)
            check("answer", s.awaits(ours).recv(100),
                  b"\0\0\0" + field6 + port + b"answer")
    s.client.shutdown(socket.SHUT_WR)
    check("after the FIN", s.client.recv(1), b"")
    text = s.process.stderr.read()
    check("records", [line.split()[1] for line in text.splitlines()],
          [b"peer", b"ok"])
    s.end(None)


def id_of(s, command, host=HOST4, port=0):
    """Asks for a command with ADDRESS ASSOCIATE: the octets of the ID."""
    s.client.sendall(b"\5\1\0")
    check("method", s.read(2), b"\5\0")
    s.client.sendall(bytes([5, 8 | command, 0, 1]) + socket.inet_aton(host) +
                     struct.pack("!H", port))
    reply = s.read(10)
    check("REP and ATYP", reply[:4], b"\5\0\0\x08")
    s.port = struct.unpack("!H", reply[8:])[0]
    return reply[3:8]


def by_id(handler):
    """A datagram by the ID that the connection of another session keeps."""
    options = ("user nobody", "state-dir " + ftp_state(), "address-id on")
    kept = Session(handler, *options)
    with socket.create_server((HOST4, 0)) as listener:
        number = id_of(kept, 1, port=listener.getsockname()[1])
        kept.server = listener.accept()[0]
    s = Session(handler, *options)
    check("REP", s.ask(1, bytes(4), 0, 3), 0)
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ours = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with peer, ours:
        peer.bind((HOST4, 0))
        ours.sendto(bytes(3) + number +
                    struct.pack("!H", peer.getsockname()[1]) + b"hello",
                    ("127.0.0.1", s.port))
        check("datagram", s.awaits(peer).recv(100), b"hello")
    s.client.close()
    s.process.wait()
    s.end(None)
    kept.finish()
    kept.end("ok")


def ask_there(path, listener):
    """REP to a client of a unix-domain socket."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(DEADLINE)
        client.connect(path)
        client.sendall(b"\5\1\0\5\1\0\1" + socket.inet_aton(HOST4) +
                       struct.pack("!H", listener.getsockname()[1]))
        reply = receive_exactly(client, 12)
        check("a session of the listening mode", reply[:3], b"\5\0\5")
        if reply[3] == 0:
            listener.accept()[0].close()
    return reply[3]


def gate_of(process):
    """The one child of a parent of the listening mode, between sessions."""
    path = f"/proc/{process.pid}/task/{process.pid}/children"
    while True:
        with open(path, encoding="ascii") as file:
            children = file.read().split()
        if len(children) == 1:
            return children[0]


def listening(handler):
    """The listening mode: the next session knows a new configuration; and the
    gate stays where nothing is new any more."""
    path = tempfile.mkdtemp(dir="/run")
    os.chmod(path, 0o777)

    def configure(rule):
        with open(path + "/conf", "w", encoding="ascii") as file:
            file.write(rule + "\n")

    configure(f"deny to name\nallow at {HOST4} user uid=1")
    process = subprocess.Popen(
        [handler, "-l", path + "/socket", "-f", path + "/conf", "-o",
         "user nobody", "-o", "max-sessions-per-user 9"],
        stderr=subprocess.PIPE)
    try:
        check("start", b"listening on" in process.stderr.readline(), True)
        with socket.create_server((HOST4, 0)) as listener:
            check("REP", ask_there(path + "/socket", listener), 2)
            configure(f"allow at {HOST4} user uid=0")
            gate = None
            while gate != gate_of(process):
                gate = gate_of(process)
                check("REP", ask_there(path + "/socket", listener), 0)
    finally:
        process.terminate()
        process.wait()


def steered_associate(handler):
    associate(handler, "source " + HOST6, "interface lo")
    associate(handler, "mark 7")
    associate(handler, "resolver [::1]")


# Whoever takes a session over in this stage finds these files, and can read
# them, write them or pass them on; * has them mapped.
NAMES = {"/etc/hosts", "/etc/resolv.conf"}
ROUTES = {"/proc/PID/net/route", "/proc/PID/net/ipv6_route"}
LISTS = {"STATE/list.cdb"}
FILES = {
    "handshake": NAMES | ROUTES | LISTS |
                 {"STATE", "STATE/associations*", "STATE/passwords"},
    "relay": set(),
    "bind": ROUTES | LISTS | {"STATE"},
    "udp": NAMES | ROUTES | LISTS,
    "watch": {"STATE", "STATE/associations*"},
    "alg": LISTS | {"STATE", "STATE/associations*"},
    "relay that keeps an ID": {"STATE"},
    "udp with IDs": NAMES | ROUTES | LISTS | {"STATE", "STATE/associations*"},
}


def files_of(process, state):
    """What has a path of the descriptors, and what is mapped."""
    directory = f"/proc/{process.pid}/fd"
    paths = {os.readlink(os.path.join(directory, fd))
             for fd in os.listdir(directory)}
    with open(f"/proc/{process.pid}/maps", encoding="ascii") as maps:
        mapped = maps.read()
    paths = {path.replace(f"/proc/{process.pid}/", "/proc/PID/")
             for path in paths}
    return {path.replace(state, "STATE") + ("*" if path.startswith(state)
                                            and path + "\n" in mapped else "")
            for path in paths if path.startswith("/") and path != "/dev/null"}


def held_files(handler):
    state = ftp_state()
    user = pwd.getpwnam("nobody")
    passwords = state + "/passwords"
    with open(passwords, "w", encoding="ascii") as file:
        file.write("alice:$6$salt$hash\n")
    os.chmod(passwords, 0o600)
    os.chown(passwords, user.pw_uid, user.pw_gid)
    options = (indexed_list(handler, state), "user nobody",
               "auth none password", "password-file " + passwords,
               "state-dir " + state, "ftp-port 2121")

    def ends_with(stage, session):
        check("files in " + stage, files_of(session.process, state),
              FILES[stage])
        session.process.kill()
        session.process.wait()
        session.client.close()
        if session.server:
            session.server.close()

    s = Session(handler, *options)
    s.client.sendall(b"\5\1")
    while filters_of(s.process) == 0:
        select.select([], [], [], 0.01)
    ends_with("handshake", s)
    s = Session(handler, *options)
    s.connect("udp.test")
    s.exchange()
    ends_with("relay", s)
    s = Session(handler, *options)
    check("REP", s.ask(1, socket.inet_aton(HOST4), 0, 2), 0)
    ends_with("bind", s)
    s = Session(handler, *options)
    check("REP", s.ask(1, bytes(4), 0, 3), 0)
    while filters_of(s.process) == 1:
        select.select([], [], [], 0.01)
    ends_with("udp", s)
    s = Session(handler, *options, "address-id on")
    check("REP", s.ask(1, bytes(4), 0, 3), 0)
    while filters_of(s.process) == 1:
        select.select([], [], [], 0.01)
    ends_with("udp with IDs", s)
    s = Session(handler, *options, "address-id on")
    with socket.create_server((HOST4, 0)) as listener:
        id_of(s, 1, port=listener.getsockname()[1])
        s.server = listener.accept()[0]
    s.exchange()
    ends_with("relay that keeps an ID", s)
    ends_with("watch", ftp_session(handler, HOST4, *options))
    ends_with("alg", ftp_session(handler, HOST6, *options))


def push(sock, octets):
    def send():
        try:
            sock.sendall(octets)
        except OSError:
            pass  # the other end says what is missing
    in_background(send)


def bulk(handler, *options):
    s = Session(handler, *options)
    s.connect(HOST4)
    octets = os.urandom(BULK)
    for source, sink in ((s.client, s.server), (s.server, s.client)):
        push(source, octets)
        check("bulk", receive_exactly(sink, BULK) == octets, True)
    s.finish()
    s.end("ok")


def crowded(handler):
    """Bulk of a user whose pipes are used up."""
    ready, tell = os.pipe()
    hold, release = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(release)
        os.setuid(CROWDED_USER)
        try:
            for _ in range(CROWD):
                fcntl.fcntl(os.pipe()[0], fcntl.F_SETPIPE_SZ, 1 << 20)
        except OSError:
            pass
        os.write(tell, b"!")
        os.read(hold, 1)
        os._exit(0)
    os.close(hold)
    os.read(ready, 1)
    try:
        bulk(handler, f"user {CROWDED_USER}")
    finally:
        os.close(release)
        os.waitpid(child, 0)
        os.close(ready)
        os.close(tell)


def urgent(handler):
    s = Session(handler)
    s.connect(HOST4)
    octets = os.urandom(BULK)

    def send():
        s.client.sendall(octets[:BULK // 2])
        s.client.send(b"!", socket.MSG_OOB)
        s.client.sendall(octets[BULK // 2:])
        s.client.shutdown(socket.SHUT_WR)

    s.server.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
    in_background(send)
    received = receive_exactly(s.server, BULK + 1)
    check("urgent", received ==
          octets[:BULK // 2] + b"!" + octets[BULK // 2:], True)
    s.server.shutdown(socket.SHUT_WR)
    s.end("ok")


def reset(handler):
    s = Session(handler)
    s.connect(HOST4)
    s.exchange()
    close_by_reset(s.server)
    s.server = None
    try:
        s.client.recv(1)
    except ConnectionResetError:
        s.end("reset")
        return
    s.end("reset")
    raise Failed("the reset was not passed on")


def stopped(handler):
    s = Session(handler)
    s.connect(HOST4)
    s.exchange()
    s.process.send_signal(signal.SIGTERM)
    s.end("stopped")


def paused(handler):
    """Both ended, and the client has not read the rest."""
    s = Session(handler)
    s.client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    s.connect(HOST4)
    s.client.shutdown(socket.SHUT_WR)
    s.server.sendall(bytes(1 << 20))
    check("the client's FIN", s.server.recv(1), b"")
    s.server.shutdown(socket.SHUT_WR)
    try:
        s.process.wait(1)
        raise Failed("the rest was left to the kernel")
    except subprocess.TimeoutExpired:
        pass
    check("the rest", len(receive_exactly(s.client, 1 << 20)), 1 << 20)
    check("after it", s.client.recv(1), b"")
    s.end("ok")


def stuck(handler):
    """Nobody reads standard error."""
    out, into = os.pipe()
    os.set_blocking(into, False)
    try:
        while True:
            os.write(into, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(into, True)
    plain(handler, HOST4, fd2=into)
    os.close(out)
    os.close(into)


def to_journal(handler):
    """With a journald that is there, and a systemd that is told."""
    journald = datagrams("/run/systemd/journal/socket")
    systemd = datagrams("/run/notify")
    stream, other = socket.socketpair()
    status = os.fstat(stream.fileno())
    environment = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}",
                   "NOTIFY_SOCKET": "/run/notify"}
    try:
        plain(handler, "udp.test", fd2=stream, environment=environment)
        if "static" not in handler:
            check("STATUS", systemd.recv(4096)[:7], b"STATUS=")
            check("journal", b"SOCKS64_RESULT=ok" in journald.recv(65536),
                  True)
            bind(handler, fd2=stream, environment=environment)
            check("journal", b"SOCKS64_COMMAND=BIND" in
                  journald.recv(65536), True)
            translated(handler, fd2=stream, environment=environment)
            check("journal", b"SOCKS64_ALG=PASV>EPSV\n" in
                  journald.recv(65536), True)
            s = Session(handler, fd2=stream, environment=environment)
            s.client.sendall(b"GET ")
            s.end("not-socks")
            check("journal", b"SOCKS64_RESULT=not-socks" in
                  journald.recv(65536), True)
    finally:
        for s in (journald, systemd, stream, other):
            s.close()
        os.unlink("/run/systemd/journal/socket")
        os.unlink("/run/notify")


def to_syslog(handler):
    with datagrams("/dev/log") as syslogd:
        plain(handler, HOST4, fd2=subprocess.DEVNULL)
        check("syslog", b" ok " in syslogd.recv(65536), True)
    os.unlink("/dev/log")


def to_file(handler):
    """Which is larger than RLIMIT_FSIZE would let it grow."""
    with open("/run/log", "ab") as log:
        log.truncate(2 << 20)
        plain(handler, HOST4, fd2=log)
    with open("/run/log", "rb") as log:
        log.seek(2 << 20)
        check("file", log.read().split()[1:2], [b"ok"])
    os.unlink("/run/log")


KINDS = (literals, names, query_ids_are_random, confined, unix_client,
         steered, chosen, refused, denied, bind, steered_bind,
         associate, steered_associate, by_id, listening, ftp, protected,
         held_files,
         bulk, crowded, urgent, reset, stopped, paused, stuck,
         to_journal, to_syslog, to_file)


def hashes(probe):
    """What authentication will ask of crypt(3)."""
    for salt in ("$y$j9T$abcdefghijklmnop$", "$6$abcdefghijklmnop$"):
        done = subprocess.run([probe, "negotiate", "hash", salt],
                              stdout=subprocess.DEVNULL, check=False)
        check("hash", done.returncode, 0)


def too_large_a_record(probe):
    """The kernel has no room for it: that is no reason to die."""
    with datagrams("/run/systemd/journal/socket"):
        for stage in ("negotiate", "relay"):
            done = subprocess.run([probe, stage, "journal"],
                                  stdout=subprocess.PIPE, check=False)
            check("outcome", (done.returncode, done.stdout), (1, b"EPERM\n"))
    os.unlink("/run/systemd/journal/socket")


def main():
    global DEADLINE
    enter_namespaces()
    words = sys.argv[1:]
    if words[0] == "--deadline":
        DEADLINE = int(words[1])
        del words[:2]
    *handlers, probe = words
    signal.signal(signal.SIGALRM, hangs)
    prepare_machine()
    start_names()
    for handler, kind in [(probe, hashes), (probe, too_large_a_record)] + [
            (handler, kind) for handler in handlers for kind in KINDS]:
        try:
            signal.alarm(DEADLINE)
            kind(handler)
            signal.alarm(0)
        except (Failed, Hangs, OSError, subprocess.SubprocessError,
                struct.error, ValueError, IndexError) as error:
            sys.exit(f"{os.path.basename(handler)} {kind.__name__}: {error}")


main()

#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The listening mode: a handler with -l or with passed sockets, one case per
name.

    service.py HANDLER CASE [ARGUMENT...]

Silent and status 0 where all is as socks64-handler(8) says; else a line that
says what is not.  Needs a network namespace of its own, and root.
"""
import contextlib
import itertools
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "peers"))
import socks
import starting
import streams
from handshake import Failure
from starting import DEADLINE, expect, spawn, wait_end

PORT = 1080
ADDRESS = ("127.0.0.1", PORT)
NOBODY = 65534
ALLOW = "allow all at loopback"


def serve_echo():
    """A server on loopback; echoes on each connection, to its FIN."""
    sock = socket.create_server(("127.0.0.1", 0), backlog=4096)

    def echo(client):
        with client, contextlib.suppress(ConnectionError):
            while octets := client.recv(65536):
                client.sendall(octets)

    def run():
        while True:
            client, _ = sock.accept()
            threading.Thread(target=echo, args=(client,), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()
    return sock.getsockname()[1]


def wait_for(what, condition, seconds=DEADLINE):
    """What the condition gives once that is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.005)
    raise Failure(f"{what}: not within {seconds} s")


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def stat_of(pid):
    """The fields of /proc/PID/stat behind the name, from `state' on."""
    text = read(f"/proc/{pid}/stat").decode(errors="replace")
    return text.rpartition(")")[2].split()


def children(parent):
    stats = {int(pid): stat_of(pid)
             for pid in os.listdir("/proc") if pid.isdigit()}
    return [pid for pid, stat in stats.items()
            if stat[1:2] == [str(parent)] and stat[0] != "Z"]


def command_line(pid):
    return read(f"/proc/{pid}/cmdline").rstrip(b"\0")


def status_field(pid, name):
    for line in read(f"/proc/{pid}/status").decode().splitlines():
        if line.startswith(name + ":"):
            return line.split(":", 1)[1].split()
    raise Failure(f"no {name} of {pid}")


class Service:
    """A handler that listens, and what is known of it."""

    def __init__(self, program, *lines, arguments=("-l", "127.0.0.1:1080"),
                 environment=None, fds=None, listen=None, nobody=False):
        self.directory = tempfile.mkdtemp(prefix="service.")
        os.chmod(self.directory, 0o755)
        self.config = self.path("socks64.conf")
        self.log = open(self.path("log"), "ab", buffering=0)
        self.write(self.config, "\n".join((ALLOW,) + lines) + "\n")
        self.program = program
        self.arguments = [*arguments, "-f", self.config]
        self.null = os.open("/dev/null", os.O_RDWR)
        self.fds = {0: self.null, 1: self.log.fileno(),
                    2: self.log.fileno(), **(fds or {})}
        self.environment = environment
        self.listen = listen
        self.nobody = nobody
        self.echo = serve_echo()
        self.pid = None

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, path, text):
        """In place, as an editor that keeps the inode."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o644)

    def spawn(self):
        program, arguments = self.program, self.arguments
        if self.nobody:
            arguments = ["--reuid", str(NOBODY), "--regid", str(NOBODY),
                         "--clear-groups", program, *arguments]
            program = shutil.which("setpriv")
        self.pid = spawn(program, arguments, self.fds, self.environment,
                         self.listen)
        return self

    def start(self):
        self.spawn()
        self.wait_line(r": (listening on|refusing all) ")
        return self

    def text(self):
        return read(self.path("log")).decode()

    def lines(self, pattern):
        """Whole ones: half of a line may stand at the end of a page."""
        return [line for line in self.text().rpartition("\n")[0].splitlines()
                if re.search(pattern, line)]

    def wait_line(self, pattern, count=1):
        try:
            return wait_for(f"{pattern!r}", lambda:
                            (self.lines(pattern) + [None] * count)[count - 1])
        except Failure as failure:
            raise Failure(f"{failure}, in\n{self.text()}") from failure

    def gate(self):
        ours = command_line(self.pid)
        found = [pid for pid in children(self.pid)
                 if command_line(pid) == ours]
        return found[0] if len(found) == 1 else None

    def wait_gate(self, other_than=None):
        return wait_for("a gate", lambda: self.gate() not in
                        (None, other_than) and self.gate())

    def lasting_gate(self):
        """One that no input makes end: none of them is young any more."""
        time.sleep(1.1)
        expect("answer", self.answer(), 0)
        return self.wait_gate()

    def sessions(self):
        ours = command_line(self.pid)
        return [pid for pid in children(self.pid)
                if command_line(pid) not in (b"", ours)]

    def connect(self, address=ADDRESS, source=None):
        client = socket.create_connection(address, DEADLINE, source)
        client.settimeout(DEADLINE)
        return client

    def hold(self, **keys):
        """A client with a session that relays."""
        client = self.connect(**keys)
        self.converse(client)
        return client

    def hold_at_last(self, **keys):
        """The same, when the end of another session was seen."""
        def attempt():
            with contextlib.suppress(ConnectionError):
                return self.hold(**keys)
            return None
        return wait_for("room", attempt)

    def converse(self, client):
        client.sendall(socks.GREETING + socks.request(
            "127.0.0.1", self.echo) + b"ping")
        octets = streams.receive_exactly(client, 6)
        expect("reply", octets[:4], b"\5\0\5\0")
        rest = 6 if octets[5] == socks.IPV4 else 18
        octets = streams.receive_exactly(client, rest + 4)
        expect("echo", octets[-4:], b"ping")

    def check_echo(self, client):
        client.sendall(b"still")
        expect("echo", streams.receive_exactly(client, 5), b"still")

    def ask(self, **keys):
        """A client that has sent its greeting and its request."""
        client = self.connect(**keys)
        client.sendall(socks.GREETING + socks.request("127.0.0.1", self.echo))
        return client

    @staticmethod
    def reply(client):
        """The REP that it gets, for its end."""
        with client:
            return streams.receive_exactly(client, 12)[3]

    def answer(self, **keys):
        """What a new client gets: REP, or `reset'."""
        try:
            return self.reply(self.ask(**keys))
        except ConnectionError:
            return "reset"

    def stop(self, number=signal.SIGTERM, status=0):
        os.kill(self.pid, number)
        expect("status of the parent", wait_end(self.pid), status)
        self.pid = None

    def clean(self):
        if self.pid is not None:
            for pid in [*children(self.pid), self.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)
        shutil.rmtree(self.directory)


CASES = {}
SERVICES = []


def case(function):
    CASES[function.__name__.removeprefix("case_").replace("_", "-")] = \
        function
    return function


def service(*arguments, **keys):
    made = Service(*arguments, **keys)
    SERVICES.append(made)
    return made


def expect_match(what, text, pattern):
    if not re.search(pattern, text):
        raise Failure(f"{what}: {pattern!r} is not in {text!r}")


def expect_status(program, arguments, status, pattern, **keys):
    """Started so, it ends with that status and says that."""
    made = service(program, arguments=arguments, **keys)
    made.spawn()
    expect(f"status of {arguments}", wait_end(made.pid), status)
    made.pid = None
    expect_match(str(arguments), made.text(), pattern)
    return made


# --- start ---

def listener(family=socket.AF_INET, address=ADDRESS):
    sock = socket.socket(family)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(address)
    sock.listen(64)
    return sock


@case
def case_passed(program):
    """Two sockets of systemd, Accept=no."""
    first, second = listener(), listener(socket.AF_INET6, ("::1", 1081))
    made = service(program, fds={3: first.fileno(), 4: second.fileno()},
                   listen=2, arguments=()).start()
    expect_match("log", made.text(),
                 r"listening on 127.0.0.1:1080, \[::1\]:1081\n")
    expect("IPv4", made.answer(), 0)
    expect("IPv6", made.answer(address=("::1", 1081)), 0)
    made.stop()


@case
def case_inetd(program):
    """fd 0, 1 and 2 are the listening socket: inetd's wait."""
    sock = listener()
    made = service(program, "log-to syslog", arguments=(),
                   fds={n: sock.fileno() for n in range(3)})
    made.spawn()
    expect("answer", made.answer(), 0)
    made.stop()


@case
def case_unix(program):
    """A listening socket in the file system; its client is known by uid."""
    made = service(program, "max-sessions-per-client 1", arguments=())
    path = made.path("socket")
    sock = listener(socket.AF_UNIX, path)
    os.chmod(path, 0o666)
    made.fds[3] = sock.fileno()
    made.listen = 1
    made.start()
    expect_match("log", made.text(), f"listening on {re.escape(path)}\n")
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    client.settimeout(DEADLINE)
    made.converse(client)
    expect("title", command_line(made.sessions()[0]).split()[0],
           b"unix:uid=0")
    other = socket.socket(socket.AF_UNIX)
    other.connect(path)
    with contextlib.suppress(ConnectionError):
        expect("second", other.recv(1), b"")
    client.close()
    made.wait_line(r"ok client=unix:uid=0 user=- auth=unix ")
    made.wait_line(r"refused client=unix:uid=0 .*"
                   'reason="max-sessions-per-client 1"')


@case
def case_mixtures(program):
    """Each says what to change, and ends with 64."""
    sock, (client, ours) = listener(), starting.connection()
    datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for fds, listen, arguments, pattern in (
            ({3: sock, 4: ours}, 2, (), "listening sockets and connections"),
            ({3: ours, 4: ours}, 2, (), "Accept=yes"),
            ({3: sock, 4: datagram}, 2, (), "stream sockets"),
            ({3: sock}, 1, ("-l", ":1081"), "leave one of them out"),
            ({0: sock}, None, ("-l", ":1081"), "leave one of them out"),
            ({n: sock for n in range(3, 20)}, 17, (), "more than 16")):
        expect_status(program, arguments, 64, pattern, listen=listen,
                      fds={n: s.fileno() for n, s in fds.items()})
    client.close()


@case
def case_vsock(program):
    """Guests of this host have no address that rules know."""
    sock = socket.socket(socket.AF_VSOCK)
    sock.bind((socket.VMADDR_CID_ANY, socket.VMADDR_PORT_ANY))
    sock.listen()
    for fd, listen in ((3, 1), (0, None)):
        expect_status(program, (), 64, "neither IPv4, IPv6 nor unix-domain",
                      listen=listen, fds={fd: sock.fileno()})


@case
def case_spellings(program):
    for place in ("1080", "127.0.0.1", "localhost:1080", "[127.0.0.1]:1080",
                  "::1:1080", "127.0.0.1:0", "127.0.0.1:65536", "x/y", "",
                  "[::1%lo]:1080", "[fe80::1]:1080", "[fe80::1%]:1080",
                  "/" + "x" * 108):
        expect_status(program, ("-l", place), 64, "is none of ADDRESS:PORT")
    for arguments in (("-l", ":1080", "-t"), ("-l", ":1080", "-T"),
                      ("-l", ":1080", "-V"), ("-l", ":1080", "x"),
                      ("-l",), ("-l", ":1080") * 17):
        expect_status(program, arguments, 64, "see socks64-handler --help")
    made = service(program, arguments=("-l", ":1080")).start()
    expect_match("both", made.text(),
                 r"listening on 0.0.0.0:1080, \[::\]:1080\n")
    expect("IPv4", made.answer(), 0)
    expect("IPv6", made.answer(address=("::1", PORT)), 0)
    made.stop()
    made.wait_line(r" client=127.0.0.1:")
    made.wait_line(r" client=\[::1\]:")


@case
def case_zone(program):
    """A link-local address is of a link, which -l names."""
    subprocess.run(["ip", "address", "add", "fe80::5/64", "dev", "lo",
                    "nodad"], check=True)
    try:
        made = service(program, arguments=("-l", "[fe80::5%lo]:1080")).start()
        expect("answer", made.answer(address=("fe80::5%lo", PORT)), 0)
        made.stop()
        expect_status(program, ("-l", "[fe80::5%nosuch]:1080"), 71,
                      "cannot listen: No such device")
    finally:
        subprocess.run(["ip", "address", "delete", "fe80::5/64", "dev", "lo"],
                       check=True)


@case
def case_abstract(program):
    """A name of the unix domain that no file has."""
    sock = listener(socket.AF_UNIX, "\0socks64")
    made = service(program, arguments=(), fds={3: sock.fileno()},
                   listen=1).start()
    expect_match("log", made.text(), "listening on @socks64\n")
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(DEADLINE)
        client.connect("\0socks64")
        made.converse(client)
    made.stop()


@case
def case_busy(program):
    with listener(address=("127.0.0.1", PORT)):
        expect_status(program, ("-l", "127.0.0.1:1080"), 71,
                      "-l 127.0.0.1:1080: cannot listen: Address already")
    expect_status(program, ("-l", "192.0.2.1:1080"), 71,
                  "cannot listen: Cannot assign requested address")


@case
def case_path(program):
    """A unix-domain socket is made, replaces a stale one and is removed."""
    made = service(program)
    os.chown(made.directory, NOBODY, NOBODY)
    path = made.path("socket")
    made.arguments[1] = path
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(path)
    made.start()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(DEADLINE)
        client.connect(path)
        made.converse(client)
    # Another one must not take the place of one that listens, nor of a file.
    expect_status(program, ("-l", path), 71, "Address already in use")
    if not os.path.exists(path):
        raise Failure("the living socket was removed")
    made.stop()
    if os.path.exists(path):
        raise Failure("the socket is still there")
    made.write(path, "a file")
    expect_status(program, ("-l", path), 71, "Address already in use")
    expect("file", read(path), b"a file")


@case
def case_identity(program):
    """Started as root: none of the three processes is root."""
    made = service(program, "user nobody").start()
    client = made.hold()
    for pid in (made.pid, made.gate(), made.sessions()[0]):
        expect("uid", status_field(pid, "Uid"), [str(NOBODY)] * 4)
        expect("groups", status_field(pid, "Groups"), [])
        for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            expect(kind, int(status_field(pid, kind)[0], 16), 0)
        expect("no new privileges", status_field(pid, "NoNewPrivs"), ["1"])
        expect("owner of what an undumpable process has",
               os.stat(f"/proc/{pid}/fd").st_uid, 0)
    expect("filters", [status_field(pid, "Seccomp_filters") for pid in
                       (made.pid, made.gate(), made.sessions()[0])],
           [["0"], ["1"], ["2"]])
    client.close()
    made.stop()


@case
def case_mark(program):
    """CAP_NET_ADMIN reaches the sessions, and leaves them."""
    made = service(program, "user nobody", "mark 7").start()
    client = made.connect()
    session = wait_for("a session", made.sessions)[0]
    expect("parent", int(status_field(made.pid, "CapAmb")[0], 16), 1 << 12)
    expect("negotiating", int(status_field(session, "CapEff")[0], 16),
           1 << 12)
    expect("ambient", int(status_field(session, "CapAmb")[0], 16), 0)
    made.converse(client)
    expect("relaying", int(status_field(session, "CapPrm")[0], 16), 0)
    client.close()
    made.stop()


@case
def case_broken_start(program):
    """78 with -l and as root; refusing with a passed socket as a user."""
    made = service(program, "nonsense")
    made.spawn()
    expect("status", wait_end(made.pid), 78)
    made.pid = None
    expect_match("log", made.text(), ':2: unknown keyword "nonsense"')
    # What root may read, and the user may not.
    made = service(program)
    os.chmod(made.config, 0o600)
    made.spawn()
    expect("unreadable", wait_end(made.pid), 78)
    made.pid = None
    expect_match("log", made.text(), "Permission denied")
    # Whom it is to become.
    made = service(program, "user nosuch")
    made.spawn()
    expect("no such user", wait_end(made.pid), 78)
    made.pid = None
    expect_match("log", made.text(), ":2: user: the user is not in /etc/passwd")
    # -l as a user.
    made = service(program, "nonsense", nobody=True)
    made.spawn()
    expect("user", wait_end(made.pid), 78)
    made.pid = None
    sock = listener()
    made = service(program, "nonsense", fds={3: sock.fileno()}, listen=1,
                   arguments=(), nobody=True).start()
    for _ in range(3):
        expect("answer", made.answer(), "reset")
    expect("lines", len(made.lines("nonsense")), 1)
    made.stop()


# --- changes ---

def denied_by(made, write):
    """The very next connection knows of it; a held session does not."""
    client = made.hold()
    expect("before", made.answer(), 0)
    write()
    expect("after", made.answer(), 2)
    made.check_echo(client)
    client.close()


DENY = "deny all at any\n"


@case
def case_change_file(program):
    made = service(program).start()
    denied_by(made, lambda: made.write(made.config, DENY))
    made.write(made.config, ALLOW + "\n")
    expect("allowed again", made.answer(), 0)


@case
def case_change_rename(program):
    made = service(program).start()
    made.write(made.path("new"), DENY)
    denied_by(made, lambda: os.rename(made.path("new"), made.config))


@case
def case_change_symlink(program):
    made = service(program)
    for name, text in (("one", ALLOW + "\n"), ("two", DENY)):
        os.mkdir(made.path(name))
        made.write(made.path(name + "/conf"), text)
    os.symlink("one", made.path("now"))
    made.arguments = ["-l", "127.0.0.1:1080", "-f", made.path("now/conf")]
    made.start()
    os.symlink("two", made.path("then"))
    denied_by(made, lambda: os.rename(made.path("then"), made.path("now")))


@case
def case_change_delete(program):
    """Deleted: refused; made again: served, within the second that attempts
    are apart."""
    made = service(program).start()
    expect("before", made.answer(), 0)
    os.unlink(made.config)
    expect("deleted", made.answer(), "reset")
    made.write(made.config, ALLOW + "\n")
    wait_for("healed", lambda: made.answer() == 0)
    expect("lines", len(made.lines("cannot read it")), 1)


@case
def case_change_list(program):
    made = service(program)
    made.write(made.path("list"), "192.0.2.0/24\n")
    made.write(made.config, f"deny at @{made.path('list')}\n{ALLOW}\n")
    made.start()
    denied_by(made, lambda: made.write(made.path("list"), "127.0.0.0/8\n"))


@case
def case_change_index(program):
    """Of a list that has one: an index that comes, and another one."""
    made = service(program)
    path = made.path("list")
    made.write(path, "192.0.2.0/24\n")
    made.write(made.config, f"deny at @{path}\n{ALLOW}\n")
    made.start()
    expect("without an index", made.answer(), 0)

    def make_index():
        subprocess.run([program, "--index", path], check=True,
                       stdout=subprocess.DEVNULL)
    make_index()
    expect("with one", made.answer(), 0)
    if not any(name.endswith("list.cdb") for name in links(made.wait_gate())):
        raise Failure("the gate has not opened the index")
    made.write(path + ".new", "127.0.0.0/8\n")
    os.rename(path + ".new", path)
    denied_by(made, make_index) if made.answer() == 0 else make_index()
    expect("with the other", made.answer(), 2)


@case
def case_change_passwords(program):
    made = service(program)
    passwords = made.path("passwords")
    made.write(passwords, "alice:$1$x$" + "x" * 22 + "\n")
    made.write(made.config, f"auth none password\npassword-file {passwords}"
               f"\n{ALLOW}\n")
    made.start()
    expect("before", made.answer(), 0)
    gate = made.gate()
    made.write(passwords, "bob:$1$x$" + "x" * 22 + "\n")
    expect("answer", made.answer(), 0)
    if made.wait_gate() == gate:
        raise Failure("the password file was not read anew")


@case
def case_change_table(program):
    """A state directory that comes later is used, and one that is replaced."""
    made = service(program)
    state = made.path("state")
    made.write(made.config, f"state-dir {state}\naddress-id on\n{ALLOW}\n")
    made.start()
    expect("without one", made.answer(), 0)
    for name in ("there", "another"):
        # What is young is looked at again, whatever else happens.
        time.sleep(1.1)
        expect("before", made.answer(), 0)
        gate = made.wait_gate()
        expect("once more", made.answer(), 0)
        expect("gate", made.wait_gate(), gate)
        os.mkdir(made.path(name), 0o700)
        os.chown(made.path(name), NOBODY, NOBODY)
        if os.path.exists(state):
            os.rename(state, made.path("old"))
        os.rename(made.path(name), state)
        expect("with one", made.answer(), 0)
        wait_for("a table", lambda: made.answer() == 0 and os.path.exists(
            os.path.join(state, "associations")), 5)


@case
def case_change_resolver(program):
    """/etc/hosts and /etc/resolv.conf are opened anew.  (In a mount namespace
    of its own.)"""
    made = service(program).start()
    for name, text in (("/etc/hosts", "127.0.0.1 one.test\n"),
                       ("/etc/resolv.conf", "nameserver 127.0.0.9\n")):
        expect("before", made.answer(), 0)
        gate = made.wait_gate()
        made.write(name, text)
        expect("after", made.answer(), 0)
        if made.wait_gate() == gate:
            raise Failure(f"{name} was not read anew")


@case
def case_change_tick(program):
    """Same size, same mtime: what was written just before the reading counts
    as changed once more."""
    made = service(program).start()
    made.write(made.config, ALLOW + "\n")
    expect("before", made.answer(), 0)
    gate = made.wait_gate()
    # Behind the second after the write the next connection has another
    # gate, whatever the stamps say; and then no more.
    time.sleep(1.1)
    expect("later", made.answer(), 0)
    if made.wait_gate() == gate:
        raise Failure("a young input was not read again")
    gate = made.wait_gate()
    expect("at last", made.answer(), 0)
    expect("gate", made.wait_gate(), gate)


def mapped(pid):
    return int(status_field(pid, "VmRSS")[0]), len(os.listdir(
        f"/proc/{pid}/fd"))


@case
def case_change_often(program, count="300"):
    """Changes leave no descriptor and no memory."""
    made = service(program).start()
    expect("first", made.answer(), 0)
    wait_for("no session", lambda: not made.sessions())
    before = mapped(made.pid), mapped(made.wait_gate())
    for i in range(int(count)):
        made.write(made.config, f"{ALLOW}\n# {i}\n")
        expect(f"change {i}", made.answer(), 0)
    wait_for("no session", lambda: not made.sessions())
    after = mapped(made.pid), mapped(made.wait_gate())
    for was, now in zip(before, after):
        expect("descriptors", now[1], was[1])
        if now[0] > was[0] + 256:
            raise Failure(f"{was[0]} KiB became {now[0]}")


@case
def case_broken_later(program):
    """Refusing is told once, and heals without a signal."""
    made = service(program).start()
    client = made.hold()
    made.write(made.config, "nonsense\n")
    for _ in range(50):
        expect("answer", made.answer(), "reset")
    expect("lines", len(made.lines(r":1: unknown keyword \"nonsense\"")), 1)
    # Written anew, it is broken as before.
    os.replace(shutil.copy(made.config, made.path("same")), made.config)
    gate = made.wait_gate()
    wait_for("another gate", lambda: made.answer() == "reset" and
             made.gate() not in (None, gate))
    expect("answer", made.answer(), "reset")
    expect("lines", len(made.lines(r":1: unknown keyword \"nonsense\"")), 1)
    made.write(made.config, "rubbish\n")
    wait_for("another complaint", lambda: made.answer() == "reset" and
             made.lines("rubbish"))
    made.check_echo(client)
    made.write(made.config, ALLOW + "\n")
    wait_for("healed", lambda: made.answer() == 0)
    made.check_echo(client)
    client.close()
    made.stop()


@case
def case_broken_attempts(program):
    """1,000 refused connections cost an attempt a second, not 1,000."""
    made = service(program).start()
    made.write(made.config, "nonsense\n")
    start = time.monotonic()
    for _ in range(1000):
        expect("answer", made.answer(), "reset")
    seconds = time.monotonic() - start
    gates = len(made.lines("read anew, and all"))
    if gates > seconds + 3:
        raise Failure(f"{gates} attempts in {seconds} s")


@case
def case_broken_interface(program):
    """What is no file heals, too."""
    made = service(program).start()
    made.write(made.config, f"interface late0\n{ALLOW}\n")
    expect("missing", made.answer(), "reset")
    os.system("ip link add late0 type veth peer name late1")
    wait_for("healed", lambda: made.answer() != "reset")


# What every session that relays has open: its two connections.
HAS = ("/dev/null", "socket:", "socket:")


# --- limits ---

def full_and_room(made, most, **keys):
    """`most' are served, one more is reset, and there is room when one has
    left."""
    clients = [made.hold_at_last(**keys) for _ in range(most)]
    expect("one more", made.answer(**keys), "reset")
    for client in clients:
        made.check_echo(client)
    clients.pop().close()
    # The parent has to see its end first.
    wait_for("room", lambda: made.answer(**keys) == 0)
    return clients


@case
def case_limit_all(program):
    made = service(program, "max-sessions 3").start()
    full_and_room(made, 3)
    line = made.wait_line(r"refused client=127.0.0.1:\d+ user=- auth=- ")
    expect_match("record", line, 'cmd=- dest=- peer=- local=- up=0 down=0 '
                 'start=.* seconds=0.000 reason="max-sessions 3"$')


def journal():
    """A journal of our own, below a /run of our own."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    os.makedirs("/run/systemd/journal")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind("/run/systemd/journal/socket")
    os.chmod("/run/systemd/journal/socket", 0o666)
    sock.settimeout(DEADLINE)
    return sock


@case
def case_refused_at(program):
    """The record of a refusal says which listener it was at."""
    second = ("127.0.0.2", 1081)
    told = journal()
    made = service(program, "max-sessions 1", "log-to journal",
                   arguments=("-l", "127.0.0.1:1080", "-l", "127.0.0.2:1081"))
    made.spawn()
    held = made.hold_at_last()
    expect("one more", made.answer(address=second), "reset")
    fields = []
    while b"SOCKS64_RESULT=refused" not in fields:
        fields = told.recv(65536).split(b"\n")
    expect("listener", [field for field in fields
                        if field.startswith(b"SOCKS64_LISTEN=")],
           [b"SOCKS64_LISTEN=127.0.0.2:1081"])
    held.close()


@case
def case_limit_client(program):
    """An IPv4 address; another one has room of its own."""
    made = service(program, "max-sessions-per-client 2").start()
    held = full_and_room(made, 2, source=("127.0.0.2", 0))
    expect("another", made.answer(source=("127.0.0.3", 0)), 0)
    made.wait_line('refused client=127.0.0.2:.*"max-sessions-per-client 2"')
    # A change of the configuration forgets nobody.
    made.write(made.config, f"{ALLOW}\nmax-sessions-per-client 2\n#\n")
    held += full_and_room(made, 1, source=("127.0.0.2", 0))
    held.append(made.hold_at_last(source=("127.0.0.2", 0)))
    expect("full", made.answer(source=("127.0.0.2", 0)), "reset")
    # One that had no limit counts whom it finds.
    made.write(made.config, f"{ALLOW}\n")
    expect("no limit", made.answer(source=("127.0.0.2", 0)), 0)
    made.write(made.config, f"{ALLOW}\nmax-sessions-per-client 1\n")
    expect("a limit", made.answer(source=("127.0.0.2", 0)), "reset")


@case
def case_limit_net(program):
    """Of IPv6 a /64 is one client, but each address of loopback and of a
    link."""
    for address in ("2001:db8:1::1", "2001:db8:1::2", "2001:db8:1:1::1"):
        os.system(f"ip addr add {address}/64 dev lo nodad")
    made = service(program, "max-sessions-per-client 1",
                   "allow all from any at loopback",
                   arguments=("-l", ":1080")).start()
    first = made.hold(address=("2001:db8:1::1", PORT),
                      source=("2001:db8:1::1", 0))
    made.check_echo(first)
    for source, wanted in (("2001:db8:1::2", "reset"),
                           ("2001:db8:1:1::1", 0)):
        expect(source, made.answer(address=("2001:db8:1::1", PORT),
                                   source=(source, 0)), wanted)
    expect("loopback", made.answer(address=("::1", PORT)), 0)
    first.close()


@case
def case_limit_rate(program):
    """N at once, then at the pace of N in TIME."""
    made = service(program, "max-rate-per-client 3/2s").start()
    start = time.monotonic()
    expect("at once", [made.answer() for _ in range(4)],
           [0, 0, 0, "reset"])
    wait_for("the next", lambda: made.answer() == 0)
    if time.monotonic() - start < 0.6:
        raise Failure("the pace was not kept")
    made.wait_line('reason="max-rate-per-client 3 in 2000 ms"')
    expect("another client", made.answer(source=("127.0.0.9", 0)), 0)


@case
def case_limit_proxy(program):
    """A peer that speaks for many is no client."""
    made = service(program, "max-sessions-per-client 1",
                   "proxy-protocol-from 127.0.0.7",
                   "max-rate-per-client 1/1h").start()
    held = []
    for _ in range(3):
        client = made.connect(source=("127.0.0.7", 0))
        client.sendall(b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n")
        made.converse(client)
        held.append(client)


@case
def case_limit_user(program):
    """After the login, over all clients; 02 and why."""
    made = service(program)
    passwords = made.path("passwords")
    made.write(passwords, "".join(
        f"{name}:$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/\n"
        for name in ("a", "bob")))
    made.write(made.config, f"auth password\npassword-file {passwords}\n"
               f"max-sessions-per-user 2\n{ALLOW}\n")
    made.start()

    def login(user, source):
        client = made.connect(source=(source, 0))
        client.sendall(b"\5\1\2\1" + bytes((len(user),)) + user +
                       b"\x08password" + socks.request("127.0.0.1",
                                                       made.echo))
        octets = streams.receive_exactly(client, 14)
        expect("login", octets[:4], b"\5\2\1\0")
        return client, octets[5]

    held = [login(b"a", f"127.0.0.{i}") for i in (1, 2)]
    expect("two", [rep for _, rep in held], [0, 0])
    expect("three", login(b"a", "127.0.0.3")[1], 2)
    expect("another user", login(b"bob", "127.0.0.3")[1], 0)
    line = made.wait_line("denied client=127.0.0.3:.* user=a ")
    expect_match("record", line, 'reason="a has 2 sessions, '
                 'max-sessions-per-user"$')
    held.pop()[0].close()
    wait_for("room", lambda: login(b"a", "127.0.0.4")[1] == 0)
    # The descriptors of the question are closed when it was answered.
    wait_for("descriptors", lambda: relay_alone(made))
    made.stop()


@case
def case_limit_uid(program):
    """A client of the unix domain is its uid, which the record says."""
    made = service(program, "max-sessions-per-user 1")
    os.chown(made.directory, NOBODY, NOBODY)
    path = made.path("socket")
    made.arguments[1] = path
    made.start()
    with socket.socket(socket.AF_UNIX) as first, \
            socket.socket(socket.AF_UNIX) as second:
        for client in (first, second):
            client.settimeout(DEADLINE)
            client.connect(path)
        made.converse(first)
        second.sendall(socks.GREETING + socks.request("127.0.0.1", made.echo))
        expect("second", streams.receive_exactly(second, 4), b"\5\0\5\2")
        line = made.wait_line("denied client=unix:uid=0 ")
        expect_match("record", line, 'reason="uid=0 has 1 sessions, '
                     'max-sessions-per-user"$')
    made.stop()


@case
def case_limit_hostile(program):
    """250 hostile clients: a line a minute for each, and none for their
    number."""
    made = service(program, "max-sessions-per-client 1").start()
    client = made.hold(source=("127.0.0.2", 0))
    for _ in range(250):
        expect("answer", made.answer(source=("127.0.0.2", 0)), "reset")
    expect("lines", len(made.lines("refused client=127.0.0.2")), 1)
    held = []
    for i in range(3, 203):
        held.append(made.hold(source=(f"127.0.1.{i}", 0)))
        expect("answer", made.answer(source=(f"127.0.1.{i}", 0)), "reset")
    lines = len(made.lines("refused client="))
    expect("lines of 200 clients", lines, 100)
    made.check_echo(client)


def set_limit(pid, name, soft):
    """Of a process of nobody's, by nobody."""
    subprocess.run(["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY),
                    "--clear-groups",
                    "prlimit", "--pid", str(pid), f"--{name}={soft}:"],
                   check=True)


def one_line_no_spin(made, pattern):
    before = cpu(made.wait_gate())
    start = time.monotonic()
    for _ in range(20):
        expect("answer", made.answer(), "reset")
    used = cpu(made.wait_gate()) - before
    if used > max(0.2, (time.monotonic() - start) / 2):
        raise Failure(f"{used} s of CPU")
    expect("lines", len(made.lines(pattern)), 1)


def cpu(pid):
    fields = stat_of(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@case
def case_no_process(program):
    """clone(2) fails: reset, one record, and it heals."""
    made = service(program).start()
    client = made.hold()
    gate = made.lasting_gate()
    set_limit(gate, "nproc", 1)
    one_line_no_spin(made, 'refused client=.*no process for a session')
    set_limit(gate, "nproc", 4000)
    expect("healed", made.answer(), 0)
    made.check_echo(client)
    expect("gate", made.gate(), gate)


@case
def case_no_descriptor(program):
    """accept(2) fails for want of a descriptor: reset, and no spin."""
    made = service(program).start()
    gate = made.lasting_gate()
    own = [number for number in map(int, os.listdir(f"/proc/{gate}/fd"))
           if number < 128]
    most = max(own) + 1
    set_limit(gate, "nofile", most)
    for _ in range(5):
        expect("answer", made.answer(), "reset")
    expect("lines", len(made.lines("no connection can be accepted: "
                                   "Too many open files$")), 1)
    before = cpu(gate)
    time.sleep(0.3)
    if cpu(gate) - before > 0.1:
        raise Failure("the gate spins")
    set_limit(gate, "nofile", 128)
    expect("healed", made.answer(), 0)
    expect("gate", made.gate(), gate)


@contextlib.contextmanager
def gates_that_stop(made):
    """Each gate to come has no memory for its first accept(2), and stops
    there; gives the PIDs of those that have stopped."""
    path = made.path("strace")
    tracer = subprocess.Popen(
        ["strace", "-f", "-o", path, "-e", "trace=accept4",
         "-e", "inject=accept4:error=ENOMEM:signal=STOP:when=1",
         "-p", str(made.pid)], stderr=subprocess.DEVNULL)
    try:
        wait_for("tracer", lambda: status_field(made.pid, "TracerPid") ==
                 [str(tracer.pid)])
        yield lambda: [int(line.split()[0]) for line in
                       read(path).decode().splitlines()
                       if line.endswith("--- stopped by SIGSTOP ---")]
    finally:
        tracer.terminate()
        tracer.wait()


@case
def case_accept_fails(program):
    """Whose accept(2) fails behind a change is not served by what was read
    before the next one."""
    made = service(program).start()
    made.lasting_gate()
    with gates_that_stop(made) as stopped:
        made.write(made.config, ALLOW + "\n\n")
        client = made.ask()
        gate = wait_for("a gate that stops", stopped)[0]
        made.write(made.config, DENY)
    os.kill(gate, signal.SIGCONT)
    expect("answer", made.reply(client), 2)
    expect("lines", len(made.lines("no connection can be accepted: "
                                   "Cannot allocate memory$")), 1)


# --- figures ---

def figures(path):
    return dict(line.rsplit(" ", 1) for line in
                read(path).decode().splitlines() if line[:1] != "#")


@case
def case_figures(program):
    made = service(program)
    os.chown(made.directory, NOBODY, NOBODY)
    path = made.path("socks64.prom")
    made.write(made.config, f"{ALLOW}\nmetrics-file {path}\n"
               "max-sessions-per-client 1\n")
    made.start()
    wait_for("the file", lambda: figures(path).get(
        "socks64_configuration_ok") == "1")
    client = made.hold()
    expect("one more", made.answer(), "reset")
    client.close()
    made.wait_line("ok client=")
    made.stop()
    got = figures(path)
    for name, value in {
            "socks64_sessions": 0, 'socks64_sessions_total{result="ok"}': 1,
            'socks64_sessions_total{result="denied"}': 0,
            'socks64_refused_total{by="max-sessions-per-client"}': 1,
            'socks64_refused_total{by="system"}': 0,
            'socks64_octets_total{direction="up"}': 4,
            'socks64_octets_total{direction="down"}': 4,
            "socks64_configuration_ok": 1}.items():
        expect(name, got[name], str(value))
    expect("mode", os.stat(path).st_mode & 0o777, 0o644)
    if os.path.exists(path + ".new"):
        raise Failure("PATH.new is left")


@case
def case_figures_refused(program):
    """Where the file cannot be written one line says so."""
    made = service(program, "metrics-file /proc/nothing").start()
    line = made.wait_line("metrics-file: cannot write /proc/nothing: ")
    expect_match("line", line, "No such file or directory")
    expect("answer", made.answer(), 0)
    made.stop()
    expect("lines", len(made.lines("metrics-file")), 1)


@contextlib.contextmanager
def notified():
    with starting.notify_socket() as (notify, environment):
        yield lambda: notify.recv(4096).decode(), environment


@case
def case_notify(program):
    """READY=1, STATUS= of the parent alone, RELOADING=1, STOPPING=1."""
    with notified() as (state, environment):
        made = service(program, environment=environment).start()
        expect("ready", state(), "READY=1")
        status = r"STATUS={} sessions?, {} since 20..-..-..T..:..:..Z, 0 ref"
        expect_match("status", state(), status.format(0, 0))
        client = made.hold()
        expect_match("status", state(), status.format(1, 1))
        client.close()
        expect_match("status", state(), status.format(0, 1))
        os.kill(made.pid, signal.SIGHUP)
        expect("reload", state(), "RELOADING=1")
        expect("ready again", state(), "READY=1")
        expect_match("status", state(), status.format(0, 1))
        made.write(made.config, "nonsense\n")
        expect("answer", made.answer(), "reset")
        expect("ready", state(), "READY=1")
        expect_match("refusing", state(), "^STATUS=refusing: "
                     ".*socks64.conf:1: unknown keyword \"nonsense\"")
        made.stop()
        expect("stopping", state(), "STOPPING=1")


@case
def case_notify_refused(program):
    """A refusal is told as soon as a session is."""
    with notified() as (state, environment):
        made = service(program, "max-sessions-per-client 1",
                       environment=environment).start()
        made.lasting_gate()
        client = made.hold_at_last()

        def told(text):
            return wait_for(text, lambda: text in state())
        told(" 0 refused")
        time.sleep(1.1)  # nothing is waited for any more
        expect("answer", made.answer(), "reset")
        told(" 1 refused")
        client.close()


# --- life ---

def stopped_record(made):
    made.wait_line(r"stopped client=.*reason=\"stopped by SIGTERM\"")


@case
def case_sigterm(program):
    for number in (signal.SIGTERM, signal.SIGINT):
        made = service(program).start()
        held = [made.hold() for _ in range(3)]
        sessions = made.sessions()
        made.stop(number)
        expect("records", len(made.lines("stopped client=")), 3)
        expect("sessions", [pid for pid in sessions if
                            command_line(pid)], [])
        for client in held:
            client.close()
        made.clean()
        SERVICES.remove(made)


@case
def case_terminal(program):
    """^C is sent to all: the sessions leave it to the parent."""
    made = service(program).start()
    client = made.hold()
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        for pid in (made.gate(), *made.sessions()):
            os.kill(pid, number)
    made.check_echo(client)
    expect("answer", made.answer(), 0)
    made.stop(signal.SIGINT)
    stopped_record(made)


@case
def case_sigquit(program):
    """The gate ends, sessions go on, the parent leaves behind the last."""
    made = service(program).start()
    first, second = made.hold(), made.hold()
    os.kill(made.pid, signal.SIGQUIT)
    wait_for("no gate", lambda: made.gate() is None)
    made.check_echo(first)
    first.close()
    wait_for("one session", lambda: len(made.sessions()) == 1)
    made.check_echo(second)
    second.close()
    expect("status", wait_end(made.pid), 0)
    made.pid = None
    # SIGTERM may follow.
    made = service(program).start()
    client = made.hold()
    os.kill(made.pid, signal.SIGQUIT)
    wait_for("no gate", lambda: made.gate() is None)
    made.stop()
    stopped_record(made)
    client.close()


def busy_ending_gate(made, number):
    """Sends a signal to the parent, which is to end the gate for it, and waits
    until it waits for that.  Returns the gate, which will not end yet."""
    gate = made.wait_gate()
    os.kill(gate, signal.SIGSTOP)
    # SIGTERM would be taken first where both are on their way.
    wait_for("the gate's stop", lambda: stat_of(gate)[:1] == ["T"])
    os.kill(made.pid, number)
    wait_for("SIGTERM to the gate", lambda: int(
        status_field(gate, "ShdPnd")[0], 16) & 1 << signal.SIGTERM - 1)
    return gate


@case
def case_sigterm_meanwhile(program):
    """SIGTERM comes while the answer to another signal waits for the gate."""
    for number in (signal.SIGHUP, signal.SIGQUIT):
        made = service(program).start()
        client = made.hold()
        gate = busy_ending_gate(made, number)
        os.kill(made.pid, signal.SIGTERM)
        os.kill(gate, signal.SIGCONT)
        expect(f"status behind {number.name}", wait_end(made.pid), 0)
        made.pid = None
        stopped_record(made)
        client.close()


def layout(pid):
    """Where stack and code of the process lie."""
    text = read(f"/proc/{pid}/maps").decode()
    return [line.split("-")[0] for line in text.splitlines()
            if "[stack]" in line or line.endswith(("handler",
                                                   "handler-static"))][:2]


@case
def case_sighup(program):
    """A new program is taken over, with the PID; sessions and figures stay."""
    made = service(program)
    copy = made.path("socks64-handler")
    shutil.copy(program, copy)
    made.program = copy
    made.start()
    client = made.hold()
    before = layout(made.pid)
    shutil.copy(program, copy + ".new")
    os.rename(copy + ".new", copy)
    os.kill(made.pid, signal.SIGHUP)
    made.wait_line("listening on", 2)
    if layout(made.pid) == before:
        raise Failure("the layout is the same")
    if "(deleted)" in os.readlink(f"/proc/{made.pid}/exe"):
        raise Failure("it is the old program")
    made.check_echo(client)
    expect("answer", made.answer(), 0)
    # One that cannot be executed: it says so, and goes on.
    with open(copy + ".new", "wb") as file:
        file.write(b"\x7fELF")
    os.chmod(copy + ".new", 0o755)
    os.rename(copy + ".new", copy)
    os.kill(made.pid, signal.SIGHUP)
    made.wait_line("could not be executed anew: Exec format error")
    expect("answer", made.answer(), 0)
    # One that starts and dies.
    for count, program in enumerate(("kill -SEGV $$", "exit 3"), 1):
        with open(copy + ".new", "w", encoding="ascii") as file:
            file.write(f"#!/bin/sh\n{program}\n")
        os.chmod(copy + ".new", 0o755)
        os.rename(copy + ".new", copy)
        os.kill(made.pid, signal.SIGHUP)
        made.wait_line("is not executed anew: it does not start", count)
        expect("answer", made.answer(), 0)
    made.check_echo(client)
    made.stop()
    stopped_record(made)


@case
def case_crash(program):
    """A session that a signal kills leaves a record, and others live on; the
    next have another layout."""
    made = service(program).start()
    held = made.hold()
    for count, number in enumerate((signal.SIGSEGV, signal.SIGBUS,
                                    signal.SIGILL, signal.SIGABRT,
                                    signal.SIGSYS), 1):
        before, gate = layout(made.pid), made.wait_gate()
        victim = made.hold()
        name = socks.text_of(victim.getsockname())
        pid = next(pid for pid in made.sessions()
                   if command_line(pid).startswith(name.encode()))
        os.kill(pid, number)
        line = made.wait_line(
            rf"^socks64\[{pid}\]: error client={re.escape(name)} ")
        expect_match("record", line, f'reason="ended by {number.name}"$')
        made.wait_line("listening on", 1 + count)
        made.wait_gate(gate)
        if layout(made.pid) == before:
            raise Failure("the layout is the same")
        made.check_echo(held)
        expect("answer", made.answer(), 0)
    # This one tells nothing of the memory.
    gate = made.lasting_gate()
    victim = made.hold()
    name = socks.text_of(victim.getsockname())
    os.kill(next(pid for pid in made.sessions() if command_line(pid)
                 .startswith(name.encode())), signal.SIGKILL)
    made.wait_line('reason="ended by SIGKILL"')
    expect("answer", made.answer(), 0)
    expect("gate", made.gate(), gate)
    made.stop()


@case
def case_gate_dies(program):
    made = service(program).start()
    client = made.hold()
    for number in (signal.SIGKILL, signal.SIGSEGV):
        gate = made.wait_gate()
        os.kill(gate, number)
        made.wait_line(f"the gate was ended by {number.name}")
        made.wait_gate(gate)
        made.check_echo(client)
        expect("answer", made.answer(), 0)


@case
def case_parent_dies(program):
    """The gate dies with it; sessions go on."""
    made = service(program).start()
    client = made.hold()
    gate, session = made.gate(), made.sessions()[0]
    os.kill(made.pid, signal.SIGKILL)
    os.waitpid(made.pid, 0)
    made.pid = None
    wait_for("no gate", lambda: not command_line(gate))
    made.check_echo(client)
    client.close()
    made.wait_line("ok client=")
    wait_for("no session", lambda: not command_line(session))


@case
def case_orphans(program):
    """As PID 1 it reaps strangers, and ends by SIGTERM.  (In a PID namespace
    of its own, as PID 1's child.)"""
    made = service(program)
    wrapper = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
               "sh", "-c", '(sleep 0.2 &) ; exec "$@"', "sh", program,
               *made.arguments]
    made.pid = spawn(shutil.which("unshare"), wrapper[1:], made.fds)
    made.wait_line(r"socks64\[1\]: listening on ")
    inner = wait_for("PID 1", lambda: children(made.pid))[0]
    client = made.hold()
    wait_for("the stranger", lambda: not any(
        b"sleep" in command_line(pid) for pid in children(inner)))
    zombies = [pid for pid in os.listdir("/proc") if pid.isdigit() and
               stat_of(pid)[:2] == ["Z", str(inner)]]
    expect("zombies", zombies, [])
    os.kill(inner, signal.SIGTERM)
    expect("status", wait_end(made.pid), 0)
    made.pid = None
    stopped_record(made)
    client.close()


@case
def case_idle(program):
    """It ends when nobody was served for so long; not with -l."""
    sock = listener()
    made = service(program, "exit-idle-time 1s", arguments=(),
                   fds={3: sock.fileno()}, listen=1).start()
    client = made.hold()
    time.sleep(1.5)
    expect("while it serves one", os.waitpid(made.pid, os.WNOHANG), (0, 0))
    made.check_echo(client)
    began = time.monotonic()
    client.close()
    expect("status", wait_end(made.pid), 0)
    made.pid = None
    if time.monotonic() - began < 0.95:
        raise Failure("it was idle for less than a second")
    expect_match("log", made.text(), "idle for exit-idle-time")
    sock.close()
    made = service(program, "exit-idle-time 1s").start()
    time.sleep(1.5)
    expect("answer", made.answer(), 0)


@case
def case_idle_between(program):
    """A session that comes and goes while the parent does not look: the time
    begins anew."""
    sock = listener()
    made = service(program, "exit-idle-time 3s", arguments=(),
                   fds={3: sock.fileno()}, listen=1).start()
    expect("answer", made.answer(), 0)
    wait_for("nobody", lambda: not made.sessions())
    began = time.monotonic()
    time.sleep(0.5)  # its time runs
    os.kill(made.pid, signal.SIGSTOP)
    try:
        expect("answer", made.answer(), 0)
        wait_for("its end", lambda: not [
            pid for pid in children(made.pid) if command_line(pid) not in
            (b"", command_line(made.pid))])
        time.sleep(max(0, began + 3.5 - time.monotonic()))
    finally:
        os.kill(made.pid, signal.SIGCONT)
    again = time.monotonic()
    expect("status", wait_end(made.pid), 0)
    made.pid = None
    if time.monotonic() - again < 2.5:
        raise Failure("it was idle for less than 3 s")


@case
def case_idle_loses_none(program, count="2"):
    """A stream of connections against exits: all are answered."""
    sock = listener()
    made = service(program, "exit-idle-time 1s", arguments=(),
                   fds={3: sock.fileno()}, listen=1)
    exits = 0
    made.start()
    for i in itertools.count():
        if i >= 40 and exits >= int(count):
            break
        # Near the moment at which it leaves.
        time.sleep(0.95 + (i % 10) / 100 if i % 4 == 0 else 0)
        client = made.connect()
        done, status = os.waitpid(made.pid, os.WNOHANG)
        if done:
            expect("status", status, 0)
            exits += 1
            made.spawn()
        client.sendall(socks.GREETING + socks.request("127.0.0.1",
                                                      made.echo))

        def revive():
            nonlocal exits
            done, _ = os.waitpid(made.pid, os.WNOHANG)
            if done:
                exits += 1
                made.spawn()
            return pending(client)

        wait_for("an answer", revive)
        expect("reply", streams.receive_exactly(client, 12)[3], 0)
        client.close()


def pending(sock):
    import select
    return select.select([sock], [], [], 0.01)[0]


# --- isolation ---

def links(pid):
    """What the descriptors of a process are; sockets by their kind alone.  Of
    one that has ended: none."""
    found = []
    with contextlib.suppress(FileNotFoundError):
        for number in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                link = os.readlink(f"/proc/{pid}/fd/{number}")
                found.append(re.sub(r":\[\d+\]$", ":", link))
    return found


def relay_alone(made):
    """Has each session, of one or more, what a relay has?  It closes the rest
    behind the reply."""
    wanted = sorted([*HAS, made.log.name, made.log.name])
    sessions = made.sessions()
    return sessions and all(sorted(links(pid)) == wanted for pid in sessions)


@case
def case_descriptors(program):
    """A session has its own connections, the log and what it will read."""
    made = service(program, arguments=("-l", ":1080")).start()
    held = [made.hold() for _ in range(5)]
    wait_for("descriptors", lambda: relay_alone(made))
    maps = read(f"/proc/{made.sessions()[0]}/maps").decode()
    expect("mappings of the shared memory",
           [line.split()[2:3] for line in maps.splitlines()
            if "socks64-sessions" in line], [["00000000"]])
    for client in held:
        client.close()


def sockets(pid):
    """The sockets of a process, by their inodes, with their numbers."""
    found = {}
    for number in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            link = os.readlink(f"/proc/{pid}/fd/{number}")
            if link.startswith("socket:"):
                found[link] = int(number)
    return found


@case
def case_shared_sockets(program):
    """Those of the log and of claims have numbers that the sandbox knows."""
    made = service(program, "log-to syslog", "max-sessions-per-user 5")
    made.spawn()
    held = made.hold_at_last()
    relaying = made.sessions()
    client = made.connect()
    asking = wait_for("a session", lambda: [
        pid for pid in made.sessions() if pid not in relaying])
    gate = sockets(made.gate())
    for pids, count in ((relaying, 1), (asking, 2)):
        shared = [number for link, number in sockets(pids[0]).items()
                  if link in gate]
        expect("shared sockets", len(shared), count)
        if min(shared) < 128:
            raise Failure(f"shared sockets at {shared}")
    client.close()
    held.close()


@case
def case_titles(program):
    """What the manual says of ps(1) and pkill(1)."""
    made = service(program).start()
    first = made.connect(source=("127.0.0.2", 0))
    name = socks.text_of(first.getsockname())
    pid = wait_for("a session", made.sessions)[0]
    expect("title at first", command_line(pid).decode(), name)
    made.converse(first)
    target = f"127.0.0.1:{made.echo}"
    wait_for("title", lambda: command_line(pid).decode() ==
             f"{name} -> {target} ({target})")
    other = made.hold(source=("127.0.0.3", 0))
    os.system(r"pkill -f '^127\.0\.0\.2:'")
    made.wait_line("stopped client=127.0.0.2:")
    made.check_echo(other)


@case
def case_impatient(program):
    """Who sends SIGTERM again and again does not keep sessions alive."""
    made = service(program).start()
    held = made.hold()
    os.kill(made.sessions()[0], signal.SIGSTOP)

    def has_ended():
        os.kill(made.pid, signal.SIGTERM)
        return stat_of(made.pid)[0] == "Z"
    wait_for("its end", has_ended, 20)
    expect("status", wait_end(made.pid), 0)
    made.pid = None
    held.close()


@case
def case_claim_stopped(program):
    """SIGTERM while a session waits for the parent's answer."""
    made = service(program, "max-sessions-per-user 5", "auth password")
    passwords = made.path("passwords")
    made.write(passwords, "alice:$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/\n")
    made.write(made.config, f"auth password\npassword-file {passwords}\n"
               f"max-sessions-per-user 2\n{ALLOW}\n")
    made.start()
    os.kill(made.pid, signal.SIGSTOP)
    try:
        with made.connect() as client:
            client.sendall(b"\5\1\2\1\5alice\x08password" + socks.request(
                "127.0.0.1", made.echo))
            octets = streams.receive_exactly(client, 4)
            expect("login", octets, b"\5\2\1\0")
            session = wait_for("a session", made.sessions)[0]
            # Behind the request it waits for nothing but the answer.
            wait_for("its wait", lambda: all(
                stat_of(session)[0] == "S" and not time.sleep(0.01)
                for _ in range(5)))
            os.kill(session, signal.SIGTERM)
            made.wait_line('^.*stopped client=.* reason="stopped by SIGTERM"$')
    finally:
        os.kill(made.pid, signal.SIGCONT)


@case
def case_claim_twice(program):
    """A session that asks the parent for a second user, or says anything else,
    is killed."""
    made = service(program, "max-sessions-per-user 5").start()
    claim = b"u" + struct.pack("!I", 5) + b"=alice"
    for count, messages in enumerate(((claim, claim), (b"w",), (b"junk",)),
                                     1):
        client = made.connect()
        session = wait_for("a session", made.sessions)[0]
        # What the session could send, sent in its name: SCM_CREDENTIALS of
        # root may say any pid.
        claims = claims_socket(made.gate())
        for message in messages:
            claims.sendmsg([message], [(
                socket.SOL_SOCKET, socket.SCM_CREDENTIALS,
                struct.pack("iii", session, NOBODY, NOBODY))])
        made.wait_line('reason="ended by SIGKILL"', count)
        client.close()
    # And a stranger's message does nothing.
    for octets in (b"", b"u", b"x" * 900, b"g" * 801, b"u\0\0\0\0=x"):
        claims.send(octets)
    expect("answer", made.answer(), 0)


def claims_socket(pid):
    """The gate's end: the only datagram socket that it has."""
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    for number in map(int, os.listdir(f"/proc/{pid}/fd")):
        handle = libc.syscall(434, pid, 0)
        fd = libc.syscall(438, handle, number, 0)
        os.close(handle)
        if fd < 0:
            raise Failure(os.strerror(ctypes.get_errno()))
        with contextlib.suppress(OSError):
            sock = socket.socket(fileno=os.dup(fd))
            if sock.family == socket.AF_UNIX and \
                    sock.type == socket.SOCK_DGRAM:
                return sock
    raise Failure("no claims socket")


def run(name, function, *arguments):
    """The case's status."""
    try:
        function(*arguments)
        return 0
    except (Failure, OSError, EOFError, IndexError) as failure:
        print(f"{name}: {failure}")
        for made in SERVICES:
            print(made.text(), end="")
        sys.stdout.flush()
        return 1
    finally:
        for made in SERVICES:
            made.clean()


def main():
    program, name = sys.argv[1], sys.argv[2]
    sys.exit(run(name, CASES[name], program, *sys.argv[3:]))


if __name__ == "__main__":
    main()

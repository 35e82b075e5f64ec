#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Faults, injected into sessions of every kind, and judged.

    faults.py [--table FILE] [--share N] [--only KIND[:PLAN]] INJECT HANDLER...

A session of each KIND is run once to see which system calls it makes.  Then it
is run again for each call and each thing that may happen there (PLANS below):
an errno, less than was asked for, a signal, a pause; and under limits and in
bad directories.  --share N takes every Nth of these alone, the same each time.

Peers behave; what came of a session is judged by RULES, from what the client
and the server saw, the record and the exit status.  One line for each case
that broke a rule; status 1 if there was one.  --table writes what was injected
and what came out into a page, between BEGIN and END.  Needs root.
"""
import argparse
import collections
import concurrent.futures
import errno
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "peers"))
sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "cases"))
import handshake
import socks

DEADLINE = 25.0  # for a whole session; each of its timeouts is 2 s
UP = bytes(range(256)) * 12
DOWN = bytes(range(255, -1, -1)) * 20
BULK = bytes(range(251)) * 4000
NAME = "server.test"
NOBODY = 65534
ADDRESS_ASSOCIATE = 8
# crypt("secret", "$6$rounds=1000$salt$")
HASH = ("$6$rounds=1000$salt$HNxBeBnDfSfUrTj6KiLnmd7tGCvHEmcExh8kl/S0cZ5WrCciN"
        "ZgfhbpkeFQ4JfkHX.8vPq45lY0iINnCx1Lkm.")
OPTIONS = ("handshake-timeout 2s", "connect-timeout 2s", "idle-timeout 2s",
           "half-closed-timeout 2s", "bind-timeout 2s", "log-to stderr",
           "user nobody", "allow all at loopback",
           "allow bind at loopback", "log-level debug")

# What a call may plausibly fail with.
ERRORS = {
    "accept4": "EMFILE ENOMEM ECONNABORTED",
    "bind": "EADDRINUSE EACCES",
    "brk": "ENOMEM",
    "capset": "EPERM",
    "close": "EIO",
    "connect": "ECONNREFUSED ENETUNREACH EADDRNOTAVAIL ENOBUFS",
    "fallocate": "ENOSPC EIO",
    "fcntl": "EINVAL ENOLCK",
    "fstat": "EIO",
    "ftruncate": "EIO",
    "getrandom": "ENOSYS EAGAIN",
    "getsockname": "ENOBUFS",
    "getsockopt": "ENOBUFS EINVAL",
    "ioctl": "EINVAL",
    "landlock_add_rule": "ENOMEM",
    "landlock_create_ruleset": "ENOSYS ENOMEM",
    "landlock_restrict_self": "E2BIG",
    "linkat": "ENOSPC EPERM",
    "listen": "EADDRINUSE",
    "mkdir": "EACCES",
    "mmap": "ENOMEM",
    "munmap": "EINVAL",
    "newfstatat": "EIO EACCES",
    "openat": "EACCES EMFILE EIO",
    "pipe2": "EMFILE ENFILE",
    "ppoll": "ENOMEM EINTR",
    "prctl": "EINVAL EPERM",
    "pread64": "EIO",
    "prlimit64": "EPERM",
    "pwrite64": "ENOSPC",
    "read": "EIO",
    "recvfrom": "ENOMEM ECONNRESET ETIMEDOUT",
    "rt_sigaction": "EINVAL",
    "seccomp": "ENOMEM EINVAL",
    "sendto": "ENOBUFS EPIPE ECONNRESET",
    "setgid": "EPERM",
    "setgroups": "EPERM",
    "setresgid": "EPERM",
    "setresuid": "EAGAIN",
    "setsockopt": "ENOBUFS",
    "setuid": "EAGAIN",
    "shutdown": "ENOTCONN",
    "socket": "EMFILE ENFILE ENOBUFS",
    "splice": "ENOMEM EIO",
    "unlinkat": "EACCES",
    "write": "ENOSPC EIO",
    "writev": "EPIPE",
}
LASTING = {"brk", "mmap", "ppoll", "socket", "openat", "seccomp", "setsockopt",
           "fcntl", "recvfrom", "pipe2", "splice"}
SHORT = {"recvfrom", "sendto", "read", "pread64", "splice", "write"}
SIGNALS = (signal.SIGTERM, signal.SIGKILL)
PAUSED = {"ppoll", "connect", "sendto", "shutdown"}

# Of a session whose peers behave, the record may not blame them.
BLAMES = {"auth-failed", "bad-request", "not-socks", "bad-proxy-header",
          "handshake-timeout", "denied"}
SERVED = {"ok", "reset", "timeout", "stopped", "error"}


# Between these lines of the file stands what --table writes.
BEGIN = "<!-- make faults -->"
END = "<!-- end -->"


class View:
    """What was seen of one session."""

    def __init__(self):
        self.stage = ""        # how far the client came, as it sees it
        self.rep = None        # of the last reply
        self.client = b""      # what it got behind that
        self.client_end = ""   # fin, reset, open
        self.server = None     # what the server got; None: nobody came
        self.server_end = ""
        self.up = b""          # what was meant to arrive there
        self.down = b""        # and here
        self.plan = ""
        self.status = None     # of the exit; minus the signal
        self.record = None     # its result
        self.text = ""
        self.hangs = False
        self.files = []


class Stop(Exception):
    """A peer has nothing more to do."""


def receive(sock, count):
    octets = b""
    while len(octets) < count:
        got = sock.recv(count - len(octets))
        if not got:
            raise Stop
        octets += got
    return octets


def end_of(error):
    """What a socket's error says of the other end; it says so once."""
    gone = isinstance(error, ConnectionError) or error.errno == errno.ENOTCONN
    return "reset" if gone else "open"


def drain(sock):
    """All that still comes, and how it ends."""
    octets = []
    try:
        while True:
            got = sock.recv(65536)
            if not got:
                return b"".join(octets), "fin"
            octets.append(got)
    except ConnectionError:
        return b"".join(octets), "reset"
    except (TimeoutError, socket.timeout):
        return b"".join(octets), "open"


class Case:
    """One session of a kind, its peers and its handler."""

    def __init__(self, kind, program, inject, plan, setting):
        self.view = View()
        self.kind = kind
        self.plan = plan
        self.setting = setting
        self.inject = inject
        self.program = program
        self.threads = []
        self.closing = []
        self.state = tempfile.mkdtemp(prefix="faults-")
        os.chown(self.state, NOBODY, NOBODY)
        self.log = tempfile.TemporaryFile()
        self.report = tempfile.NamedTemporaryFile()
        self.options = list(OPTIONS) + [f"state-dir {self.state}"]

    def listener(self, host="127.0.0.1"):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.create_server((host, 0), family=family)
        sock.settimeout(DEADLINE)
        self.closing.append(sock)
        return sock, sock.getsockname()[1]

    def start(self, *options, gate="127.0.0.1"):
        with handshake.gate_listener(gate) as listener:
            self.client = socket.create_connection(
                listener.getsockname()[:2])
            ours, _ = listener.accept()
        self.client.settimeout(DEADLINE)
        self.closing.append(self.client)
        words = [self.program]
        for option in (*self.options, *options):
            words += ["-o", option]
        command = [self.inject, self.report.name]
        if self.plan:
            command.append(self.plan)
        self.process = subprocess.Popen(
            [*command, *self.setting, *words], stdin=ours, stdout=ours,
            stderr=self.log)
        ours.close()

    # ------------------------------------------------------------ peers

    def serve(self, listener, script):
        """A server that takes one connection and plays its script."""

        def run():
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            peer.settimeout(DEADLINE)
            listener.close()
            self.play(peer, script)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.threads.append(thread)

    def play(self, peer, script):
        self.view.server = b""
        try:
            script(peer)
            rest, self.view.server_end = drain(peer)
            self.view.server += rest
        except Stop:
            self.view.server_end = "fin"
        except OSError as error:
            self.view.server_end = end_of(error)
        peer.close()

    def answers(self, down):
        """Reads to the FIN, then sends that and ends."""

        def script(peer):
            self.view.server, end = drain(peer)
            if end != "fin":
                raise ConnectionResetError
            peer.sendall(down)
            peer.shutdown(socket.SHUT_WR)

        return script

    def greet(self, greeting=socks.GREETING, answer=b"\5\0"):
        self.view.stage = "method"
        self.client.sendall(greeting)
        if receive(self.client, 2) != answer:
            raise Stop

    def reply(self):
        head = receive(self.client, 4)
        rest = receive(self.client, (6 if head[3] == 1 else 18))
        self.view.rep = head[1]
        if head[1] != 0:
            raise Stop
        return rest

    def request(self, host, port, form="ip", command=socks.CONNECT):
        self.view.stage = "request"
        self.client.sendall(socks.request(host, port, form, command))
        return self.reply()

    def exchange(self, up):
        self.view.stage = "relay"
        self.client.sendall(up)
        self.client.shutdown(socket.SHUT_WR)

    def finish(self, was_reset):
        """The ends of both, the record and the exit."""
        rest, end = (b"", "reset") if was_reset else drain(self.client)
        self.view.client = re.sub(rb"Mode \([0-9,]+\)\.?",
                                  b"Mode (ALIAS)", self.view.client + rest)
        self.view.client_end = end
        self.client.close()
        try:
            self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.view.hangs = True
            self.process.kill()
            self.process.wait()
        for sock in self.closing:
            sock.close()
        for thread in self.threads:
            thread.join(DEADLINE)

    def run(self):
        view = self.view
        view.plan = self.plan
        try:
            KINDS[self.kind](self)
            self.finish(False)
        except Stop:
            self.finish(False)
        except OSError as error:
            self.finish(end_of(error) == "reset")
        self.log.seek(0)
        view.text = self.log.read().decode(errors="replace")
        results = re.findall(r"socks64\[\d+\]: ([a-z-]+) client=", view.text)
        view.record = results[-1] if results else None
        view.records = len([r for r in results if r != "peer"])
        calls = open(self.report.name, encoding="ascii").read().split("\n")
        for line in calls:
            if line.startswith("exit "):
                view.status = int(line.split()[1])
            elif line.startswith("signal "):
                view.status = -int(line.split()[1])
        view.calls = [tuple(line.split()) for line in calls
                      if line and not line.startswith(("exit", "signal"))]
        if "for want of an alias" in view.text:
            view.up = view.down = None  # the dialogue goes another way
        view.files = sorted(os.listdir(self.state))
        subprocess.run(["rm", "-rf", self.state], check=True)
        self.log.close()
        self.report.close()
        return view


# ------------------------------------------------------------------ kinds

def relayed(case, up, down):
    case.view.up, case.view.down = up, down
    case.exchange(up)


def connect(case, up=UP, down=DOWN, host="127.0.0.1", form="ip", **how):
    listener, port = case.listener("::1" if form == "name" else host)
    case.serve(listener, case.answers(down))
    case.start(*how.get("options", ()))
    case.greet()
    case.request(NAME if form == "name" else host, port, form)
    relayed(case, up, down)


def ipv6(case):
    connect(case, host="::1")


def bulk(case):
    connect(case, BULK, BULK)


def serve_names(sock):
    """AAAA of anything is ::1, and there is no A."""
    while True:
        try:
            query, peer = sock.recvfrom(2000)
        except OSError:
            return
        kind = query[-4:-2] if query[10:12] == b"\0\0" else None
        question = query[12:query.index(b"\0", 12) + 5]
        kind = question[-4:-2]
        answers = b""
        if kind == b"\0\x1c":
            answers = (b"\xc0\x0c" + question[-4:] + struct.pack("!IH", 60, 16)
                       + socket.inet_pton(socket.AF_INET6, "::1"))
        sock.sendto(query[:2] + b"\x81\x80\0\1" +
                    (b"\0\1" if answers else b"\0\0") + b"\0\0\0\0" +
                    question + answers, peer)


def name(case):
    connect(case, form="name", options=(f"resolver 127.0.0.1:{DNS}",))


def associate(case):
    """A dedicated ADDRESS ASSOCIATE for the IPv6 address of a name."""
    case.start("address-id on", f"resolver 127.0.0.1:{DNS}")
    case.greet()
    case.request(NAME, 4, "name", ADDRESS_ASSOCIATE)
    case.client.shutdown(socket.SHUT_WR)


def bind(case):
    case.start()
    case.greet()
    rest = case.request("127.0.0.1", 0, command=socks.BIND)
    port = struct.unpack("!H", rest[-2:])[0]
    peer = socket.create_connection(("127.0.0.1", port), DEADLINE)
    thread = threading.Thread(target=case.play,
                              args=(peer, case.answers(DOWN)), daemon=True)
    thread.start()
    case.threads.append(thread)
    case.view.rep = None
    case.reply()
    relayed(case, UP, DOWN)


def udp(case):
    case.start()
    case.greet()
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.bind(("127.0.0.1", 0))
    ours = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ours.bind(("127.0.0.1", 0))
    case.closing += [peer, ours]
    rest = case.request("0.0.0.0", 0, command=socks.UDP_ASSOCIATE)
    where = ("127.0.0.1", struct.unpack("!H", rest[-2:])[0])
    head = b"\0\0\0\1\x7f\0\0\1" + struct.pack("!H", peer.getsockname()[1])
    case.view.stage = "datagrams"
    for sock in (peer, ours):
        sock.settimeout(0.3)
    for _ in range(3):
        ours.sendto(head + UP[:500], where)
        try:
            octets, back = peer.recvfrom(2000)
            if octets != UP[:500]:
                raise Wrong("another datagram arrived")
            peer.sendto(DOWN[:500], back)
            if ours.recv(2000) != head + DOWN[:500]:
                raise Wrong("another datagram came back")
        except (TimeoutError, ConnectionError):
            pass  # datagrams may be lost
    case.client.shutdown(socket.SHUT_WR)


def line(sock):
    octets = b""
    while not octets.endswith(b"\r\n"):
        octets += receive(sock, 1)
    return octets


class Wrong(Exception):
    """Octets that nobody sent."""


def lines(case, peer, dialogue):
    """Of an FTP server."""
    peer.sendall(b"220 ready\r\n")
    for command, answer in dialogue:
        got = receive(peer, len(command))
        case.view.server += got
        if got != command:
            raise Stop
        peer.sendall(answer)
    peer.shutdown(socket.SHUT_WR)


def ftp(case, dialogue, spoken, host="::1"):
    """dialogue: the server's; spoken: the client's commands and what it is to
    get."""
    listener, port = case.listener(host)
    case.serve(listener, lambda peer: lines(case, peer, dialogue))
    case.start(f"ftp-port {port}")
    case.greet()
    case.request(host, port)
    case.view.stage = "relay"
    case.view.up = b"".join(command for command, _ in dialogue)
    case.view.down = b"220 ready\r\n" + b"".join(a for _, a in spoken)
    case.view.client += line(case.client)
    for command, _ in spoken:
        case.client.sendall(command)
        case.view.client += line(case.client)
    case.client.shutdown(socket.SHUT_WR)


LOGIN = ((b"USER u\r\n", b"331 more\r\n"), (b"PASS p\r\n", b"230 in\r\n"))
QUIT = ((b"QUIT\r\n", b"221 bye\r\n"),)


def ftp_translated(case):
    """The data connection's address is the gateway's to choose."""
    alias = b"227 Entering Passive Mode (ALIAS)\r\n"
    ftp(case, LOGIN + ((b"EPSV\r\n", b"229 Ok (|||51201|)\r\n"),) + QUIT,
        LOGIN + ((b"PASV\r\n", alias),) + QUIT)


def ftp_watched(case):
    ftp(case, LOGIN + QUIT, LOGIN + QUIT, "127.0.0.1")


def login(case):
    listener, port = case.listener()
    case.serve(listener, case.answers(DOWN))
    path = os.path.join(case.state, "passwords")
    with open(path, "w", encoding="ascii") as file:
        file.write("alice:" + HASH + "\n")
    os.chmod(path, 0o600)
    os.chown(path, NOBODY, NOBODY)
    case.start("auth password", f"password-file {path}")
    case.greet(b"\5\1\2", b"\5\2")
    case.view.stage = "login"
    case.client.sendall(b"\1\5alice\6secret")
    if receive(case.client, 2) != b"\1\0":
        raise Stop
    case.request("127.0.0.1", port)
    relayed(case, UP, DOWN)


def proxied(case):
    listener, port = case.listener()
    case.serve(listener, case.answers(DOWN))
    case.start("proxy-protocol-from loopback")
    case.client.sendall(b"PROXY TCP4 127.0.0.7 127.0.0.1 40000 1080\r\n")
    case.greet()
    case.request("127.0.0.1", port)
    relayed(case, UP, DOWN)


def chain(case):
    """The next gateway is one of ours, too, that nothing happens to."""
    listener, port = case.listener()
    case.serve(listener, case.answers(DOWN))
    hop, where = case.listener()

    def run():
        try:
            connection, _ = hop.accept()
        except OSError:
            return
        with connection:
            words = [case.program]
            for option in OPTIONS:
                words += ["-o", option]
            subprocess.run(words, stdin=connection, stdout=connection,
                           stderr=subprocess.DEVNULL, check=False)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    case.threads.append(thread)
    case.options.remove("allow all at loopback")
    case.start(f"allow all at loopback via 127.0.0.1:{where}")
    case.greet()
    case.request("127.0.0.1", port)
    relayed(case, UP, DOWN)


def socks4(case):
    listener, port = case.listener()
    case.serve(listener, case.answers(DOWN))
    case.start("socks4 on")
    case.view.stage = "request"
    case.client.sendall(socks.request4("127.0.0.1", port))
    answer = receive(case.client, 8)
    case.view.rep = 0 if answer[1] == 90 else 1
    if answer[1] != 90:
        raise Stop
    relayed(case, UP, DOWN)


def refused(case):
    case.start()
    case.greet()
    case.request("192.168.77.1", 80)


def unreached(case):
    """Nobody listens there."""
    listener, port = case.listener()
    listener.close()
    case.start()
    case.greet()
    case.request("127.0.0.1", port)


def idle(case):
    """Silence, which idle-timeout ends."""
    listener, port = case.listener()
    case.serve(listener, lambda peer: None)
    case.start()
    case.greet()
    case.request("127.0.0.1", port)
    case.view.up = case.view.down = None  # nothing is meant to be whole


KINDS = {kind.__name__.replace("_", "-"): kind for kind in (
    connect, ipv6, bulk, name, associate, bind, udp, ftp_translated,
    ftp_watched, login, proxied, chain, socks4, refused, unreached, idle)}
EXPECTED = {"refused": {"denied"}, "idle": {"timeout"},
            "unreached": {"connect-failed"}}


# ------------------------------------------------------------------ rules

def is_cut(got, whole, end):
    """Octets are missing, and the end says that all was there."""
    return (got is not None and whole is not None and end == "fin" and
            len(got) < len(whole))


def killed(view):
    return view.plan.endswith(f"signal={int(signal.SIGKILL)}")


def of_the_log(view):
    """Was it the record's own call that failed, or one that looks whether
    standard error is of use?  The log is a file."""
    return (view.plan.startswith(("write:", "setitimer:", "newfstatat:")) or
            view.setting == "files of nothing")


def of_lingering(view):
    return view.plan.startswith("setsockopt:")


def ends(view):
    if view.hangs:
        return "it hangs"
    if view.status is not None and view.status < 0 and not killed(view):
        return f"killed by signal {-view.status}"
    return None


def says(view):
    if killed(view) or of_the_log(view) or view.hangs:
        return None
    if view.record is None and view.status in (0, None):
        return "no record"
    if view.records > 1:
        return "two records"
    return None


def agrees(view):
    if killed(view) or of_the_log(view) or view.record is None or view.hangs:
        return None
    if (view.record == "error") != (view.status == 71):
        return f"record {view.record}, status {view.status}"
    if view.rep == 0 and view.record not in SERVED:
        return f"the client was told of success, the record says {view.record}"
    if view.rep and view.record in ("ok", "reset"):
        return f"the client was refused, the record says {view.record}"
    return None


def is_whole(view):
    if view.record != "ok" or view.up is None:
        return None
    if view.server is not None and view.server != view.up:
        return f"ok, and the server got {len(view.server)} of {len(view.up)}"
    if view.rep == 0 and view.down and view.client != view.down:
        return f"ok, and the client got {len(view.client)} of {len(view.down)}"
    return None


def is_true(view):
    """No octets in the wrong place, and what is cut does not look whole."""
    if view.up and view.server and not view.up.startswith(view.server):
        return "other octets at the server"
    if view.rep == 0 and view.down and not view.down.startswith(view.client):
        return "other octets at the client"
    if of_lingering(view):
        return None
    if is_cut(view.server, view.up, view.server_end) and view.client_end:
        if view.rep == 0 or view.server:
            return "what was cut looks whole to the server"
    if view.rep == 0 and is_cut(view.client, view.down, view.client_end):
        return "what was cut looks whole to the client"
    return None


def blames_nobody(view):
    wanted = EXPECTED.get(view.kind, set())
    if view.record in BLAMES - wanted:
        return f"the record blames the client: {view.record}"
    return None


def stops_for_sigterm(view):
    if view.record == "stopped" and ":signal=" not in view.plan:
        return "stopped, though nobody sent SIGTERM"
    return None


def leaves_nothing(view):
    left = [file for file in view.files
            if file not in ("associations", "passwords")]
    if left and not view.plan.startswith("unlinkat:"):
        return f"left behind: {left}"
    return None


RULES = (ends, says, agrees, is_whole, is_true, blames_nobody,
         stops_for_sigterm, leaves_nothing)


def judge(view):
    return [complaint for complaint in (rule(view) for rule in RULES)
            if complaint]


# ------------------------------------------------------------------ plans

def plans(calls):
    """Everything that may happen at the calls of a session."""
    for call, nth in calls:
        at = f"{call}:{nth}"
        for word in ERRORS.get(call, "").split():
            yield f"{at}:error={getattr(errno, word)}"
            if call in LASTING and nth == "1" and word != "EINTR":
                yield f"{at}:errors={getattr(errno, word)}"
        if call in SHORT:
            yield f"{at}:short=1"
        for number in SIGNALS:
            yield f"{at}:signal={int(number)}"
        if call in PAUSED:
            yield f"{at}:pause=100"


SETTINGS = {
    "no descriptor but 3": ["prlimit", "--nofile=3"],
    "6 descriptors": ["prlimit", "--nofile=6"],
    "8 descriptors": ["prlimit", "--nofile=8"],
    "24 MiB of memory": ["prlimit", "--as=25165824"],
    "8 MiB of memory": ["prlimit", "--as=8388608"],
    "files of 4 KiB": ["prlimit", "--fsize=4096"],
    "files of nothing": ["prlimit", "--fsize=0"],
    "a core of everything": ["prlimit", "--core=unlimited"],
    "no more processes": ["prlimit", "--nproc=1"],
}


def run_case(kind, program, inject, plan, setting=""):
    view = Case(kind, program, inject, plan, SETTINGS.get(setting, [])).run()
    view.kind = kind
    view.setting = setting
    view.program = os.path.basename(program)
    return view


def cases(options):
    """All (kind, program, plan, setting), from one run of each kind."""
    for program in options.handlers:
        for kind in KINDS:
            if options.only and kind != options.only.split(":")[0]:
                continue
            view = run_case(kind, program, options.inject, "")
            wanted = EXPECTED.get(kind, {"ok"})
            complaints = judge(view)
            if view.record not in wanted or complaints:
                raise SystemExit(f"{kind}: without a fault: {view.record} "
                                 f"{complaints} {view.text}")
            for plan in plans(view.calls):
                yield kind, program, plan, ""
            for setting in SETTINGS:
                yield kind, program, "", setting


def is_chosen(index, options):
    return index % options.share == 0


def machine():
    """Its kind: processors, memory, kernel."""
    with open("/proc/meminfo", encoding="ascii") as file:
        kilobytes = int(file.readline().split()[1])
    return (f"{os.cpu_count()} processors, {kilobytes >> 20} GiB, Linux "
            f"{os.uname().release.split('-')[0]} ({os.uname().machine})")


def write_table(options, counts, broken, took):
    path, share = options.table, options.share
    rows = collections.defaultdict(collections.Counter)
    for (kind, how, outcome), count in counts.items():
        rows[kind, how][outcome] += count
    outcomes = sorted({outcome for _, _, outcome in counts})
    with open(path, "r+", encoding="ascii") as file:
        before, _, rest = file.read().partition(BEGIN)
        _, _, behind = rest.partition(END)
        file.seek(0)
        file.truncate()
        file.write(before + BEGIN + "\n" + time.strftime(
            "%Y-%m-%d, ", time.gmtime()) + machine() +
                   f". make faults FAULTS={share}: one of {share} faults.\n\n")
        file.write("| session | fault | cases | " + " | ".join(outcomes) +
                   " |\n" + "| --- " * (len(outcomes) + 3) + "|\n")
        for (kind, how), row in sorted(rows.items()):
            file.write(f"| {kind} | {how} | {sum(row.values())} | " +
                       " | ".join(str(row[o] or "") for o in outcomes) +
                       " |\n")
        file.write(f"\n{sum(counts.values())} cases in {took:.0f} s; "
                   f"{broken} broke a rule.\n" + END + behind)


def fault_of(view):
    if view.setting:
        return "limits"
    how = view.plan.split(":")[2].split("=")
    if how[0] == "signal":
        return signal.Signals(int(how[1])).name
    return {"error": "errno", "errors": "errno for ever",
            "short": "short", "pause": "pause"}[how[0]]


def main():
    global DNS
    parser = argparse.ArgumentParser()
    parser.add_argument("--table")
    parser.add_argument("--share", type=int, default=1)
    parser.add_argument("--only")
    parser.add_argument("--jobs", type=int, default=2 * os.cpu_count())
    parser.add_argument("inject")
    parser.add_argument("handlers", nargs="+")
    options = parser.parse_args()
    began = time.monotonic()
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind(("127.0.0.1", 0))
    DNS = names.getsockname()[1]
    threading.Thread(target=serve_names, args=(names,), daemon=True).start()
    chosen = [case for i, case in enumerate(cases(options))
              if is_chosen(i, options)]
    if options.only and ":" in options.only:
        plan = options.only.split(":", 1)[1]
        chosen = [case for case in chosen if plan in case[2:]]
    counts = collections.Counter()
    broken = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        running = [pool.submit(run_case, kind, program, options.inject, plan,
                               setting)
                   for kind, program, plan, setting in chosen]
        for future in concurrent.futures.as_completed(running):
            view = future.result()
            counts[view.kind, fault_of(view), view.record or "none"] += 1
            complaints = judge(view)
            if complaints:
                broken += 1
                print(f"{view.program} {view.kind} "
                      f"{view.plan or view.setting}: {'; '.join(complaints)}"
                      f" (stage {view.stage}, REP {view.rep}, status "
                      f"{view.status}) {view.text[-300:]!r}", flush=True)
    took = time.monotonic() - began
    print(f"{sum(counts.values())} cases in {took:.0f} s, {broken} broken")
    if options.table:
        write_table(options, counts, broken, took)
    sys.exit(broken != 0)


main()

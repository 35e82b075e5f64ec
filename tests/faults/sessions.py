# SPDX-License-Identifier: ISC
"""Sessions of every kind, with peers that behave.

Case(...).run() is one session, from a started handler to its end, in a Place
(place.py); what the peers saw is a View (rules.py).  KINDS has the kinds.
"""
import contextlib
import errno
import os
import re
import select
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
from place import (NAME, NOBODY, NOTIFY, TCP_PORT, make_file)
from rules import View, is_service
from settings import arrange

DEADLINE = 30.0  # for a whole session; each of its timeouts is shorter
PATIENCE = 6.0   # of who comes to a service behind a session that failed
UP = bytes(range(256)) * 12
DOWN = bytes(range(255, -1, -1)) * 20
BULK = bytes(range(251)) * 4000
GATE_PORT = 1080
LIST = f"{NAME}\n.example.org\n192.0.2.0/24\n"
ADDRESS_ASSOCIATE, BY_ID = 8, 8
# crypt("secret", "$6$rounds=1000$salt$")
HASH = ("$6$rounds=1000$salt$HNxBeBnDfSfUrTj6KiLnmd7tGCvHEmcExh8kl/S0cZ5WrCciN"
        "ZgfhbpkeFQ4JfkHX.8vPq45lY0iINnCx1Lkm.")
OPTIONS = ("handshake-timeout 5s", "connect-timeout 5s", "idle-timeout 5s",
           "half-closed-timeout 5s", "bind-timeout 5s", "user nobody",
           "allow all at loopback", "allow bind at loopback",
           "log-level debug")
RECORD = re.compile(r"(?:socks64\[\d+\]: |<\d+>|MESSAGE=)([a-z-]+) "
                    r"client=(\S+) ")
NO_ENDS = {"peer", "open", "refused"}  # records of no session's end
# The connection is fd 3, as systemd passes it.
AS_THIRD = ("sh", "-c", 'exec "$0" "$@" 3<&0 </dev/null')


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


def line(sock):
    octets = b""
    while not octets.endswith(b"\r\n"):
        octets += receive(sock, 1)
    return octets


def release(sock):
    """So that whoever waits for it in another thread does so no more."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


def in_background(target, *arguments):
    thread = threading.Thread(target=target, args=arguments, daemon=True)
    thread.start()
    return thread


class Handler:
    """How one is started, and what it left."""

    def __init__(self, inject, program, plan):
        self.inject = inject
        self.program = program
        self.plan = plan
        self.traced = True
        self.signal = None      # (number, seconds from the start)
        self.prefix = []        # what runs the program
        self.environment = {}
        self.words = []         # that are no options
        self.report = tempfile.NamedTemporaryFile(dir="/run")
        self.log = tempfile.TemporaryFile(dir="/run")
        self.stderr = self.log
        self.process = None

    def command(self, options):
        words = [word for option in options for word in ("-o", option)]
        return [self.inject, self.report.name if self.traced else "-",
                *([self.plan] if self.plan else []), *self.prefix,
                self.program, *words, *self.words]

    def start(self, options, connection, inherited, wrapper=(), out=None):
        self.process = subprocess.Popen(
            [*wrapper, *self.command(options)], stdin=connection,
            stdout=out or connection, stderr=self.stderr,
            pass_fds=(inherited,),
            env={**os.environ, **self.environment})
        if self.signal:
            in_background(self.disturb, *self.signal)

    def disturb(self, number, seconds):
        time.sleep(seconds)  # a moment, whatever happens then
        self.process.send_signal(number)
        if number == signal.SIGSTOP:
            time.sleep(0.3)
            self.process.send_signal(signal.SIGCONT)

    def run_once(self, connection, options):
        """A session of its own, to which nothing happens."""
        words = [word for option in options for word in ("-o", option)]
        subprocess.run([self.program, *words], stdin=connection,
                       stdout=connection, stderr=subprocess.DEVNULL,
                       check=True)

    def wait(self):
        """False: it had to be killed."""
        try:
            self.process.wait(DEADLINE)
            return True
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return False

    def read_report(self, view):
        if not self.traced:
            view.status = self.process.returncode
            return
        with open(self.report.name, encoding="ascii") as file:
            lines = [text.split(None, 2) for text in file]
        for word, number, *rest in lines:
            value = rest[0].strip()
            if word == "call":
                view.calls.append((number, *value.split()))
            elif word == "fd":
                view.held.append(value)
            elif number == "0":
                view.status = int(value) * (-1 if word == "signal" else 1)
            elif word == "signal" and int(value) not in (
                    signal.SIGKILL, signal.SIGTERM):
                view.wrong = f"process {number} got signal {value}"

    def said(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def text(self):
        """What it logged there."""
        return self.said().replace("starved\n", "")

    def close(self):
        self.report.close()
        self.log.close()


class Case:
    """One session of a kind, its peers and its handler."""

    def __init__(self, place, kind, handler, setting):
        self.view = View()
        self.view.kind, self.view.plan = kind, handler.plan
        self.view.setting = setting
        self.place = place
        self.handler = handler
        self.threads = []
        self.closing = []
        self.undo = []
        self.client = None
        self.next = None  # of a service: whom the next session asks for
        self.login_file = "passwords"
        self.state = tempfile.mkdtemp(prefix="faults-", dir="/run")
        os.chown(self.state, NOBODY, NOBODY)
        self.inherited = open(make_file(
            os.path.join(self.state, "inherited"), ""), "rb")
        self.sink = "stderr"
        self.options = [*OPTIONS, f"state-dir {self.state}"]
        arrange(self, setting)

    def listener(self, host="127.0.0.1", port=0):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.create_server((host, port), family=family)
        sock.settimeout(DEADLINE)
        self.closing.append(sock)
        return sock, sock.getsockname()[1]

    def gate(self, unix=False):
        """A client's connection; returns the gateway's end of it."""
        if unix:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(os.path.join(self.state, "gate"))
            listener.listen()
            os.chmod(listener.getsockname(), 0o666)
        else:
            listener = socket.create_server(("127.0.0.1", GATE_PORT))
        with listener:
            self.reach(listener.getsockname())
            ours, _ = listener.accept()
        if unix:
            os.unlink(os.path.join(self.state, "gate"))
        return ours

    def reach(self, where):
        family = socket.AF_UNIX if isinstance(where, str) else socket.AF_INET
        self.client = socket.socket(family)
        self.closing.append(self.client)
        self.client.settimeout(DEADLINE)
        self.client.connect(where)

    def start(self, *options, unix=False, wrapper=()):
        with self.gate(unix) as ours:
            self.launch(options, ours, wrapper)

    def launch(self, options, connection, wrapper=()):
        self.handler.start(
            [f"log-to {self.sink}", *self.options, *options], connection,
            self.inherited.fileno(), wrapper)

    def own_file(self, name, text):
        """For the user that sessions are of."""
        path = make_file(os.path.join(self.state, name), text, 0o600)
        os.chown(path, NOBODY, NOBODY)
        return path

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

        self.threads.append(in_background(run))

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
        rest = receive(self.client, (18 if head[3] == 4 else 6))
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

    # ------------------------------------------------------------ the end

    def finish(self, was_reset):
        """The ends of both, the record and the exit."""
        if self.client is None:  # nobody listened
            self.client = socket.socket()
        rest, end = (b"", "reset") if was_reset else drain(self.client)
        view = self.view
        view.client = re.sub(rb"Mode \([0-9,]+\)\.?", b"Mode (ALIAS)",
                             view.client + rest)
        view.client_end = end
        name = self.client_name()
        self.client.close()
        if self.next:
            view.next = self.next()
            self.handler.process.terminate()
        view.hangs = not self.handler.wait()
        for sock in self.closing:
            release(sock)
        for thread in self.threads:
            thread.join(DEADLINE)
        self.read_records(name)

    def client_name(self):
        try:
            return socks.text_of(self.client.getsockname())
        except OSError:
            return None

    def read_records(self, name):
        view = self.view
        view.text = self.handler.text() + self.place.take()
        results = [result for result, client in RECORD.findall(view.text)
                   if result not in NO_ENDS and
                   (not is_service(view) or client == name)]
        view.record = results[-1] if results else None
        view.records = len(results)
        self.handler.read_report(view)
        if "for want of an alias" in view.text or (
                "files of" in view.setting and b"NOOP" in (
                    view.server or b"")):  # what says so may be cut short
            view.up = view.down = None  # the dialogue goes another way
        view.files = sorted(os.listdir(self.state))

    def run(self, script):
        """script: of KINDS."""
        began = time.monotonic()
        try:
            script(self)
            self.finish(False)
        except Stop:
            self.finish(False)
        except OSError as error:
            if self.client is None:
                raise
            self.finish(end_of(error) == "reset")
        self.view.took = time.monotonic() - began
        for undo in reversed(self.undo):
            undo()
        self.inherited.close()
        self.handler.close()
        shutil.rmtree(self.state)
        return self.view


# ------------------------------------------------------------------ kinds

def relayed(case, up, down):
    case.view.up, case.view.down = up, down
    case.exchange(up)


def connect(case, *options, up=UP, down=DOWN, host="127.0.0.1", form="ip",
            **how):
    listener, port = case.listener("::1" if form == "name" else host)
    case.serve(listener, case.answers(down))
    case.start(*options, **how)
    case.greet()
    case.request(NAME if form == "name" else host, port, form)
    relayed(case, up, down)


def ipv6(case):
    connect(case, host="::1")


def bulk(case):
    connect(case, up=BULK, down=BULK)


def name(case):
    """By the system's own resolv.conf and hosts."""
    connect(case, form="name")


def name_by_tcp(case):
    """What UDP has no room for."""
    connect(case, f"resolver 127.0.0.1:{TCP_PORT}", form="name")


def associate(case):
    """A dedicated ADDRESS ASSOCIATE for the IPv6 address of a name."""
    case.start("address-id on")
    case.greet()
    case.request(NAME, 4, "name", ADDRESS_ASSOCIATE)
    case.client.shutdown(socket.SHUT_WR)


def by_id(case):
    """An ADDRESS ID for a name, and a CONNECT by it."""
    listener, port = case.listener("::1")
    case.serve(listener, case.answers(DOWN))
    case.start("address-id on")
    case.greet()
    given = case.request(NAME, 0, "name", ADDRESS_ASSOCIATE)[:4]
    case.view.rep = None
    case.client.sendall(bytes((5, socks.CONNECT, 0, BY_ID)) + given +
                        struct.pack("!H", port))
    case.reply()
    relayed(case, UP, DOWN)


def bind(case, expected="127.0.0.1", form="ip"):
    case.start()
    case.greet()
    rest = case.request(expected, 0, form, socks.BIND)
    port = struct.unpack("!H", rest[-2:])[0]
    host = "::1" if form == "name" else expected
    case.view.rep = None
    peer = socket.create_connection((host, port), DEADLINE)
    case.threads.append(in_background(case.play, peer, case.answers(DOWN)))
    case.reply()
    relayed(case, UP, DOWN)


def bind_name(case):
    bind(case, NAME, "name")


def datagrams(case, head, where, ours, peer):
    for sock in (peer, ours):
        sock.settimeout(0.3)
    for _ in range(3):
        ours.sendto(head + UP[:500], where)
        try:
            octets, back = peer.recvfrom(2000)
            if octets != UP[:500]:
                case.view.wrong = "another datagram arrived"
            peer.sendto(DOWN[:500], back)
            if ours.recv(2000) != head + DOWN[:500]:
                case.view.wrong = "another datagram came back"
        except (TimeoutError, ConnectionError):
            pass  # datagrams may be lost


def udp(case):
    case.start()
    case.greet()
    pair = []
    for _ in range(2):
        pair.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        pair[-1].bind(("127.0.0.1", 0))
    case.closing += pair
    rest = case.request("0.0.0.0", 0, command=socks.UDP_ASSOCIATE)
    where = ("127.0.0.1", struct.unpack("!H", rest[-2:])[0])
    head = b"\0\0\0\1\x7f\0\0\1" + struct.pack("!H",
                                               pair[0].getsockname()[1])
    case.view.stage = "datagrams"
    datagrams(case, head, where, pair[1], pair[0])
    case.client.shutdown(socket.SHUT_WR)


def udp_chain(case):
    next_hop(case)
    udp(case)


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


def transfer(peer, where):
    """A server's active data connection; returns what it says then."""
    try:
        with socket.create_connection(where, DEADLINE) as data:
            data.sendall(DOWN)
            data.shutdown(socket.SHUT_WR)
            return b"226 sent\r\n" if drain(data)[1] == "fin" else \
                b"426 cut\r\n"
    except OSError:
        return b"425 no connection\r\n"


def active_server(peer):
    where = None
    answers = {b"USER": b"331 more\r\n", b"PASS": b"230 in\r\n",
               b"EPRT": b"200 ok\r\n", b"RETR": b"150 here\r\n",
               b"NOOP": b"200 ok\r\n", b"QUIT": b"221 bye\r\n"}
    peer.sendall(b"220 ready\r\n")
    while True:
        words = line(peer).split()
        if words[0] == b"EPRT":
            _, _, host, port, _ = words[1].split(b"|")
            where = (host.decode(), int(port))
        peer.sendall(answers.get(words[0], b"500 what\r\n"))
        if words[0] == b"RETR":
            peer.sendall(transfer(peer, where))
        if words[0] == b"QUIT":
            peer.shutdown(socket.SHUT_WR)
            return


def take_data(case, listener):
    """The client's end of an active data connection."""
    ready = select.select([listener, case.client], [], [], DEADLINE)[0]
    if listener not in ready:
        return
    with listener.accept()[0] as data:
        data.settimeout(DEADLINE)
        octets, end = drain(data)
    if not DOWN.startswith(octets):
        case.view.wrong = "other octets came as data"
    elif end == "fin" and octets != DOWN:
        case.view.wrong = "data that were cut look whole"


def ftp_active(case):
    """The client listens at an IPv4 address, the server knows IPv6."""
    listener, port = case.listener("::1")
    sink, where = case.listener()
    case.serve(listener, active_server)
    case.start(f"ftp-port {port}")
    case.greet()
    case.request("::1", port)
    case.view.stage = "relay"
    case.view.up = case.view.down = None  # each dialogue has its own words
    line(case.client)
    for command in (b"USER u", b"PASS p", b"PORT 127,0,0,1,%d,%d" % (
            where >> 8, where & 255)):
        case.client.sendall(command + b"\r\n")
        said = line(case.client)
    if said.startswith(b"2"):
        case.client.sendall(b"RETR a\r\n")
        while select.select([case.client, sink], [], [], DEADLINE)[0]:
            take_data(case, sink)
            if line(case.client)[:1] != b"1":
                break
    case.client.sendall(b"QUIT\r\n")
    line(case.client)
    case.client.shutdown(socket.SHUT_WR)


def login(case):
    listener, port = case.listener()
    case.serve(listener, case.answers(DOWN))
    case.own_file("passwords", "alice:" + HASH + "\n")
    path = os.path.join(case.state, case.login_file)
    case.start("auth password", f"password-file {path}")
    case.greet(b"\5\1\2", b"\5\2")
    case.view.stage = "login"
    case.client.sendall(b"\1\5alice\6secret")
    if receive(case.client, 2) != b"\1\0":
        raise Stop
    case.request("127.0.0.1", port)
    relayed(case, UP, DOWN)


def proxied(case, source="loopback", unix=False):
    listener, port = case.listener()
    case.serve(listener, case.answers(DOWN))
    case.start(f"proxy-protocol-from {source}", unix=unix)
    case.client.sendall(b"PROXY TCP4 127.0.0.7 127.0.0.1 40000 1080\r\n")
    case.greet()
    case.request("127.0.0.1", port)
    relayed(case, UP, DOWN)


def proxied_unix(case):
    proxied(case, "unix", True)


def unix_client(case):
    connect(case, "allow all from unix at loopback", unix=True)


def next_hop(case, *options):
    """The next gateway is one of ours, too, that nothing happens to."""
    hop, where = case.listener()

    def run():
        with contextlib.suppress(OSError):
            connection, _ = hop.accept()
            with connection:
                case.handler.run_once(connection, (*OPTIONS, *options,
                                                   "log-to stderr"))

    case.threads.append(in_background(run))
    case.options = [option for option in case.options
                    if not option.startswith("allow")]
    case.options.append(f"allow all at loopback via 127.0.0.1:{where}")
    return f"127.0.0.1:{where}"


def chain(case):
    listener, port = case.listener()
    case.serve(listener, case.answers(DOWN))
    next_hop(case)
    case.start()
    case.greet()
    case.request("127.0.0.1", port)
    relayed(case, UP, DOWN)


def chain_login(case):
    """The next gateway wants a password."""
    listener, port = case.listener()
    case.serve(listener, case.answers(DOWN))
    path = case.own_file("passwords", "alice:" + HASH + "\n")
    hop = next_hop(case, "auth password", f"password-file {path}")
    secret = case.own_file("other", "alice:secret\n")
    case.start(f"via-password-file {hop} {secret}")
    case.greet()
    case.request("127.0.0.1", port)
    relayed(case, UP, DOWN)


def index_list(case, path):
    """By a handler to which nothing happens."""
    subprocess.run([case.handler.program, "--index", path], check=True,
                   stdout=subprocess.DEVNULL)


def by_list(case):
    """A rule that looks its names up in an index."""
    listed = case.own_file("list", LIST)
    index_list(case, listed)
    case.options = [option for option in case.options
                    if not option.startswith("allow")]
    connect(case, f"allow all to @{listed} at loopback", form="name")


def socks4(case):
    listener, port = case.listener()
    case.serve(listener, case.answers(DOWN))
    case.start("socks4 on")
    case.view.stage = "socks4"  # what failed before may not be answered
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
    case.options.remove("idle-timeout 5s")
    case.start("idle-timeout 1s")
    case.greet()
    case.request("127.0.0.1", port)
    case.view.up = case.view.down = None  # nothing is meant to be whole


# ------------------------------------------- where the log goes, and systemd

def to_journal(case):
    case.sink = "journal"
    connect(case, "log-start on")


def to_syslog(case):
    case.sink = "syslog"
    connect(case, "log-start on")


def stream_to(case):
    """A socket that claims to end in the journal; its text becomes the log's.
    """
    ours, theirs = socket.socketpair()
    case.handler.stderr = theirs
    case.closing += [ours, theirs]
    status = os.fstat(theirs.fileno())
    case.handler.environment["JOURNAL_STREAM"] = (
        f"{status.st_dev}:{status.st_ino}")
    case.threads.append(in_background(copy, ours, case.handler.log))
    return theirs


def copy(sock, file):
    with contextlib.suppress(OSError):
        while True:
            octets = sock.recv(65536)
            if not octets:
                return
            file.write(octets)
            file.flush()


def to_stream(case):
    """Standard error that ends in the journal."""
    theirs = stream_to(case)
    listener, port = case.listener()
    case.serve(listener, case.answers(DOWN))
    case.start()
    theirs.close()
    case.greet()
    case.request("127.0.0.1", port)
    relayed(case, UP, DOWN)


def systemd(case):
    """As an instance of a unit: fd 3, the journal, $NOTIFY_SOCKET."""
    case.sink = "auto"
    theirs = stream_to(case)
    case.handler.environment.update(
        {"LISTEN_FDS": "1", "NOTIFY_SOCKET": NOTIFY, "INVOCATION_ID": "a" * 32})
    listener, port = case.listener()
    case.serve(listener, case.answers(DOWN))
    case.start(wrapper=AS_THIRD)
    theirs.close()
    case.greet()
    case.request("127.0.0.1", port)
    relayed(case, UP, DOWN)


# ------------------------------------------------------------- services

def once_more(case):
    """A plain session of the service; how it ended."""
    end = time.monotonic() + PATIENCE
    while True:
        came = one_more(case)
        gone = case.handler.process.poll() is not None
        if came == "ok" or gone or time.monotonic() > end:
            return came
        time.sleep(0.1)


def one_more(case):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        try:
            with socket.create_connection(("127.0.0.1", GATE_PORT),
                                          PATIENCE) as client:
                client.sendall(socks.GREETING +
                               socks.request("127.0.0.1", port))
                if receive(client, 12)[3] != 0:
                    return "refused"
                with listener.accept()[0] as server:
                    server.sendall(DOWN)
                    server.shutdown(socket.SHUT_WR)
                    client.shutdown(socket.SHUT_WR)
                    return "ok" if drain(client) == (DOWN, "fin") else "cut"
        except (OSError, Stop) as error:
            return type(error).__name__


def come(case):
    """To a service that may not listen yet."""
    end = time.monotonic() + DEADLINE
    while True:
        try:
            return case.reach(("127.0.0.1", GATE_PORT))
        except ConnectionRefusedError:
            if case.handler.process.poll() is not None or \
                    time.monotonic() > end:
                raise Stop from None
            time.sleep(0.005)


def serve_listening(case):
    listener, port = case.listener()
    case.serve(listener, case.answers(DOWN))
    case.next = lambda: once_more(case)
    come(case)
    case.greet()
    case.request("127.0.0.1", port)
    relayed(case, UP, DOWN)


def listening(case):
    """-l: parent, gate and sessions."""
    case.handler.words = ["-l", f"127.0.0.1:{GATE_PORT}"]
    case.launch((), subprocess.DEVNULL)
    serve_listening(case)


def wait(case):
    """inetd's `wait': fd 0 is the listening socket."""
    listener = socket.create_server(("127.0.0.1", GATE_PORT))
    case.launch((), listener)
    listener.close()
    serve_listening(case)


KINDS = {kind.__name__.replace("_", "-"): kind for kind in (
    connect, ipv6, bulk, name, name_by_tcp, associate, by_id, bind, bind_name,
    udp, udp_chain, ftp_translated, ftp_watched, ftp_active, login, proxied,
    proxied_unix, unix_client, chain, chain_login, by_list, socks4, refused,
    unreached, idle, to_journal, to_syslog, to_stream, systemd, listening,
    wait)}

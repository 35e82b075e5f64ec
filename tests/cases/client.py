#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Programs under socks64, and gateways that are scripted here.

    client.py WRAPPER CALLS CASE

CALLS is build/client/calls.  Prints what is not as it should be, status 1.
"""
import errno
import os
import socket
import subprocess
import sys
import tempfile
import threading

WRAPPER, CALLS = sys.argv[1:3]
PATIENCE = 30
ERRNO = {1: "ECONNABORTED", 2: "EACCES", 3: "ENETUNREACH",
         4: "EHOSTUNREACH", 5: "ECONNREFUSED", 6: "ETIMEDOUT",
         7: "EOPNOTSUPP", 8: "EAFNOSUPPORT", 9: "EADDRNOTAVAIL",
         10: "ECONNABORTED", 255: "ECONNABORTED"}
BOUND = {"ipv4": b"\1\xc0\0\2\x09\x10\x92",
         "ipv6": b"\4" + bytes.fromhex("20010db8" + "00" * 11 + "09")
                 + b"\x10\x92",
         "name": b"\3\4host\x10\x92"}
failures = []


def check(what, got, wanted):
    if got != wanted:
        failures.append(f"{what}: {got!r}, wanted {wanted!r}")


class Closed(Exception):
    pass


class Talk:
    """One connection, and what was read from it."""

    def __init__(self, sock):
        self.sock, self.seen = sock, []

    def read(self, n):
        data = b""
        while len(data) < n:
            more = self.sock.recv(n - len(data))
            if not more:
                raise Closed
            data += more
        self.seen.append(data)
        return data


class Gateway:
    """Serves one script for each connection: a list of steps.

    bytes: are sent.  int: so many octets are read.  list: sent one by one.
    "fin", "rst": ends.  "hold": waits for the client to end.  "request": reads
    a request.  at_once: does not wait for the end of one before the next.
    """

    def __init__(self, scripts, path=None, at_once=False):
        self.scripts, self.talks = list(scripts), []
        self.at_once = at_once
        self.listener = socket.socket(
            socket.AF_UNIX if path else socket.AF_INET)
        if path:
            self.listener.bind(path)
        else:
            self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.where = path or "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    @property
    def seen(self):
        return [data for talk in self.talks for data in talk.seen]

    def serve(self):
        for script in self.scripts:
            talk = Talk(self.listener.accept()[0])
            self.talks.append(talk)
            if self.at_once:
                threading.Thread(target=self.play, args=(talk, script),
                                 daemon=True).start()
            else:
                self.play(talk, script)

    def play(self, talk, script):
        talk.sock.settimeout(PATIENCE)
        try:
            for step in script:
                self.step(talk, step)
        except (Closed, OSError):
            pass
        talk.sock.close()

    def step(self, talk, step):
        sock = talk.sock
        if isinstance(step, bytes):
            sock.sendall(step)
        elif isinstance(step, list):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for octets in step:
                sock.sendall(octets)
                # Another segment, not the order of things.
                threading.Event().wait(0.002)
        elif isinstance(step, int):
            talk.read(step)
        elif step == "request":
            head = talk.read(4)
            length = {1: 4, 4: 16}.get(head[3])
            if length is None:
                length = talk.read(1)[0]
            talk.read(length + 2)
        elif step == "rst":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            b"\1\0\0\0\0\0\0\0")
            raise Closed
        elif step == "fin":
            raise Closed
        elif step == "hold":
            while sock.recv(4096):
                pass


def run(where, *words, options=(), **environment):
    """What a program printed, and stderr."""
    done = subprocess.run(
        [WRAPPER, "-s", where, *options, *words], capture_output=True,
        text=True, timeout=4 * PATIENCE, check=False,
        env={**os.environ, "XDG_CONFIG_HOME": "/nonexistent", **environment})
    return done.stdout, done.stderr


def dial(where, *options, **environment):
    """The errno of connect(2) to a name, or ok; and stderr."""
    out, err = run(where, CALLS, "connect-name", "www.example.com", "80",
                   options=options, **environment)
    return out.strip(), err


PLAIN = [3, b"\5\0", "request"]


def replies():
    for rep, wanted in ERRNO.items():
        for form, bound in BOUND.items():
            reply = bytes([5, rep, 0]) + bound
            gateway = Gateway([PLAIN + [reply, "hold"]])
            check(f"REP {rep} {form}", dial(gateway.where)[0], wanted)
    for form, bound in BOUND.items():
        reply = b"\5\0\0" + bound
        for cut in range(1, len(reply)):
            gateway = Gateway([PLAIN + [[reply[:cut], reply[cut:]], "hold"]])
            check(f"{form} cut at {cut}", dial(gateway.where)[0], "ok")
    gateway = Gateway([PLAIN + [b"\5\5\0\0", "hold"]])
    check("REP 05 without an address", dial(gateway.where)[0],
          "ECONNREFUSED")
    gateway = Gateway([PLAIN + [b"\5\0\0\2", "hold"]])
    check("ATYP 02", dial(gateway.where)[0], "EPROTO")


def exact():
    for bound in BOUND.values():
        for first in (b"", b"a", b"abcdefghij"):
            gateway = Gateway([PLAIN + [b"\5\0\0" + bound + first, b"end",
                                        "fin"]])
            out, _ = run(gateway.where, CALLS, "read", "www.example.com",
                         "80")
            check("what is read", out, (first + b"end").decode())


def ends():
    steps = [3, b"\5\0", "request"]
    wanted = ["ENETDOWN", "ENETDOWN", "ECONNABORTED", "ECONNABORTED"]
    for end in "fin", "rst":
        for done in range(len(steps) + 1):
            gateway = Gateway([steps[:done] + [end]] * 2)
            check(f"{end} after {done} steps", dial(gateway.where)[0],
                  wanted[done])
        reply = b"\5\5\0" + BOUND["ipv4"]
        for cut in range(1, len(reply)):
            gateway = Gateway([PLAIN + [reply[:cut], end]] * 2)
            check(f"{end} after {cut} octets of a refusal",
                  dial(gateway.where)[0],
                  "ECONNREFUSED" if cut > 1 else "ECONNABORTED")


def strangers():
    for name, octets in (("version 4", b"\4\0"), ("HTTP", b"HTTP/1.1 400"),
                         ("method 01", b"\5\1"),
                         ("method 02 without a user", b"\5\2")):
        gateway = Gateway([[3, octets, "hold"]])
        result, err = dial(gateway.where)
        check(name, result, "EPROTO")
        check(name, err,
              f"socks64: gateway {gateway.where} is no SOCKS5 server\n")


def users():
    login = b"\1\5alice\6secret"
    where = "socks5://alice:secret@"
    gateway = Gateway([[4, b"\5\2", len(login), b"\1\0", "request",
                        b"\5\0\0" + BOUND["ipv4"], "hold"]])
    result, err = dial(where + gateway.where, "-v")
    check("right", (result, "secret" in err), ("ok", False))
    check("greeting and login", gateway.seen[:2], [b"\5\2\0\2", login])
    gateway = Gateway([[4, b"\5\2", len(login), b"\1\1", "fin"]])
    result, err = dial(where + gateway.where)
    check("wrong", result, "EACCES")
    check("wrong", err, f"socks64: gateway {gateway.where} refused user "
          "alice\n")
    gateway = Gateway([[3, b"\5\xff", "fin"]])
    result, err = dial(gateway.where)
    check("wanted", result, "EACCES")
    check("wanted", err, f"socks64: gateway {gateway.where} wants a "
          "password\n")
    gateway = Gateway([[4, b"\5\2", len(login), "fin"]])
    result, err = dial(where + gateway.where, "-v")
    check("hangs up", (result, "secret" in err), ("EACCES", False))


def silence():
    for steps in ([], [3], PLAIN):
        gateway = Gateway([steps + ["hold"]])
        result, err = dial(gateway.where, "-o", "connect-timeout 300ms")
        check(f"silent after {steps}", result, "ETIMEDOUT")
        check(f"silent after {steps}", err, "" if steps == PLAIN else
              f"socks64: gateway {gateway.where}: Connection timed out\n")
        gateway = Gateway([steps + ["hold"]])
        out, _ = run(gateway.where, CALLS, "wait", "www.example.com", "80",
                     options=("-o", "connect-timeout 300ms"))
        check(f"epoll, silent after {steps}", out.strip(), "ETIMEDOUT")


def early():
    request = b"\5\1\0\3\x0fwww.example.com\0\x50"
    login = b"\1\5alice\6secret"
    gateway = Gateway([[3 + len(request), b"\5\0",
                        b"\5\0\0" + BOUND["ipv4"], "hold"]])
    check("early", dial(gateway.where, "-o", "early on")[0], "ok")
    check("early", gateway.seen, [b"\5\1\0" + request])
    gateway = Gateway([[3 + len(login) + len(request),
                        b"\5\2\1\0\5\0\0" + BOUND["ipv4"], "hold"]])
    check("early with a password", dial(
        "socks5://alice:secret@" + gateway.where, "-o", "early on")[0], "ok")
    check("early with a password", gateway.seen,
          [b"\5\1\2" + login + request])


def down():
    free = socket.socket()
    free.bind(("127.0.0.1", 0))
    where = "127.0.0.1:%d" % free.getsockname()[1]
    result, err = dial(where)
    check("down", result, "ENETDOWN")
    check("down", err, f"socks64: gateway {where}: Connection refused\n")
    check("down, quiet", dial(where, "-q"), ("ENETDOWN", ""))
    out, err = run(where, CALLS, "wait", "www.example.com", "80")
    check("down, epoll", out.strip(), "ENETDOWN")
    check("down, epoll", err,
          f"socks64: gateway {where}: Connection refused\n")


def messages():
    """Once a process, and where stderr is still what it was."""
    free = socket.socket()
    free.bind(("127.0.0.1", 0))
    where = "127.0.0.1:%d" % free.getsockname()[1]
    line = f"socks64: gateway {where}: Connection refused\n"
    out, err = run(where, CALLS, "dial", "www.example.com", "80")
    check("twice", (out, err), ("ENETDOWN\nENETDOWN\n", line))
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as other:
        out, err = run(where, "sh", "-c", 'exec 2>"$1"; exec "$2" connect-name'
                       " www.example.com 80", "sh", other.name, CALLS)
        check("stderr elsewhere", (out, err, other.read()),
              ("ENETDOWN\n", "", ""))


def idle():
    """Without a connection of the program there is none to the gateway."""
    gateway = Gateway([])
    run(gateway.where, "true")
    run(gateway.where, CALLS, "names")
    gateway.listener.setblocking(False)
    try:
        gateway.listener.accept()
        failures.append("socks64 connects by itself")
    except BlockingIOError:
        pass


# Prints the name of its own end: by which address of the name it connects.
OWN = """
import socket, sys
family = getattr(socket, sys.argv[1])
at = socket.getaddrinfo("www.example.com", 80, family, socket.SOCK_STREAM)
with socket.socket(family) as s:
    s.connect(at[0][4])
    print(*s.getsockname()[:2])
"""


def own_names():
    """BND where the socket has its family, else the local address where it has
    that, else zeros; the port is always that of BND."""
    wanted = {"AF_INET": ("192.0.2.9", "127.0.0.1", "127.0.0.1"),
              "AF_INET6": ("::", "2001:db8::9", "::")}
    for family, addresses in wanted.items():
        for bound, address in zip(BOUND.values(), addresses):
            gateway = Gateway([PLAIN + [b"\5\0\0" + bound, "hold"]])
            out, err = run(gateway.where, sys.executable, "-c", OWN, family)
            check(f"{family}, BND {bound!r} {err}", out, f"{address} 4242\n")


# EOPNOTSUPP is ENOTSUP to Python.
#
# Two connections to servers of FTP, one of which is asked for its own name
# last; then a socket that is bound to port 0 is told or does what the argument
# says.
CALLED = """
import errno, select, socket, sys
def connect(name):
    s = socket.socket()
    s.connect(socket.getaddrinfo(name, 21, socket.AF_INET)[0][4])
    return s
servers = [connect("a.example.com"), connect("b.example.com")]
servers[1].getsockname()
servers[0].getsockname()
s = socket.socket()
s.bind(("", 0))
try:
    if sys.argv[1] == "connect":
        s.connect(servers[1].getpeername())
    elif sys.argv[1] == "listen":
        s.listen()
    else:
        print(*s.getsockname())
        s.listen()
        select.select([s], [], [])
        taken, peer = s.accept()
        print(*peer, taken.recv(5).decode(), *taken.getpeername())
except OSError as e:
    print(errno.errorcode[e.errno])
"""


def called():
    good = PLAIN + [b"\5\0\0" + BOUND["ipv4"], "hold"]
    peer = b"\1\xc6\x33\x64\1\0\x14"
    for doing, last, wanted in (
            ("accept", [b"\5\0\0" + BOUND["ipv4"], b"\5\0\0" + peer,
                        b"hello", "hold"],
             "192.0.2.9 4242\n240.0.0.1 20 hello 240.0.0.1 20\n"),
            ("accept", [b"\5\2\0" + BOUND["ipv4"]], "EACCES\n"),
            ("listen", [b"\5\7\0" + BOUND["ipv4"]], "ENOTSUP\n"),
            ("connect", [b"\5\0\0" + BOUND["ipv4"], "hold"], "")):
        gateway = Gateway([good, good, PLAIN + last], at_once=True)
        out, err = run(gateway.where, sys.executable, "-c", CALLED, doing)
        check(f"{doing} {err}", out, wanted)
        request = b"".join(gateway.talks[2].seen[1:])
        check(doing, request, b"\5\1\0\3\x0db.example.com\0\x15"
              if doing == "connect" else b"\5\2\0\3\x0da.example.com\0\0")
    # What is no TCP socket is the kernel's.
    gateway = Gateway([good], at_once=True)
    out, _ = run(gateway.where, CALLS, "bind-other", "a.example.com", "21")
    check("bind", out, "EINVAL\n")


def looks():
    """--check: of a gateway that wants a password and loses what comes early,
    of one that has it refused, of one that is none."""
    where = "socks5://alice:secret@"
    login = [4, b"\5\2", 14, b"\1\0", "request"]
    refused = login + [b"\5\2\0" + BOUND["ipv4"], "hold"]
    gateway = Gateway([[], login + [b"\5\0\0" + BOUND["ipv4"], "hold"],
                       [3, b"\5\2", "hold"], refused, refused])
    out, _ = run(where + gateway.where, options=(
        "-o", "connect-timeout 500ms", "--check"))
    lines = [line.split(None, 1) for line in out.splitlines()]
    check("--check", lines[1:], [
        ["method", "password, accepted"], ["early", "no"],
        ["udp", "refused: not allowed by the rules (02)"],
        ["ids", "refused: not allowed by the rules (02)"]])
    for wanted, script in (("password, refused", login[:3] + [b"\1\1"]),
                           ("it is no SOCKS5 server", [4, b"HTTP/1.1 400"]),
                           ("it takes no password", [4, b"\5\xff"])):
        gateway = Gateway([[], script])
        out, _ = run(where + gateway.where, options=("--check",))
        check("--check", out.splitlines()[1:], ["method   " + wanted])


def unix():
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "a socket")
        good = PLAIN + [b"\5\0\0" + BOUND["ipv4"], b"end", "fin"]
        bad = PLAIN + [b"\5\5\0" + BOUND["ipv4"], "hold"]
        Gateway([good, bad, bad, good, good], path=path)
        for _ in range(1):
            out, _ = run(path, CALLS, "read", "www.example.com", "80")
            check("unix", out, "end")
        check("unix, refused", dial(path)[0], "ECONNREFUSED")
        out, _ = run(path, CALLS, "twice", "www.example.com", "80")
        check("unix, anew", out, "ECONNREFUSED TCP_NODELAY 1 AF_INET\n"
              "ok TCP_NODELAY 1 AF_INET\n")
        out, _ = run("socks5h://localhost" + path.replace(" ", "%20"), CALLS,
                     "read", "www.example.com", "80")
        check("unix, as a URL", out, "end")
        result, _ = dial(path + ".not")
        check("unix, not there", result, "ENETDOWN")


# Sends one, unconnected and connected.
DATAGRAM = """
import errno, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
told = []
for call in s.connect, lambda to: s.sendto(b"x", to):
    try:
        call(("192.0.2.7", 53))
        told.append("ok")
    except OSError as e:
        told.append(errno.errorcode[e.errno])
print(*told)
"""


def unix_datagrams():
    with tempfile.TemporaryDirectory() as place:
        out, _ = run(os.path.join(place, "socket"), sys.executable, "-c",
                     DATAGRAM)
        check("datagrams", out, "ENOTSUP ENOTSUP\n")


def injected():
    """Each system call of a connection fails once; what is lost is told, and
    no descriptor is left."""
    errors = "EINTR", "ECONNRESET", "ENOMEM", "EMFILE"
    good = PLAIN + [b"\5\0\0" + BOUND["ipv4"], "hold"]
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "socket")
        for where, calls in (
                (None, {"connect": 3, "sendto": 3, "recvfrom": 4, "ioctl": 2,
                        "getsockopt": 6, "ppoll": 4, "fcntl": 5}),
                (path, {"socket": 3, "connect": 3, "dup3": 2, "fcntl": 7})):
            for call, most in calls.items():
                for error in errors:
                    for when in range(1, most + 1):
                        inject(where, f"{call}:error={error}:when={when}",
                               good)


def inject(path, fault, good):
    if path and os.path.exists(path):
        os.unlink(path)
    gateway = Gateway([good] * 4, path=path)
    done = subprocess.run(
        ["strace", "-q", "-o", "/dev/null", "-e", "inject=" + fault, WRAPPER,
         "-q", "-s", gateway.where, "-o", "connect-timeout 5s", CALLS, "leak",
         "www.example.com", "80"], capture_output=True, text=True,
        timeout=PATIENCE, check=False)
    words = done.stdout.split()
    what = f"{fault}: {done.stdout!r} {done.stderr!r}"
    if len(words) == 2:
        check(what, (words[0] == "ok" or words[0][0] == "E", words[1]),
              (True, "0"))
    elif done.returncode not in (1, 69, 71):
        failures.append(what)  # neither socks64 nor the program said it


CASES = {f.__name__: f for f in (replies, exact, ends, strangers, users,
                                 silence, early, down, messages, idle,
                                 own_names, called, looks, unix,
                                 unix_datagrams, injected)}
CASES[sys.argv[3]]()
for failure in failures:
    print(failure)
sys.exit(1 if failures else 0)

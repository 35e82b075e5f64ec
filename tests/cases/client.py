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


class Gateway:
    """Serves one script for each connection: a list of steps.

    bytes: are sent.  int: so many octets are read.  list: sent one by one.
    "fin", "rst": ends.  "hold": waits for the client to end.  "request": reads
    a request.  "echo": reads 5 octets and sends them back.
    """

    def __init__(self, scripts, family=socket.AF_INET, path=None):
        self.scripts, self.seen = list(scripts), []
        self.listener = socket.socket(
            socket.AF_UNIX if path else family)
        if path:
            self.listener.bind(path)
        else:
            self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.where = path or "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        for script in self.scripts:
            sock = self.listener.accept()[0]
            sock.settimeout(PATIENCE)
            try:
                for step in script:
                    self.step(sock, step)
            except (Closed, OSError):
                pass
            sock.close()

    def read(self, sock, n):
        data = b""
        while len(data) < n:
            more = sock.recv(n - len(data))
            if not more:
                raise Closed
            data += more
        self.seen.append(data)
        return data

    def step(self, sock, step):
        if isinstance(step, bytes):
            sock.sendall(step)
        elif isinstance(step, list):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for octets in step:
                sock.sendall(octets)
                # Another segment, not the order of things.
                threading.Event().wait(0.002)
        elif isinstance(step, int):
            self.read(sock, step)
        elif step == "request":
            head = self.read(sock, 4)
            length = {1: 4, 4: 16}.get(head[3])
            if length is None:
                length = self.read(sock, 1)[0]
            self.read(sock, length + 2)
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
    check("right", dial(where + gateway.where)[0], "ok")
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
    check("hangs up", dial(where + gateway.where, "-v")[0], "EACCES")


def silence():
    for steps in ([], [3], PLAIN):
        gateway = Gateway([steps + ["hold"]])
        check(f"silent after {steps}",
              dial(gateway.where, "-o", "connect-timeout 300ms")[0],
              "ETIMEDOUT")
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


def injected():
    """Each system call of a connection fails once; what is lost is told, and
    no descriptor is left."""
    errors = "EINTR", "ECONNRESET", "ENOMEM", "EMFILE"
    good = PLAIN + [b"\5\0\0" + BOUND["ipv4"], "hold"]
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "socket")
        for where, calls in (
                (None, {"connect": 3, "sendto": 3, "recvfrom": 4,
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
                                 silence, early, down, unix, injected)}
CASES[sys.argv[3]]()
for failure in failures:
    print(failure)
sys.exit(1 if failures else 0)

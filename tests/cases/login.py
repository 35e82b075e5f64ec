#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""RFC 1929 and the choice of the method, through the handler itself.

    login.py HANDLER CHECK

As handshake.py: each CHECK prints a line for every case that failed, then how
many there were.
"""
import concurrent.futures
import fcntl
import ctypes
import itertools
import os
import pwd
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "peers"))
import handshake
import hashes
import socks
import streams
from handshake import Failure, Handler, Report, Sink

SECRET = b"Correct-Horse-4711"
WRONG = b"Battery-Staple-0815"
OFFER = b"\5\1\2"
GRANTED, REFUSED = b"\1\0", b"\1\1"
CANARY = re.compile(rb"Correct-Horse|Battery-Staple")
INJECT = os.path.join(os.path.dirname(__file__), "..", "..", "build",
                      "tests", "inject")
BLOCK = 4096    # octets of a file that are read at once
PENALTY = 0.99  # seconds at least; up to two, and what a busy machine adds


def login(user, password):
    return (bytes((1, len(user))) + user + bytes((len(password),)) +
            password)


class People:
    """A password file that the handler may read once it is nobody."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="socks64-login-")
        os.chmod(self.directory, 0o755)
        self.path = os.path.join(self.directory, "passwords")
        self.lines = []
        self.add(b"alice", SECRET, "$6$rounds=1000$saltsalt")

    def fill(self, size):
        """Comments up to so many octets."""
        left = size - sum(map(len, self.lines))
        self.lines += [b"#" * 99 + b"\n"] * (left // 100 - 1)
        self.lines.append(b"#" * (100 + left % 100 - 1) + b"\n")

    def add(self, user, password, salt):
        hashed = hashes.crypt(password, salt)
        self.lines.append(user + b":" + hashed.encode() + b"\n")
        self.write(self.lines)

    def write(self, lines):
        with open(self.path, "wb") as file:
            file.writelines(lines)
        os.chmod(self.path, 0o600)
        if os.getuid() == 0:
            os.chown(self.path, pwd.getpwnam("nobody").pw_uid, 0)

    def options(self, *more):
        return ["-o", "user nobody", "-o", "auth password",
                "-o", f"password-file {self.path}",
                "-o", "allow all user * at loopback",
                *itertools.chain(*(("-o", line) for line in more))]


people = People()


def outcome(handler, octets, wanted):
    """Sends, reads to the end, compares; returns (seconds, log)."""
    handler.let_go()
    began = time.monotonic()
    handler.send(octets)
    handler.client.shutdown(socket.SHUT_WR)
    got = handler.read_to_end()
    took = time.monotonic() - began
    if got != wanted:
        raise Failure(f"answer {got.hex()}, not {wanted.hex()}")
    text, status = handler.finish()
    if status != 0:
        raise Failure(f"exit status {status}: {text}")
    return took, text


def attempt(program, user, password, granted, options=()):
    """A login, and then nothing."""
    handler = Handler(program, people.options(*options))
    try:
        took, text = outcome(handler, OFFER + login(user, password),
                             b"\5\2" + (GRANTED if granted else REFUSED))
        name = "".join(chr(o) if 0x21 <= o <= 0x7e and o not in b'"\\'
                       else f"\\x{o:02x}" for o in user)
        handshake.check_record(
            text, handler.name, f"{'client-gone' if granted else 'auth-failed'}"
            f" user={name} auth=password cmd=- dest=-")
        return took
    finally:
        handler.kill()


def delayed(program, user, password):
    took = attempt(program, user, password, False)
    if took < PENALTY:
        raise Failure(f"refused after {took:.3f} s")
    return took


def malformed(program, octets):
    """Refused at once: there is nothing to guess."""
    handler = Handler(program, people.options())
    try:
        _, text = outcome(handler, OFFER + octets, b"\5\2" + REFUSED)
        handshake.check_record(text, handler.name,
                               "auth-failed user=- auth=password")
    finally:
        handler.kill()


def at_once(cases):
    """Runs (report, name, function, argument...) side by side."""
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for case in [pool.submit(report.run, *rest)
                     for report, *rest in cases]:
            case.result()


def check_answers(program, report):
    long_user, long_word = bytes(range(1, 10)) + b"u" * 246, b"w" * 255
    people.add(long_user.replace(b"\n", b"x"), long_word, "$5$rounds=1000$s")
    long_user = long_user.replace(b"\n", b"x")
    rows = [("right", b"alice", SECRET, True),
            ("255 octets each", long_user, long_word, True)]
    wrong = [("wrong", b"alice", WRONG), ("unknown", b"bob", SECRET),
             ("no password", b"alice", b""), ("NUL", b"alice", SECRET + b"\0"),
             ("a NUL name", b"alice\0", SECRET), ("case", b"Alice", SECRET),
             ("255 octets, last wrong", long_user, long_word[:-1] + b"x"),
             ("a longer password", long_user, long_word[:-1]),
             ("colon", b"alice:$6$", SECRET), ("%", b"%s%n\r\n\x1b[2J", b"%n")]
    at_once([(report, name, attempt, program, user, word, granted)
             for name, user, word, granted in rows] +
            [(report, name, delayed, program, user, word)
             for name, user, word in wrong] +
            [(report, f"malformed {octets.hex()}", malformed, program, octets)
             for octets in (b"\5\1\0", b"\1\0\0", b"\0\1a\1b", b"\2\1a\1b",
                            b"\1\0\6secret")])


def check_deadline(program, report):
    """A refusal waits, but not beyond handshake-timeout."""

    def short():
        # A busy machine may make one of them late, and not all.
        took = [attempt(program, b"alice", WRONG, False,
                        ("handshake-timeout 500ms",)) for _ in range(8)]
        if min(took) > PENALTY:
            raise Failure(f"{took}")

    def spread():
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            took = list(pool.map(
                lambda _: delayed(program, b"alice", WRONG), range(8)))
        if max(took) - min(took) < 0.02:
            raise Failure(f"always the same: {took}")

    report.run("handshake-timeout 500ms", short)
    report.run("the delay differs", spread)


def whole(program, cut, between):
    """Greeting, login, request and payload, cut in two."""
    sink = Sink()
    payload = b"data ahead"
    octets = (OFFER + login(b"alice", SECRET) +
              socks.request("127.0.0.1", sink.port) + payload)
    handler = Handler(program, people.options())
    try:
        if between:
            for i in range(len(octets) - 1):
                handler.send(octets[i:i + 1], last=False)
            cut = len(octets) - 1
        elif cut:
            handler.send(octets[:cut], last=False)
        handler.let_go()
        handler.send(octets[cut:])
        handler.client.shutdown(socket.SHUT_WR)
        got = handler.read_to_end()
        if got[:6] != b"\5\2\1\0\5\0" or not got.endswith(b"thank you"):
            raise Failure(f"answer {got.hex()}")
        sink.thread.join(handshake.DEADLINE)
        if sink.octets != payload:
            raise Failure(f"the server got {sink.octets!r}")
        handshake.check_end(handler, "ok user=alice auth=password "
                            f"dest=127.0.0.1:{sink.port} up={len(payload)}")
    finally:
        handler.kill()
        sink.close()


def check_cuts(program, report):
    length = len(OFFER + login(b"alice", SECRET)) + 10 + 10
    for cut in range(length):
        report.run(f"cut at {cut}", whole, program, cut, False)
    report.run("octet by octet", whole, program, 0, True)


def choose(program, auth, offered):
    """What the server's order makes of an offer."""
    known = {"none": 0, "password": 2}
    order = [known[word] for word in auth.split()]
    method = next((m for m in order if m in offered), 0xff)
    handler = Handler(program, [
        "-o", f"auth {auth}", "-o", "user nobody",
        "-o", f"password-file {people.path}", "-o", "deny all",
        "-o", "log-level debug"])
    try:
        _, text = outcome(handler, bytes((5, len(offered), *offered)),
                          bytes((5, method)))
        handshake.check_record(
            text, handler.name, "auth-failed auth=- user=-"
            if method == 0xff else "client-gone")
    finally:
        handler.kill()


def check_methods(program, report):
    offers = [c for n in range(5)
              for c in itertools.combinations((0, 1, 2, 0x80), n)]
    offers += [(2, 0), (0xff,), (0xff, 2), (2, 2, 2), (1, 3, 5, 6, 8, 9),
               tuple(range(255)), tuple(range(254, -1, -1))]
    for auth in ("none", "password", "password none", "none password"):
        for offered in offers:
            report.run(f"{auth}: {bytes(offered[:8]).hex()}", choose,
                       program, auth, offered)


# Every message in every state.  A state is what leads there and its answer;
# what comes then is the answer to the message, all to the end.
STATES = {
    "start": (b"", b""),
    "method 02": (OFFER, b"\5\2"),
    "login done": (OFFER + login(b"alice", SECRET), b"\5\2\1\0"),
    "login failed": (OFFER + login(b"alice", WRONG), b"\5\2\1\1"),
    "no method": (b"\5\1\0", b"\5\xff"),
    "refused": (OFFER + login(b"alice", SECRET) +
                socks.request("192.0.2.1", 80),
                b"\5\2\1\0" + bytes.fromhex(handshake.FAILURE % 2)),
}
NOT_HERE = bytes.fromhex(handshake.FAILURE % 1)
MESSAGES = ("greeting 00", "greeting 02", "login", "wrong login", "request",
            "reply", "PROXY", "SOCKS4", "end")
ANSWERS = {
    ("start", "greeting 00"): b"\5\xff",
    ("start", "greeting 02"): b"\5\2",
    # 05 01 00: a greeting that offers `none`, and something behind it.
    ("start", "request"): b"\5\xff",
    # 05 00: a greeting without any method.
    ("start", "reply"): b"\5\xff",
    ("method 02", "login"): GRANTED,
    ("method 02", "wrong login"): REFUSED,
    ("method 02", "greeting 00"): REFUSED,
    ("method 02", "greeting 02"): REFUSED,
    ("method 02", "request"): REFUSED,
    ("method 02", "reply"): REFUSED,
    ("method 02", "PROXY"): REFUSED,
    ("method 02", "SOCKS4"): REFUSED,
    ("login done", "login"): NOT_HERE,
    ("login done", "wrong login"): NOT_HERE,
    ("login done", "PROXY"): NOT_HERE,
    ("login done", "SOCKS4"): NOT_HERE,
    # 05 01: the beginning of a request, and no more.
    ("login done", "greeting 00"): b"",
    ("login done", "greeting 02"): b"",
    # 05 00 ...: the command 00.
    ("login done", "reply"): bytes.fromhex(handshake.FAILURE % 7),
}


def message(name, port):
    return {
        "greeting 00": b"\5\1\0", "greeting 02": OFFER,
        "login": login(b"alice", SECRET),
        "wrong login": login(b"alice", WRONG),
        "request": socks.request("127.0.0.1", port),
        "reply": b"\5\0\0\1\x7f\0\0\1" + port.to_bytes(2, "big"),
        "PROXY": b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n",
        "SOCKS4": b"\4\1" + port.to_bytes(2, "big") + b"\x7f\0\0\1\0",
        "end": b"",
    }[name]


def transition(program, state, name):
    """Only a request behind a login may reach the server."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        handler = Handler(program, people.options())
        try:
            before, answer = STATES[state]
            served = (state, name) == ("login done", "request")
            handler.let_go()
            handler.send(before)
            got = streams.receive_exactly(handler.client, len(answer))
            if got != answer:
                raise Failure(f"the way there: {got.hex()}")
            handler.send(message(name, server.getsockname()[1]))
            try:
                handler.client.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            if served:
                server.settimeout(handshake.DEADLINE)
                server.accept()[0].close()
            got = handler.read_to_end()
            if not served:
                wanted = ANSWERS.get((state, name), b"")
                if got != wanted:
                    raise Failure(f"{got.hex()}, not {wanted.hex()}")
                try:
                    server.accept()
                except BlockingIOError:
                    pass
                else:
                    raise Failure("the server was reached")
            elif got[:4] != b"\5\0\0\1":
                raise Failure(f"reply {got.hex()}")
            handler.finish()
        finally:
            handler.kill()


def check_states(program, report):
    at_once([(report, f"{name} in state {state}", transition, program,
              state, name) for state in STATES for name in MESSAGES])


def scheme(program, path):
    """Right and wrong by a hash of that scheme, in the sandbox."""
    for word, answer in ((SECRET, GRANTED), (WRONG, REFUSED)):
        handler = Handler(program, [
            "-o", "auth password", "-o", "user nobody",
            "-o", f"password-file {path}", "-o", "deny all"])
        try:
            outcome(handler, OFFER + login(b"alice", word), b"\5\2" + answer)
        finally:
            handler.kill()


def check_schemes(program, report):
    """Those that crypt_gensalt() of this machine makes."""
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt_gensalt.restype = ctypes.c_char_p
    cases = []
    for prefix in (b"$y$", b"$gy$", b"$7$", b"$2b$", b"$2a$", b"$2y$",
                   b"$6$", b"$5$", b"$sha1", b"$md5", b"$1$", b"$3$", b"_",
                   b""):
        # The cheapest of the dear ones: 1 is a valid cost of all but bcrypt.
        salt = (library.crypt_gensalt(prefix, 4 if prefix[:2] == b"$2" else 1,
                                      b"0123456789abcdef" * 4, 64) or
                library.crypt_gensalt(prefix, 0, b"0123456789abcdef" * 4, 64))
        if not salt or salt.startswith(b"*"):
            continue
        hashed = hashes.crypt(SECRET, salt.decode())
        if not hashed or hashed.startswith("*"):
            continue
        name = prefix.decode().strip("$_") or f"des{len(prefix)}"
        cases.append((report, f"scheme {prefix.decode()!r}", scheme, program,
                      password_file(name, f"alice:{hashed}\n")))
    at_once(cases)
    if len(cases) < 8:
        sys.exit(f"only {len(cases)} schemes")


def password_file(name, lines):
    """Another one, which the handler may read."""
    path = os.path.join(people.directory, name)
    with open(path, "w", encoding="ascii") as file:
        file.write(lines)
    os.chmod(path, 0o600)
    if os.getuid() == 0:
        os.chown(path, pwd.getpwnam("nobody").pw_uid, 0)
    return path


# What people make lines with; {} is the password.  htpasswd puts the name in
# front.
MAKERS = {
    "openssl-6": "openssl passwd -6 {}",
    "openssl-5": "openssl passwd -5 {}",
    "mkpasswd": "mkpasswd {}",
    "mkpasswd-yescrypt": "mkpasswd -m yescrypt {}",
    "mkpasswd-sha512": "mkpasswd -m sha512crypt {}",
    "mkpasswd-bcrypt": "mkpasswd -m bcrypt -R 5 {}",
    "htpasswd-bcrypt": "htpasswd -nbB alice {}",
    "htpasswd-sha512": "htpasswd -nb5 alice {}",
}


def made_by(command):
    done = subprocess.run(command.format(SECRET.decode()).split(),
                          stdout=subprocess.PIPE, check=True, text=True)
    line = done.stdout.split()[0]
    return line if line.startswith("alice:") else "alice:" + line


def check_programs(program, report):
    """Lines that other programs make log in."""
    cases = [(report, name, scheme, program,
              password_file(name, made_by(command) + "\n"))
             for name, command in MAKERS.items()]
    at_once(cases)
    report.run("htpasswd -m", unknown_scheme, program)


def unknown_scheme(program):
    """$apr1$ is Apache's own, and -t says so."""
    path = password_file("apr1", made_by("htpasswd -nbm alice {}") + "\n")
    done = subprocess.run(
        [program, "-t", "-f", "/dev/null", "-o", "auth password", "-o",
         "user nobody", "-o", f"password-file {path}"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False)
    if ":1: the hash is none that crypt(3) knows" not in done.stdout:
        raise Failure(f"status {done.returncode}: {done.stdout}")


def cost(program, user):
    """CPU seconds of a refused session."""
    handler = Handler(program, people.options())
    try:
        handler.let_go()
        handler.send(OFFER + login(user, WRONG))
        handler.client.shutdown(socket.SHUT_WR)
        handler.read_to_end()
        _, status, usage = os.wait4(handler.process.pid, 0)
        handler.process.returncode = status
        return usage.ru_utime + usage.ru_stime
    finally:
        handler.kill()


def check_moment(program, report):
    """The moment of a refusal is counted from the login's arrival: a hash of
    C seconds does not make it 1 + C at least."""

    def counted():
        for rounds in 2000000, 500000, 125000:
            people.lines.clear()
            people.add(b"alice", SECRET, f"$6$rounds={rounds}$saltsalt")
            least = min(attempt(program, b"alice", SECRET, True)
                        for _ in range(3))
            if least < 1:  # else no refusal waits for its moment
                break
        if least < 0.1:
            raise Failure(f"no hash to wait for: {least} s")
        took = []
        while not took or min(took) > 1 + 0.6 * least:
            if len(took) == 30:
                raise Failure(f"a hash of {least:.3f} s, and {took}")
            took.append(attempt(program, b"alice", WRONG, False))

    report.run("counted from the login's arrival", counted)


PLACES = range(1, 9)  # octets of the association table's file


def check_places(program, report):
    """No more than eight hashes at once, on this host."""
    state = tempfile.mkdtemp(prefix="socks64-state-")
    if os.getuid() == 0:
        os.chown(state, pwd.getpwnam("nobody").pw_uid, 0)
    option = f"state-dir {state}"

    def waits(*more):
        handler = Handler(program, people.options(option, *more))
        handler.send(OFFER + login(b"alice", SECRET), last=False)
        handler.let_go()
        if streams.receive_exactly(handler.client, 2) != b"\5\2":
            raise Failure("the method")
        return handler

    def all_taken():
        attempt(program, b"alice", SECRET, True, (option,))  # makes it
        with open(os.path.join(state, "associations"), "r+b") as table:
            for octet in PLACES:
                fcntl.lockf(table, fcntl.LOCK_EX, 1, octet)
            handler = waits()
            handler.client.settimeout(0.5)
            try:
                raise Failure(f"answered {handler.client.recv(2)!r}")
            except TimeoutError:
                handler.client.settimeout(handshake.DEADLINE)
            late = waits("handshake-timeout 300ms")
            late.read_to_end()
            handshake.check_record(late.finish()[0], late.name,
                                   "denied user=alice")
            fcntl.lockf(table, fcntl.LOCK_UN, 1, PLACES[3])
            if streams.receive_exactly(handler.client, 2) != GRANTED:
                raise Failure("not granted, with a place")
            # It has been given back, for the next.
            attempt(program, b"alice", SECRET, True, (option,))
            handler.kill()

    def any_number():
        with concurrent.futures.ThreadPoolExecutor(30) as pool:
            for future in [pool.submit(attempt, program, b"alice", SECRET,
                                       True, (option,)) for _ in range(60)]:
                future.result()

    report.run("all places are taken", all_taken)
    report.run("sixty at once", any_number)
    shutil.rmtree(state)


def check_timing(program, report):
    """Unknown or known, a guess costs the same work; the delay covers what
    is left.  The least of several: what others take only adds."""

    def compare():
        people.lines.clear()
        people.add(b"alice", SECRET, "$6$rounds=200000$saltsalt")
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            took = list(pool.map(lambda n: cost(
                program, (b"alice", b"nobody-knows")[n % 2]), range(12)))
        known, unknown = min(took[0::2]), min(took[1::2])
        if known < 0.02:
            raise Failure(f"no work to compare: {known} s")
        # Without that work, or with a hash of our own choice, it is a
        # small part.
        if not 0.5 < unknown / known < 2:
            raise Failure(f"unknown {unknown:.4f} s, known {known:.4f} s")

    report.run("unknown and wrong", compare)


def secret_logged(program, octets):
    """At the loudest level, with everything that may go wrong."""
    handler = Handler(program, people.options(
        "log-level debug", "log-start on", "handshake-timeout 1s"))
    try:
        handler.let_go()
        handler.send(octets)
        handler.client.shutdown(socket.SHUT_WR)
        handler.read_to_end()
        text, _ = handler.finish()
        if CANARY.search(text.encode()) or not text:
            raise Failure(f"logged: {text}")
    finally:
        handler.kill()


def memory_of(pid):
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, \
            open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            if not re.match(r"\S+ rw", line) or "[v" in line:
                continue
            low, high = (int(n, 16) for n in line.split()[0].split("-"))
            memory.seek(low)
            try:
                yield memory.read(high - low)
            except OSError:
                pass


def secret_kept(program, word):
    """Nothing is left in memory once the answer is there; nor while a wrong
    one waits for it."""
    handler = Handler(program, people.options())
    try:
        handler.send(OFFER, last=False)
        streams.receive_exactly(handler.client, 2)
        handler.send(login(b"alice", word), last=False)
        if word == SECRET:
            streams.receive_exactly(handler.client, 2)
        else:
            end = time.monotonic() + handshake.DEADLINE
            while "poll" not in syscall_of(handler.process.pid):
                if time.monotonic() > end:
                    raise Failure("it does not wait")
        found = [m for block in memory_of(handler.process.pid)
                 for m in CANARY.findall(block)]
        if found:
            raise Failure(f"in memory: {found}")
        if not any(b"alice" in block
                   for block in memory_of(handler.process.pid)):
            raise Failure("the user is not found either: no test")
    finally:
        handler.kill()


def syscall_of(pid):
    """Where it waits in the kernel."""
    with open(f"/proc/{pid}/wchan", encoding="ascii") as file:
        return file.read()


def dumps_core(pid):
    """Does SIGABRT leave a core of it?"""
    os.kill(pid, signal.SIGABRT)
    _, status = os.waitpid(pid, 0)
    if not os.WIFSIGNALED(status):
        raise Failure(f"ended by {status}")
    return os.WCOREDUMP(status)


def no_core(program):
    """With cores allowed; check_core shows that another program has one."""
    handler = Handler(program, people.options())
    try:
        handler.send(OFFER + login(b"alice", SECRET), last=False)
        streams.receive_exactly(handler.client, 4)
        if dumps_core(handler.process.pid):
            raise Failure("a core was left")
        handler.process.returncode = -signal.SIGABRT
    finally:
        handler.kill()


def check_secret(program, report):
    octets = (OFFER + login(b"alice", SECRET) +
              socks.request("127.0.0.1", 1) + SECRET)
    for name, more in {
            "right": octets, "wrong": OFFER + login(b"alice", WRONG),
            "unknown": OFFER + login(b"bob", SECRET),
            "unfinished": OFFER + login(b"alice", SECRET)[:-1],
            "version": OFFER + b"\2" + login(b"alice", SECRET)[1:],
            "before the greeting": login(b"alice", SECRET),
            "twice": OFFER + 2 * login(b"alice", SECRET)}.items():
        report.run(f"log: {name}", secret_logged, program, more)
    if os.getuid() == 0:
        report.run("memory, right", secret_kept, program, SECRET)
        report.run("memory, wrong", secret_kept, program, WRONG)
    resource.setrlimit(resource.RLIMIT_CORE, (
        resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
    os.chdir(people.directory)
    if not os.environ.get("LISTEN"):  # its parent knows how it ended
        report.run("core", no_core, program)


def check_core(program, report):
    """The control of check_secret's core: this machine does leave them."""
    del program
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    os.chdir(people.directory)
    process = subprocess.Popen(["/bin/sleep", "60"])
    if not dumps_core(process.pid):
        raise SystemExit(2)
    report.run("core", lambda: None)


def check_credentials(program, report):
    """A name without a slash, in $CREDENTIALS_DIRECTORY."""
    # A service refuses where its configuration is broken, and does not end.
    broken = 0 if os.environ.get("LISTEN") else 78

    def session(environment, answer, status):
        handler = Handler(program, [
            "-o", "auth password", "-o", "user nobody",
            "-o", "password-file people", "-o", "allow user *"], environment)
        try:
            handler.let_go()
            try:
                handler.send(OFFER + login(b"alice", SECRET))
                handler.client.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # 78 closes at once
            got = handler.read_to_end()
            _, ended = handler.finish()
            if ended != status or got != answer:
                raise Failure(f"{got.hex()}, status {ended}")
        finally:
            handler.kill()

    os.rename(people.path, os.path.join(people.directory, "people"))
    report.run("there", session,
               {"CREDENTIALS_DIRECTORY": people.directory}, b"\5\2\1\0", 0)
    if not os.path.exists("/etc/socks64/passwords"):
        report.run("not there", session,
                   {"CREDENTIALS_DIRECTORY": "/nowhere"}, b"", broken)
        report.run("no credentials", session, {}, b"", broken)


def injected(program, what):
    """A login with the right password and a fault: the record and the exit
    status, and the calls that were made."""
    with tempfile.NamedTemporaryFile() as calls:
        handler = Handler(INJECT, [calls.name, *what, program,
                                   *people.options()])
        try:
            handler.let_go()
            handler.send(OFFER + login(b"yes", SECRET))
            handler.client.shutdown(socket.SHUT_WR)
            answer = handler.read_to_end()
            text, _ = handler.finish()
        finally:
            handler.kill()
        made = calls.read().decode().splitlines()
    return answer, text, made


def own_failure(program, call, error, found):
    """It blames nobody: no `auth-failed', and `error' is 71."""
    answer, text, made = injected(program, [f"{call}:error={error}"])
    if " auth-failed " in text:
        raise Failure(f"the client is blamed: {text}")
    if "the password could not be checked" in text:
        found.add(call.partition(":")[0])
        if (" error " not in text or made[-1] != "exit 0 71" or
                answer != b"\5\2" + REFUSED):
            raise Failure(f"{answer.hex()}, {made[-1]}: {text}")


def check_failures(program, report):
    """No memory for the hash; a file that cannot be read, be it in the midst
    of the user's line."""
    people.fill(BLOCK - len("yes:$y$j9T$saltsaltsalt$half a hash"))
    people.add(b"yes", SECRET, "$y$j9T$saltsaltsalt")
    answer, text, made = injected(program, [])
    if answer != b"\5\2" + GRANTED:
        sys.exit(f"without a fault: {answer.hex()}, {text}")
    found = set()
    calls = [line.split()[2:] for line in made if line.startswith("call ")]
    at_once([(report, f"{call} {nth} {error}", own_failure, program,
              f"{call}:{nth}", error, found)
             for call, nth in calls for name, error in (("mmap", 12),
                                                        ("pread64", 5))
             if call == name])
    if found != {"mmap", "pread64"}:
        sys.exit(f"no fault of the check itself but {found}")


CHECKS = {name[6:]: function for name, function in list(globals().items())
          if name.startswith("check_")}


def main():
    if len(sys.argv) != 3 or sys.argv[2] not in CHECKS:
        sys.exit(f"usage: login.py HANDLER {'|'.join(CHECKS)}")
    report = Report()
    try:
        CHECKS[sys.argv[2]](os.path.abspath(sys.argv[1]), report)
    finally:
        os.chdir("/")
        shutil.rmtree(people.directory)
    report.end()


if __name__ == "__main__":
    main()

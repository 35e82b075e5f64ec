#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""How the handler is started, and what it says then: one case per name.

    starting.py HANDLER CASE [ARGUMENT...]

Descriptors, environment and options are made by hand.  Silent and status 0
where all is as socks64-handler(8) says; else a line that says what is not.
"""
import contextlib
import os
import pty
import re
import signal
import socket
import sys
import tempfile
import threading
import time
import warnings

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "peers"))
import handshake
import socks
import streams
from handshake import Failure, check_record

DEADLINE = 30.0
ALLOW = ["-o", "allow all at loopback"]


def spawn(program, arguments, fds, environment=None, listen=None):
    """Starts it with exactly these descriptors: {number: descriptor}.

    listen: LISTEN_FDS, with the right LISTEN_PID; or a pair of both."""
    with warnings.catch_warnings():
        # The child does nothing but dup2, close and execve.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid != 0:
        return pid
    try:
        high = {n: os.dup2(fd, 100 + n, False) for n, fd in fds.items()}
        for number, fd in high.items():
            os.dup2(fd, number)
        keep = set(fds)
        for number in range(200):
            if number not in keep:
                try:
                    os.close(number)
                except OSError:
                    pass
        variables = {"PATH": os.environ["PATH"], **(environment or {})}
        if isinstance(listen, tuple):
            variables["LISTEN_PID"], variables["LISTEN_FDS"] = listen
        elif listen is not None:
            variables["LISTEN_PID"] = str(os.getpid())
            variables["LISTEN_FDS"] = str(listen)
        os.execve(program, [program, *arguments], variables)
    finally:
        os._exit(126)


def wait_end(pid, seconds=DEADLINE):
    """The exit status; -N for signal N."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise Failure("it does not end")


def connection(family=socket.AF_INET):
    """The client's end and the handler's."""
    if family == socket.AF_UNIX:
        return streams.unix_connection()
    address = "127.0.0.1" if family == socket.AF_INET else "::1"
    with handshake.gate_listener(address) as listener:
        client = socket.create_connection(listener.getsockname()[:2])
        ours, _ = listener.accept()
    client.settimeout(DEADLINE)
    return client, ours


def text_of(file):
    file.seek(0)
    return file.read().decode()


def expect(what, got, wanted):
    if got != wanted:
        raise Failure(f"{what}: {got!r}, not {wanted!r}")


def with_client(fds, ours):
    """Descriptors, of which some are called "client"."""
    return {n: ours.fileno() if fd == "client" else fd
            for n, fd in fds.items()}


def expect_silence(client):
    """Nothing but the end, FIN or reset."""
    try:
        octets = client.recv(4096)
    except ConnectionError:
        return
    expect("octets to the client", octets, b"")


class Stage:
    """What most cases need: /dev/null, files for stdout and stderr."""

    def __init__(self, program):
        self.program = program
        self.null = os.open("/dev/null", os.O_RDWR)
        self.out = tempfile.TemporaryFile()
        self.err = tempfile.TemporaryFile()

    def run(self, arguments, fds, **keys):
        return wait_end(spawn(self.program, arguments, fds, **keys))

    def files(self, stdin=None, **more):
        """0 1 2, stdin or /dev/null and the two files."""
        return {0: self.null if stdin is None else stdin,
                1: self.out.fileno(), 2: self.err.fileno(), **more}


def usage_lines(text):
    lines = text.replace("\r\n", "\n").splitlines()
    expect("lines", len(lines), 3)
    for word in ("Accept=yes", "inetd", "systemd-socket-activate"):
        if word not in text:
            raise Failure(f"no {word} in {text!r}")


def case_terminal(stage):
    master, slave = pty.openpty()
    status = stage.run([], {0: slave, 1: slave, 2: slave})
    expect("status", status, 64)
    usage_lines(os.read(master, 4096).decode())


def case_pipe(stage):
    reading, writing = os.pipe()
    expect("status", stage.run([], stage.files(reading)), 64)
    os.close(writing)
    usage_lines(text_of(stage.err))
    expect("stdout", text_of(stage.out), "")


def case_null(stage):
    expect("status", stage.run([], stage.files()), 64)
    usage_lines(text_of(stage.err))


def listening():
    return socket.create_server(("127.0.0.1", 0))


def case_two_sockets(stage):
    client, ours = connection()
    with listening() as sock:
        fds = {**stage.files(), 3: ours.fileno(), 4: sock.fileno()}
        expect("status", stage.run([], fds, listen=2), 64)
    ours.close()
    if "Accept=yes" not in text_of(stage.err):
        raise Failure(text_of(stage.err))
    expect_silence(client)


def case_datagram(stage):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        expect("status", stage.run([], stage.files(sock.fileno())), 64)
    if "stream" not in text_of(stage.err):
        raise Failure(text_of(stage.err))


def gone():
    """A connection whose client has reset it already."""
    client, ours = connection()
    streams.close_by_reset(client)
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        try:
            ours.getpeername()
        except OSError:
            return ours
    raise Failure("the reset does not arrive")


def case_client_left(stage):
    ours = gone()
    expect("status", stage.run([], stage.files(ours.fileno())), 0)
    expect("stderr", text_of(stage.err), "")
    expect("status", stage.run(
        ["-o", "log-level debug"],
        {**stage.files(), 3: ours.fileno()}, listen=1), 0)
    check_record(text_of(stage.err), "-", "client-gone up=0 down=0")


def serve_echo():
    """A server on loopback for one connection; echoes to the FIN."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run():
        sock, _ = listener.accept()
        while True:
            octets = sock.recv(65536)
            if not octets:
                break
            sock.sendall(octets)
        sock.close()
        listener.close()

    threading.Thread(target=run, daemon=True).start()
    return listener.getsockname()[1]


def dialogue(client, port=None):
    """A whole session; exactly these octets and no other may come."""
    port = port or serve_echo()
    client.sendall(socks.GREETING + socks.request("127.0.0.1", port) +
                   b"early")
    expect("method", streams.receive_exactly(client, 2), b"\5\0")
    reply = streams.receive_exactly(client, 10)
    expect("reply", reply[:4], b"\5\0\0\1")
    client.sendall(b"more")
    client.shutdown(socket.SHUT_WR)
    expect("echo", streams.receive_octets(client), b"earlymore")
    return port


def case_listen_pid_of_another(stage):
    """LISTEN_PID is not ours: fd 3 is nobody's business, fd 0 is served."""
    client, ours = connection()
    with listening() as sock:
        pid = spawn(stage.program, ALLOW,
                    {**stage.files(ours.fileno()), 3: sock.fileno()},
                    listen=("1", "1"))
    ours.close()
    name = socks.text_of(client.getsockname())
    port = dialogue(client)
    expect("status", wait_end(pid), 0)
    check_record(text_of(stage.err), name, f"ok dest=127.0.0.1:{port}")
    with listening() as sock:
        expect("status", stage.run(
            [], {**stage.files(), 3: sock.fileno()},
            listen=("1", "1")), 64)


def case_listen_pid_odd(stage):
    """Not a number, or a number in another dress, is not ours."""
    for pid in ("", "x", "-1", "99999999999999999999"):
        client, ours = connection()
        expect(pid, stage.run([], {**stage.files(), 3: ours.fileno()},
                              listen=(pid, "1")), 64)
        ours.close()
        expect_silence(client)
    for count in ("0", "", "x", "-1", "1x"):
        client, ours = connection()
        pid = spawn(stage.program, [], {**stage.files(),
                                        3: ours.fileno()}, listen=count)
        ours.close()
        expect(f"LISTEN_FDS={count!r}", wait_end(pid), 64)
        expect_silence(client)
        if "$LISTEN_FDS is not 1" not in text_of(stage.err):
            raise Failure(f"{count!r}: {text_of(stage.err)!r}")
        stage.err.truncate(0)
        stage.err.seek(0)


def case_both(stage):
    """fd 3 goes before fd 0."""
    client, ours = connection()
    other, standard = connection()
    pid = spawn(stage.program, ALLOW,
                {**stage.files(standard.fileno()), 3: ours.fileno()},
                listen=1)
    ours.close()
    dialogue(client)
    expect("status", wait_end(pid), 0)
    other.setblocking(False)
    try:
        raise Failure(f"fd 0 got {other.recv(100)!r}")
    except BlockingIOError:
        pass


def case_families(stage):
    """Each kind of client is known for what it is."""
    client, ours = connection(socket.AF_INET6)
    name = socks.text_of(client.getsockname())
    pid = spawn(stage.program, ALLOW, {0: ours.fileno(),
                                       2: stage.err.fileno()})
    ours.close()
    port = serve_echo()
    client.sendall(socks.GREETING + socks.request("127.0.0.1", port))
    expect("method", streams.receive_exactly(client, 2), b"\5\0")
    # BND is of the client's family: where it reached us.
    reply = streams.receive_exactly(client, 22)
    expect("reply", reply[:-2], b"\5\0\0\4" + bytes(15) + b"\1")
    client.close()
    expect("status", wait_end(pid), 0)
    check_record(text_of(stage.err), name,
                 f"ok peer=127.0.0.1:{port} up=0 down=0")


def case_mapped(stage):
    with socket.create_server(("::", 0), family=socket.AF_INET6,
                              dualstack_ipv6=True) as listener:
        client = socket.create_connection(
            ("127.0.0.1", listener.getsockname()[1]))
        ours, _ = listener.accept()
    client.settimeout(DEADLINE)
    name = socks.text_of(client.getsockname())
    pid = spawn(stage.program, ["-o", "allow all from 127.0.0.1 at "
                                "loopback"], {0: ours.fileno(),
                                              2: stage.err.fileno()})
    ours.close()
    dialogue(client)
    expect("status", wait_end(pid), 0)
    check_record(text_of(stage.err), name, "ok")


def case_unix(stage):
    client, ours = connection(socket.AF_UNIX)
    client.settimeout(DEADLINE)
    pid = spawn(stage.program, ["-o", "allow all from unix at loopback"],
                {0: ours.fileno(), 2: stage.err.fileno()})
    ours.close()
    dialogue(client)
    expect("status", wait_end(pid), 0)
    check_record(text_of(stage.err), f"unix:uid={os.getuid()}", "ok")


def case_version(stage):
    for option in ("-V", "--version"):
        stage.out.truncate(0)
        stage.out.seek(0)
        expect("status", stage.run([option], stage.files()), 0)
        if not re.fullmatch(r"socks64-handler \d+\.\d+\.\d+ \(.+\)\n",
                            text_of(stage.out)):
            raise Failure(text_of(stage.out))
    expect("stderr", text_of(stage.err), "")


def case_help(stage):
    for option in ("-h", "--help"):
        stage.out.truncate(0)
        stage.out.seek(0)
        expect("status", stage.run([option], stage.files()), 0)
        if not text_of(stage.out).startswith("usage: socks64-handler "):
            raise Failure(text_of(stage.out))
    expect("stderr", text_of(stage.err), "")


def case_bad_options(stage):
    for arguments in (["-x"], ["--nonsense"], ["-f"], ["-o"], ["operand"],
                      ["-t", "-T"], ["-V", "-h"], ["-", "-V"]):
        stage.err.truncate(0)
        stage.err.seek(0)
        expect(f"{arguments}", stage.run(arguments, stage.files()), 64)
        if not text_of(stage.err):
            raise Failure(f"{arguments}: not a word on stderr")
        expect("stdout", text_of(stage.out), "")


def case_wrong_word(stage):
    """The word that is wrong is named, wherever the letter stands."""
    for arguments, word in ((["-xt"], "-xt"), (["-tx"], "-tx"),
                            (["-V", "-qV"], "-qV"), (["-tf"], "-tf"),
                            (["-t", "--test=1"], "--test=1")):
        stage.err.truncate(0)
        stage.err.seek(0)
        expect(f"{arguments}", stage.run(arguments, stage.files()), 64)
        if f" {word}, see " not in text_of(stage.err):
            raise Failure(f"{arguments}: {text_of(stage.err)!r}")


BAD_CONFIGURATIONS = (
    (["-f", "/nonexistent/socks64.conf"], "/nonexistent/socks64.conf"),
    (["-f", "/"], "/"),
    (["-o", "nonsense 1"], "-o:1"),
    (["-o", "log-level info", "-o", "idle-timeout never"], "-o:2"),
    (["-o", "allow all at nowhere"], "-o:1"),
    (["-o", "sandbox off"], "-o:1"),
)


def case_bad_configuration(stage):
    """78, the place is named, the client is closed before a byte is read."""
    for arguments, place in BAD_CONFIGURATIONS:
        client, ours = connection()
        stage.err.truncate(0)
        stage.err.seek(0)
        client.sendall(socks.GREETING)
        copy = os.dup(ours.fileno())
        pid = spawn(stage.program, arguments,
                    {**stage.files(), 3: ours.fileno()}, listen=1)
        expect(f"{arguments}", wait_end(pid), 78)
        if place not in text_of(stage.err):
            raise Failure(f"{arguments}: {text_of(stage.err)!r}")
        expect("unread", handshake.pending(ours), 3)
        os.close(copy)
        ours.close()
        expect_silence(client)


def end_in_silence(stage, arguments, fds, listen=None):
    """It ends without a word to the client."""
    client, ours = connection()
    wait_end(spawn(stage.program, arguments, with_client(fds, ours),
                   listen=listen))
    ours.close()
    try:
        expect_silence(client)
    except Failure as failure:
        raise Failure(f"{arguments}: {failure}") from None


def case_inetd_silence(stage):
    """fd 0, 1 and 2 are the client: whatever is wrong, it hears nothing."""
    for arguments in (["-x"], ["-V"], ["-h"], ["-T"], ["-t"],
                      ["--print-sandbox"], ["operand"], ["-f"],
                      *(arguments for arguments, _ in BAD_CONFIGURATIONS)):
        end_in_silence(stage, arguments, dict.fromkeys((0, 1, 2), "client"))


def case_stderr_silence(stage):
    """fd 1 is somebody's, fd 2 the client as fd 0 is."""
    for arguments in (["-e", "listen"], ["-t", "-o", "nonsense 1"],
                      ["-T", "-o", "nonsense 1"], ["-x"],
                      ["-e", "connect", "10.0.0.1", "www.onion:80"]):
        end_in_silence(stage, arguments,
                       {0: "client", 1: stage.null, 2: "client"})


def case_explain_stopped(stage):
    """SIGTERM ends -e while it waits for a name server."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(DEADLINE)
        port = server.getsockname()[1]
        pid = spawn(stage.program,
                    ["-f", "/dev/null", "-o", f"resolver 127.0.0.1:{port}",
                     "-e", "connect", "127.0.0.1", "www.example.com:80"],
                    stage.files())
        server.recv(512)
        os.kill(pid, signal.SIGTERM)
        expect("status", wait_end(pid), -signal.SIGTERM)


def case_fd_3_silence(stage):
    """fd 1 to 3 are the client, as with StandardOutput=inherit mistakes."""
    for arguments in (["-x"], ["operand"],
                      *(arguments for arguments, _ in BAD_CONFIGURATIONS)):
        end_in_silence(stage, arguments,
                       {0: stage.null, 1: "client", 2: "client",
                        3: "client"}, listen=1)


def case_inetd_session(stage):
    """The same with a good session: exactly its own octets."""
    client, ours = connection()
    pid = spawn(stage.program, ALLOW,
                dict.fromkeys((0, 1, 2), ours.fileno()))
    ours.close()
    dialogue(client)
    expect("status", wait_end(pid), 0)


def case_closed(stage):
    """Any of 0 1 2 closed: the session is served, and nothing strays."""
    for mask in range(8):
        client, ours = connection()
        fds = {n: fd for n, fd in stage.files().items()
               if not mask & 1 << n}
        fds[3] = ours.fileno()
        pid = spawn(stage.program, ALLOW, fds, listen=1)
        ours.close()
        try:
            dialogue(client)
            expect("status", wait_end(pid), 0)
        except (Failure, socks.Mismatch) as failure:
            raise Failure(f"closed {mask:03b}: {failure}") from None


def case_closed_inetd(stage):
    """fd 0 alone is the client, 1 and 2 are closed."""
    client, ours = connection()
    pid = spawn(stage.program, ALLOW, {0: ours.fileno()})
    ours.close()
    dialogue(client)
    expect("status", wait_end(pid), 0)


def case_no_descriptor(stage):
    """No room to move the connection to: 71, told to whom it concerns.  (The
    dynamic link would not even find its libraries.)"""
    client, ours = connection()
    for fds, silent in (({n: ours.fileno() for n in range(3)}, True),
                        (stage.files(ours.fileno()), False)):
        pid = spawn("/usr/bin/prlimit", ["--nofile=3", stage.program], fds)
        expect("status", wait_end(pid), 71)
        expect("silent", text_of(stage.err) == "", silent)
    ours.close()
    expect_silence(client)


def case_sigterm_handshake(stage):
    """SIGTERM after each octet of the handshake."""
    octets = socks.GREETING + socks.request("127.0.0.1", 9)
    for count in (1, 3, 5):
        client, ours = connection()
        name = socks.text_of(client.getsockname())
        stage.err.truncate(0)
        stage.err.seek(0)
        pid = spawn(stage.program, ALLOW, {**stage.files(ours.fileno())})
        client.sendall(octets[:count])
        end = time.monotonic() + DEADLINE
        while (socks.unacknowledged(client) or
               handshake.pending(ours)) and time.monotonic() < end:
            time.sleep(0.001)
        ours.close()
        os.kill(pid, signal.SIGTERM)
        expect("status", wait_end(pid), 0)
        check_record(text_of(stage.err), name, "stopped up=0 down=0")


def session_of(stage, fds, environment=None, listen=None, arguments=()):
    """A session to log; returns the client's name."""
    client, ours = connection()
    pid = spawn(stage.program, [*ALLOW, *arguments], with_client(fds, ours),
                environment, listen)
    ours.close()
    name = socks.text_of(client.getsockname())
    dialogue(client)
    expect("status", wait_end(pid), 0)
    return name


def wait_logged(path, pattern, times=1):
    """The line that matches for so many times."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        with open(path, encoding="ascii") as log:
            lines = [line for line in log if re.search(pattern, line)]
            if len(lines) >= times:
                return lines[times - 1]
        time.sleep(0.01)
    raise Failure(f"no {pattern!r} in {path}")


def case_log_auto_stderr(stage):
    name = session_of(stage, {**stage.files(), 3: "client"}, listen=1)
    check_record(text_of(stage.err), name, "ok")
    if not re.match(r"socks64\[\d+\]: ok ", text_of(stage.err)):
        raise Failure(text_of(stage.err))
    reading, writing = os.pipe()
    name = session_of(stage, {0: "client", 2: writing})
    check_record(os.read(reading, 4096).decode(), name, "ok")


def case_log_auto_syslog(stage, log):
    """fd 2 closed, /dev/null, the client: /dev/log, and only there.  (Run by
    syslog-dev, which gives us the log's name.)"""
    for fds, listen in (({0: stage.null, 3: "client"}, 1),
                        ({0: stage.null, 2: stage.null, 3: "client"}, 1),
                        ({0: "client", 1: "client", 2: "client"}, None)):
        name = session_of(stage, fds, listen=listen)
        line = wait_logged(log, re.escape(f"client={name} "))
        if not re.match(r"<29>.*socks64\[\d+\]: ok ", line):
            raise Failure(line)
    with open(log, encoding="ascii") as lines:
        expect("records", sum("client=" in line for line in lines), 3)


def case_log_syslog_options(stage, log):
    name = session_of(stage, {**stage.files(), 3: "client"}, listen=1,
                      arguments=["-o", "log-to syslog",
                                 "-o", "log-facility local3"])
    line = wait_logged(log, re.escape(f"client={name} "))
    if not line.startswith("<157>"):
        raise Failure(line)
    expect("stderr", text_of(stage.err), "")


def hold(stage, fds, environment=None, listen=None):
    """A session that stays open: (pid, client, port)."""
    client, ours = connection()
    pid = spawn(stage.program, ALLOW, with_client(fds, ours), environment,
                listen)
    ours.close()
    port = serve_echo()
    client.sendall(socks.GREETING + socks.request("127.0.0.1", port) +
                   b"ping")
    octets = streams.receive_exactly(client, 16)
    expect("session", octets[-4:], b"ping")
    return pid, client, port


def case_leftovers(stage):
    """What the launcher forgot to close, more than a session may have."""
    secret = tempfile.NamedTemporaryFile()
    many = {number: secret.fileno() for number in range(4, 99)}
    for fds, listen in ({0: "client", 3: secret.fileno()}, None), (
            {0: stage.null, 3: "client"}, 1):
        pid, client, _ = hold(stage, {**fds, 2: stage.err.fileno(), **many},
                              listen=listen)
        directory = f"/proc/{pid}/fd"
        links = [os.readlink(os.path.join(directory, number))
                 for number in os.listdir(directory)]
        client.close()
        expect("status", wait_end(pid), 0)
        if secret.name in links:
            raise Failure(f"left open: {links}")


def case_log_restarted(stage, log):
    """syslogd is restarted in mid-session: the record arrives."""
    pid, client, _ = hold(stage, {0: "client"})
    name = socks.text_of(client.getsockname())
    os.kill(os.getppid(), signal.SIGHUP)
    wait_logged(log, "^syslog: restarted")
    client.close()
    expect("status", wait_end(pid), 0)
    wait_logged(log, re.escape(f"client={name} "))


def case_log_nowhere(stage, log):
    """No syslogd at all: the session does not mind."""
    os.unlink("/dev/log")
    session_of(stage, {0: "client"})
    del log


def case_log_stuck(stage):
    """stderr is a pipe that nobody empties: the record is lost, no more."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, bytes(4096))
    except BlockingIOError:
        os.set_blocking(writing, True)
    session_of(stage, {0: "client", 2: writing})
    os.close(reading)


def journal_stream(fd):
    status = os.fstat(fd)
    return {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}


def case_log_auto_journal(stage, log):
    """$JOURNAL_STREAM names fd 2: the journal's own protocol."""
    name = session_of(stage, {**stage.files(), 3: "client"},
                      journal_stream(stage.err.fileno()), listen=1)
    line = wait_logged(log, r"^journal: .*MESSAGE=ok client=" +
                       re.escape(name))
    for field in ("PRIORITY=5", "SYSLOG_IDENTIFIER=socks64",
                  "MESSAGE_ID=", "SOCKS64_RESULT=ok",
                  "SOCKS64_COMMAND=CONNECT"):
        if f"|{field}" not in line.replace("journal: ", "|"):
            raise Failure(f"no {field} in {line}")
    expect("stderr", text_of(stage.err), "")
    # It names another file: not the journal.
    other = tempfile.TemporaryFile()
    name = session_of(stage, {**stage.files(), 3: "client"},
                      journal_stream(other.fileno()), listen=1)
    check_record(text_of(stage.err), name, "ok")


def case_log_auto_journal_more(stage, log):
    """What comes behind the first line goes there, too: a second error, the
    records of the listening mode, before and after it executed itself anew."""
    client, ours = connection()
    pid = spawn(stage.program, ["-o", "first 1", "-o", "second 2"],
                with_client({**stage.files(), 3: "client"}, ours),
                journal_stream(stage.err.fileno()), listen=1)
    ours.close()
    expect("status", wait_end(pid), 78)
    client.close()
    for keyword in ("first", "second"):
        wait_logged(log, f"^journal: .*MESSAGE=.*{keyword}")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    pid = spawn(stage.program, ["-f", "/dev/null", *ALLOW, "-l",
                                f"127.0.0.1:{port}"], stage.files(),
                journal_stream(stage.err.fileno()))
    try:
        for times in (1, 2):
            wait_logged(log, r"^journal: .*MESSAGE=listening on ", times)
            with socket.create_connection(("127.0.0.1", port)) as client:
                name = socks.text_of(client.getsockname())
                dialogue(client)
            wait_logged(log, r"^journal: .*MESSAGE=ok client=" +
                        re.escape(name))
            os.kill(pid, signal.SIGHUP)
        wait_logged(log, r"^journal: .*MESSAGE=listening on ", 3)
    finally:
        os.kill(pid, signal.SIGTERM)
    expect("status", wait_end(pid), 0)


def case_log_stream(stage):
    """log-to stderr, which the journal reads: a priority before the line."""
    name = session_of(stage, {**stage.files(), 3: "client"},
                      journal_stream(stage.err.fileno()), listen=1,
                      arguments=["-o", "log-to stderr"])
    text = text_of(stage.err)
    if not text.startswith("<5>ok client="):
        raise Failure(text)
    check_record(text, name, "ok")


@contextlib.contextmanager
def notify_socket():
    """Where STATUS= goes.  (systemd's socket has a path; an abstract one is
    out of reach behind Landlock.)"""
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        path = os.path.join(directory, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(path)
            os.chmod(path, 0o777)
            notify.settimeout(DEADLINE)
            yield notify, {"NOTIFY_SOCKET": path}


def expect_shown(pid, notify, wanted):
    """By systemctl status and by ps."""
    expect("STATUS", notify.recv(4096).decode().rstrip("\n"),
           f"STATUS={wanted}")
    # It is put there behind the datagram.
    end = time.monotonic() + DEADLINE
    while wanted not in (title := title_of(pid)):
        if time.monotonic() > end:
            raise Failure(f"ps shows {title!r}")
        time.sleep(0.01)


def title_of(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read().rstrip(b"\0").decode()


def case_status(stage):
    """STATUS= and the process title while it relays."""
    with notify_socket() as (notify, environment):
        pid, client, port = hold(stage, {0: "client",
                                         2: stage.err.fileno()}, environment)
        name = socks.text_of(client.getsockname())
        expect_shown(pid, notify,
                     f"{name} -> 127.0.0.1:{port} (127.0.0.1:{port})")
        client.close()
        expect("status", wait_end(pid), 0)


def case_status_bind(stage):
    """A BIND tells twice: that it waits, and who came."""
    with notify_socket() as (notify, environment):
        client, ours = connection()
        pid = spawn(stage.program, ALLOW,
                    {0: ours.fileno(), 2: stage.err.fileno()}, environment)
        ours.close()
        client.sendall(socks.GREETING + socks.request(
            "127.0.0.1", 0, command=socks.BIND))
        octets = streams.receive_exactly(client, 12)
        start = (f"{socks.text_of(client.getsockname())} -> "
                 "127.0.0.1:0 ")
        expect_shown(pid, notify, start + "(-)")
        port = int.from_bytes(octets[-2:], "big")
        with socket.create_connection(("127.0.0.1", port)) as peer:
            streams.receive_exactly(client, 10)
            expect_shown(pid, notify,
                         f"{start}({socks.text_of(peer.getsockname())})")
        client.close()
        expect("status", wait_end(pid), 0)


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file
                    if ":\t" in line)


def case_identity(stage):
    """Started as root: nobody, no group, no capability, confined."""
    pid, client, _ = hold(stage, {0: "client", 2: stage.err.fileno()})
    status = status_of(pid)
    client.close()
    expect("status", wait_end(pid), 0)
    if "0" in status["Uid"].split() or "0" in status["Gid"].split():
        raise Failure(f"uid {status['Uid']} gid {status['Gid']}")
    expect("Groups", status["Groups"].strip(), "")
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        expect(name, int(status[name], 16), 0)
    expect("NoNewPrivs", status["NoNewPrivs"], "1")
    expect("Seccomp", status["Seccomp"], "2")


def case_unconfined(stage):
    """`sandbox off': no filter, but all the rest, and no capability is
    left, also where the last stage is that of FTP."""
    client, ours = connection()
    port = serve_echo()
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write("sandbox off\nmark 7\n")
        file.flush()
        os.chmod(file.name, 0o644)
        pid = spawn(stage.program, ["-f", file.name, *ALLOW,
                                    "-o", f"ftp-port {port}"],
                    {0: ours.fileno(), 2: stage.err.fileno()})
        ours.close()
        client.sendall(socks.GREETING + socks.request("127.0.0.1", port) +
                       b"NOOP\r\n")
        octets = streams.receive_exactly(client, 18)
    expect("session", octets[-6:], b"NOOP\r\n")
    status, around = status_of(pid), status_of("self")
    with open(f"/proc/{pid}/limits", encoding="ascii") as file:
        limits = {line[:26].strip(): line[26:].split()[:2]
                  for line in file}
    client.close()
    expect("status", wait_end(pid), 0)
    # There may be filters around this test.
    for name in ("Seccomp", "Seccomp_filters"):
        expect(name, status.get(name), around.get(name))
    expect("NoNewPrivs", status["NoNewPrivs"], "1")
    expect("CapPrm", int(status["CapPrm"], 16), 0)
    expect("core", limits["Max core file size"], ["0", "0"])
    expect("processes", limits["Max processes"], ["0", "0"])
    expect("files", limits["Max open files"], ["128", "128"])
    if " sandbox=off" not in text_of(stage.err):
        raise Failure(text_of(stage.err))


def main():
    stage = Stage(sys.argv[1])
    function = globals().get("case_" + sys.argv[2].replace("-", "_"))
    if function is None:
        sys.exit(f"starting.py: no case {sys.argv[2]}")
    try:
        function(stage, *sys.argv[3:])
    except (Failure, socks.Mismatch, OSError) as error:
        sys.exit(f"{sys.argv[2]}: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()

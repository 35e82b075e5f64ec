#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""make bench: what a session costs, side by side in one run.

Every figure is a ratio against tests/bench/bare.c, the least that a handler
under inetd can be, measured in turns on this machine: the median of the ratios
of each turn.  SOCKS servers of other make that are installed are added as the
daemons that they are.  Nothing here is a test: machines differ, and a budget
is for reading.

    bench.py BUILD_DIRECTORY
             [sessions|start|parallel|held|bulk|latency|memory|datagrams|ftp|
             chain|units|directives|passwords|rules|lists|size|client]...
"""

import contextlib
import ctypes
import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import types

import client
import units

ROUNDS = 15
SESSIONS = 300
BULK = 1 << 30
TRIPS = 4000
DATAGRAMS = 200000
WINDOW = 32
DATAGRAM = 512
IDLE = 500
AT_ONCE = 32
HELD = 10000
LISTED = 1000000


class Launcher:
    """A program under the bench's own inetd."""

    def __init__(self, build, argv):
        self.process = subprocess.Popen(
            [os.path.join(build, "bench", "inetd"), *argv],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def pids(self):
        return [self.process.pid]

    def close(self):
        """Ends it; returns sessions and CPU microseconds."""
        self.process.stdin.close()
        sessions, user, system = map(
            int, self.process.stdout.readline().split())
        self.process.wait()
        return sessions, user + system


class Inetd:
    """A program under openbsd-inetd, as an administrator runs it."""

    PORT = 18080

    def __init__(self, build, argv):
        line = " ".join([f"127.0.0.1:{self.PORT} stream tcp nowait.60000",
                         "nobody", os.path.abspath(argv[0]), *argv])
        path = os.path.join(build, "bench", "inetd.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(line + "\n")
        self.port = self.PORT
        self.process = subprocess.Popen(
            [os.path.join(build, "openbsd-inetd/usr/sbin/inetd"), "-i", path])
        wait_for_port(self.port)

    def close(self):
        """Ends it once its sessions have; returns CPU microseconds."""
        pid = self.process.pid
        children = f"/proc/{pid}/task/{pid}/children"
        while True:
            with open(children, encoding="ascii") as file:
                if not file.read().strip():
                    break
            time.sleep(0.01)
        self.process.terminate()
        _, _, usage = os.wait4(pid, 0)
        self.process.returncode = 0
        return 0, int((usage.ru_utime + usage.ru_stime) * 1e6)


def wait_for_port(port):
    """Polls until somebody listens; gives up after 5 seconds."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with open("/proc/net/tcp", encoding="ascii") as file:
            if f"0100007F:{port:04X} 00000000:0000 0A" in file.read():
                return
        time.sleep(0.02)
    raise RuntimeError(f"nobody listens on port {port}")


TICK = 1000000 // os.sysconf("SC_CLK_TCK")


def microseconds(pid, fields):
    """CPU of a process without threads, its children left out.  The fields of
    stat(5) are cut to ticks, which makes hundreds of processes look cheap:
    they are for kernels without the other figure, and who has just ended."""
    exact = 0
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/schedstat", encoding="ascii") as f:
            exact = int(f.read().split()[0]) // 1000
    return exact or TICK * (int(fields[11]) + int(fields[12]))


class Daemon:
    """A server of other make, run as it is meant to be."""

    def __init__(self, argv, port):
        self.process = subprocess.Popen(argv, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL,
                                        start_new_session=True)
        self.port = port
        wait_for_port(port)

    def processes(self):
        """Pid and the fields of stat(5) behind the name, of each it has."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                    fields = f.read().rsplit(")", 1)[1].split()
            except OSError:
                continue  # it has just ended
            if int(fields[3]) == self.process.pid:  # its session
                yield int(pid), fields

    def pids(self):
        return [pid for pid, _ in self.processes()]

    def cpu(self):
        """Microseconds of those that live, and of whom they have reaped."""
        return sum(microseconds(pid, f) + TICK * (int(f[13]) + int(f[14]))
                   for pid, f in self.processes())

    def close(self):
        """A father that reaps all tells it to the microsecond."""
        used = self.cpu()
        self.process.terminate()
        _, _, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = 0
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        return 0, max(used, int((usage.ru_utime + usage.ru_stime) * 1e6))


class Server:
    """What the sessions reach: b = echo, g = so many octets, s = sink."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = self.listener.getsockname()[1]
        self.held = None  # a list: connections are kept, not served
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            connection, _ = self.listener.accept()
            if self.held is not None:
                self.held.append(connection)
                continue
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(connection,),
                             daemon=True).start()

    @staticmethod
    def serve(connection):
        with connection:
            block = bytes(1 << 18)
            try:
                while True:
                    data = connection.recv(64)
                    if not data:
                        return
                    if data[:1] != b"g":
                        connection.sendall(data)
                        continue
                    left = int(data[1:])
                    while left > 0:
                        left -= connection.send(block[:left])
                    connection.shutdown(socket.SHUT_WR)
            except OSError:
                return


def connect(port, server):
    """A SOCKS5 session to the server."""
    s = socket.create_connection(("127.0.0.1", port))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.sendall(b"\5\1\0")
    assert s.recv(2, socket.MSG_WAITALL) == b"\5\0"
    s.sendall(b"\5\1\0\1\x7f\0\0\1" + server.port.to_bytes(2, "big"))
    assert s.recv(10, socket.MSG_WAITALL)[1:2] == b"\0"
    return s


def run_sessions(port, server):
    for _ in range(SESSIONS):
        with connect(port, server) as s:
            s.sendall(b"b")
            s.recv(1)
    return SESSIONS


def run_parallel(port, server):
    """32 at once."""
    def some():
        for _ in range(SESSIONS // AT_ONCE):
            with connect(port, server) as s:
                s.sendall(b"b")
                s.recv(1)

    threads = [threading.Thread(target=some) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return SESSIONS // AT_ONCE * AT_ONCE


def run_bulk(port, server):
    buffer = bytearray(1 << 18)
    with connect(port, server) as s:
        s.sendall(b"g%d" % BULK)
        while s.recv_into(buffer) > 0:
            pass
    return BULK / 1e9


def run_latency(port, server):
    with connect(port, server) as s:
        start = time.perf_counter()
        for _ in range(TRIPS):
            s.sendall(b"b")
            s.recv(1)
        return (time.perf_counter() - start) / TRIPS * 1e6


class MemoryCgroup:
    """Counts what processes take, and what the kernel takes for them: stacks,
    page tables, sockets, pipes, filters.  MemAvailable would count what other
    processes do meanwhile, and what those that have just ended give back."""

    def __init__(self):
        for root, usage in (("/sys/fs/cgroup/memory", "memory.usage_in_bytes"),
                            ("/sys/fs/cgroup", "memory.current")):
            with contextlib.suppress(OSError):
                self.path = tempfile.mkdtemp(prefix="socks64-bench-", dir=root)
                self.usage = os.path.join(self.path, usage)
                if os.path.exists(self.usage):
                    return
                os.rmdir(self.path)
        raise RuntimeError("no memory cgroup can be made here")

    def add(self, pids):
        for pid in pids:
            with open(os.path.join(self.path, "cgroup.procs"), "w",
                      encoding="ascii") as file:
                file.write(str(pid))

    def settled(self):
        """What it counts once that has been the same for 0.3 s, or after
        5 s."""
        same, last = 0, None
        for _ in range(50):
            with open(self.usage, encoding="ascii") as file:
                now = int(file.read())
            same = same + 1 if now == last else 0
            if same == 3:
                break
            last = now
            time.sleep(0.1)
        return now

    def close(self):
        """The kernel may still be at the last of its processes."""
        for _ in range(50):
            with contextlib.suppress(OSError):
                os.rmdir(self.path)
                return
            time.sleep(0.1)


def run_memory(start, server, connect=connect):
    cgroup, launcher = MemoryCgroup(), start()
    cgroup.add(launcher.pids())
    server.held = []
    connect(launcher.port, server).close()  # the program is in the cache
    before = cgroup.settled()
    held = [connect(launcher.port, server) for _ in range(IDLE)]
    used = cgroup.settled() - before
    for s in held + server.held:
        s.close()
    server.held = None
    launcher.close()
    cgroup.close()
    return used / IDLE / 1024


def programs(build):
    """Handlers, the yardstick first."""
    configuration = os.path.abspath(os.path.join(build, "bench/open.conf"))
    with open(configuration, "w", encoding="ascii") as file:
        file.write("allow all at any\n")
    os.chmod(configuration, 0o644)
    return {
        "bare": [os.path.join(build, "bench/bare")],
        "socks64-handler-static": ["./socks64-handler-static",
                                   "-f", configuration],
        "socks64-handler": ["./socks64-handler", "-f", configuration],
    }


def listening(build):
    """What forks for each connection: the yardstick, and ours (-l)."""
    configuration = os.path.abspath(os.path.join(build, "bench/open.conf"))
    return {
        "bare, that forks": lambda: Daemon(
            [os.path.join(build, "bench/bare-fork"), "18086"], 18086),
        "socks64-handler-static -l": lambda: Daemon(
            ["./socks64-handler-static", "-l", "127.0.0.1:18085",
             "-o", "max-sessions 12000", "-f", configuration], 18085),
    }


def daemons():
    """Servers of other make that are installed, as they are meant to run."""
    known = {
        "microsocks": (["microsocks", "-i", "127.0.0.1",
                        "-p", "18081"], 18081),
        "3proxy": (["3proxy", os.path.join(os.path.dirname(__file__),
                                           "3proxy.cfg")], 18082),
        "danted": (["danted", "-f", os.path.join(os.path.dirname(__file__),
                                                 "danted.conf")], 18083),
        "hev-socks5-server": (["hev-socks5-server", os.path.join(
            os.path.dirname(__file__), "hev.yml")], 18084),
    }
    return {f"{name} (a daemon)": lambda how=how: Daemon(*how)
            for name, how in known.items() if shutil.which(name)}


def candidates(build, launcher):
    """name -> how to start it."""
    found = {name: lambda argv=argv: launcher(build, argv)
             for name, argv in programs(build).items()}
    found.update(listening(build))
    found.update(daemons())
    return found


def cpu_per(run):
    def figure(start, server):
        launcher = start()
        amount = run(launcher.port, server)
        return launcher.close()[1] / amount
    return figure


def plain(run):
    def figure(start, server):
        launcher = start()
        value = run(launcher.port, server)
        launcher.close()
        return value
    return figure


FIGURES = {
    "sessions": ("CPU per session under openbsd-inetd, microseconds", Inetd,
                 cpu_per(run_sessions)),
    "start": ("CPU per session under the least of inetds, microseconds",
              Launcher, cpu_per(run_sessions)),
    "parallel": ("CPU per session, 32 at once, microseconds", Inetd,
                 cpu_per(run_parallel)),
    "bulk": ("CPU per GB relayed, microseconds", Launcher,
             cpu_per(run_bulk)),
    "latency": ("round trip through it, microseconds", Launcher,
                plain(run_latency)),
    "memory": ("memory per idle session, KiB, the kernel's share included",
               Launcher, run_memory),
}


def print_ratios(title, values):
    """A list for each name, the yardstick's first; each round is a pair."""
    print(f"{title} (medians of {ROUNDS} rounds, and of their ratios)")
    base = next(iter(values.values()))
    for name, list_ in values.items():
        ratio = statistics.median(a / b for a, b in zip(list_, base))
        print(f"  {name:26} {statistics.median(list_):12.1f} {ratio:7.2f}")


def compare(server, title, found, figure):
    values = {name: [] for name in found}
    for _ in range(ROUNDS):
        for name, start in found.items():
            values[name].append(figure(start, server))
    print_ratios(title, values)


def run_datagrams(build, port):
    """Microseconds for all of them, and how many were lost."""
    done = subprocess.run(
        [os.path.join(build, "bench/datagrams"), str(port), str(DATAGRAMS),
         str(WINDOW), str(DATAGRAM)],
        stdout=subprocess.PIPE, text=True, check=True)
    return tuple(map(int, done.stdout.split()))


def print_datagrams(build):
    """Through an association to an echo server and back; the yardstick
    relays streams alone, so there are no ratios."""
    found = candidates(build, Launcher)
    del found["bare"]
    values = {name: [] for name in found}
    for _ in range(ROUNDS):
        for name, start in found.items():
            launcher = start()
            try:
                time_taken, lost = run_datagrams(build, launcher.port)
            except subprocess.CalledProcessError:
                values.pop(name, None)  # it has no UDP ASSOCIATE
            cpu = launcher.close()[1]
            if name in values:
                values[name].append((DATAGRAMS * 2e6 / time_taken,
                                     cpu / DATAGRAMS / 2, lost))
    print(f"datagrams of {DATAGRAM} octets, there and back, {WINDOW} on their "
          f"way (median of {ROUNDS})\n"
          f"  {'':26} {'a second':>12} {'CPU us each':>12} {'lost':>7}")
    for name, list_ in values.items():
        rate, cpu, lost = (statistics.median(column)
                           for column in zip(*list_))
        print(f"  {name:26} {rate:12.0f} {cpu:12.2f} {lost:7}")


class FtpServer:
    """On ::1: knows EPSV, EPRT and RETR, which sends BULK octets."""

    def __init__(self):
        self.listener = socket.create_server(("::1", 0),
                                             family=socket.AF_INET6)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            control = self.listener.accept()[0]
            threading.Thread(target=self.serve, args=(control,),
                             daemon=True).start()

    def serve(self, control):
        with control, control.makefile("rw", newline="\r\n") as lines:
            self.talk(lines)

    @staticmethod
    def talk(lines):
        def say(line):
            lines.write(line + "\n")
            lines.flush()
        say("220 ready")
        listener = target = None
        for line in lines:
            if line.startswith("USER"):
                say("230 in")
            elif line.startswith("EPSV"):
                listener = socket.create_server(("::1", 0),
                                                family=socket.AF_INET6)
                say(f"229 ok (|||{listener.getsockname()[1]}|)")
            elif line.startswith("EPRT"):
                target = line.split("|")[2:4]
                say("200 ok")
            else:
                data = listener.accept()[0] if listener else \
                    socket.create_connection((target[0], int(target[1])),
                                             None, ("::1", 0))
                say("150 here")
                block = bytes(1 << 18)
                with data:
                    for _ in range(BULK // len(block)):
                        data.sendall(block)
                say("226 done")


def drain(s):
    buffer = bytearray(1 << 18)
    while s.recv_into(buffer) > 0:
        pass


def socks_to(port, host, target):
    """A SOCKS5 session to an IPv4 or IPv6 address; without its reply."""
    s = socket.create_connection(("127.0.0.1", port))
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    s.sendall(b"\5\1\0\5\1\0" + (b"\4" if ":" in host else b"\1") +
              socket.inet_pton(family, host) + target.to_bytes(2, "big"))
    head = s.recv(6, socket.MSG_WAITALL)
    assert head[3] == 0, head
    s.recv(6 if head[5] == 1 else 18, socket.MSG_WAITALL)
    return s


def run_plain(port, server):
    """The same octets by a CONNECT to ::1 alone."""
    listener = socket.create_server(("::1", 0), family=socket.AF_INET6)

    def send():
        with listener, listener.accept()[0] as data:
            block = bytes(1 << 18)
            for _ in range(BULK // len(block)):
                data.sendall(block)
    thread = threading.Thread(target=send)
    thread.start()
    with socks_to(port, "::1", listener.getsockname()[1]) as s:
        drain(s)
    thread.join()


def run_retr(port, server, active):
    control = socks_to(port, "::1", server.port)
    with control, control.makefile("rw", newline="\r\n") as lines:
        def ask(line):
            lines.write(line + "\n")
            lines.flush()
            return lines.readline()
        lines.readline()
        assert ask("USER a")[:3] == "230"
        if active:
            listener = socket.create_server(("127.0.0.1", 0))
            own = listener.getsockname()[1]
            assert ask(f"PORT 127,0,0,1,{own >> 8},{own & 255}")[:3] == "200"
            ask("RETR x")
            data = listener.accept()[0]
            listener.close()
        else:
            n = [int(word) for word in
                 ask("PASV").split("(")[1].split(")")[0].split(",")]
            data = socks_to(port, ".".join(map(str, n[:4])),
                            n[4] * 256 + n[5])
            ask("RETR x")
        with data:
            drain(data)
        while not lines.readline().startswith("226"):
            pass


def ftp_configuration(build, server):
    """With a table of its own."""
    path = os.path.abspath(os.path.join(build, "bench/ftp.conf"))
    state = tempfile.mkdtemp()
    if os.geteuid() == 0:
        os.chown(state, 65534, 65534)
    with open(path, "w", encoding="ascii") as file:
        file.write(f"allow all at any\nuser 65534\nftp-port {server.port}\n"
                   f"state-dir {state}\n")
    os.chmod(path, 0o644)
    return path, state


class Chain:
    """Two gateways, the second the hop of the first."""

    def __init__(self, build):
        self.hop = Launcher(build, ["./socks64-handler-static", "-o",
                                    "allow at 127.0.0.1"])
        self.first = Launcher(build, [
            "./socks64-handler-static", "-o",
            f"allow at 127.0.0.1 via 127.0.0.1:{self.hop.port}"])
        self.port = self.first.port

    def close(self):
        _, cpu = self.first.close()
        return 0, cpu + self.hop.close()[1]


def print_chain(build):
    """Two gateways against one: twice the relay, and a dial and a handshake
    more at the start."""
    server = Server()
    found = {"one gateway": lambda: Launcher(build, [
        "./socks64-handler-static", "-o", "allow at 127.0.0.1"]),
             "two gateways": lambda: Chain(build)}
    for title, figure in (
            ("CPU per session, microseconds", cpu_per(run_sessions)),
            ("CPU per GB relayed, microseconds", cpu_per(run_bulk)),
            ("round trip, microseconds", plain(run_latency))):
        compare(server, f"chain: {title}", found, figure)


def print_ftp(build):
    """From 127.0.0.1 to ::1, each against the plain relay of the same
    octets."""
    server = FtpServer()
    path, state = ftp_configuration(build, server)
    runs = {"the plain relay": run_plain,
            "RETR, passive": lambda p, s: run_retr(p, s, False),
            "RETR, active": lambda p, s: run_retr(p, s, True)}
    values = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            launcher = Launcher(build, ["./socks64-handler-static", "-f",
                                        path])
            run(launcher.port, server)
            values[name].append(launcher.close()[1] / (BULK / 1e9))
    shutil.rmtree(state)
    print_ratios("CPU per GB of an FTP transfer between families, "
                 "microseconds", values)


def print_passwords():
    """What a session, and a guess, computes."""
    crypt = ctypes.CDLL("libcrypt.so.1").crypt
    crypt.restype = ctypes.c_char_p
    print(f"hash of a password, CPU milliseconds (median of {ROUNDS})")
    for salt in ("$6$saltsaltsaltsalt", "$6$rounds=100000$saltsaltsaltsalt",
                 "$2b$05$" + "s" * 21 + "u", "$2b$10$" + "s" * 21 + "u",
                 "$y$j9T$saltsaltsaltsalts./", "$7$CU..../....saltsaltsalt"):
        times = []
        for _ in range(ROUNDS):
            start = time.process_time()
            if crypt(b"secret", salt.encode())[:1] == b"*":
                break
            times.append(time.process_time() - start)
        if times:
            print(f"  {salt:34} {statistics.median(times) * 1000:9.2f}")


def print_sizes(build):
    print("size of the stripped program, octets")
    for name in ("socks64-handler", "socks64-handler-static"):
        stripped = os.path.join(build, "bench", name + ".stripped")
        subprocess.run(["strip", "-o", stripped, name], check=True)
        print(f"  {name:26} {os.path.getsize(stripped):12}")


def print_rules(build):
    """A block list of 10,000 nets: what reading it adds to each session, and
    what judging one address against all of it costs."""
    path = os.path.abspath(os.path.join(build, "bench/nets"))
    with open(path, "w", encoding="ascii") as file:
        for i in range(5000):
            file.write(f"10.{i // 256}.{i % 256}.0/24 2001:db8:{i:x}::/48\n")
    print("a rule with 10,000 nets, milliseconds")
    runs = [subprocess.run(
        [os.path.join(build, "bench/policy"), "load", f"deny at @{path}"],
        stdout=subprocess.PIPE, text=True, check=True).stdout.split()
            for _ in range(ROUNDS)]
    for what, at in (("read by each session", 1), ("judging one address", 5)):
        median = statistics.median(float(run[at]) for run in runs)
        print(f"  {what:26} {median:12.3f}")


def long_list(path):
    """A million entries.  The names have one label, as `localhost' has, so
    that all are looked for; each is in the place of a longer one."""
    with open(path, "w", encoding="ascii") as file:
        for i in range(LISTED // 10):
            number = (i + 1) * 40503 & 0xFFFFFF
            net = f"{1 + (number >> 16) % 99}.{number >> 8 & 255}." \
                f"{number & 255}"
            names = " ".join(f"advertising-{number:x}-{k} .tracker-{k}{i:x}"
                             for k in range(4))
            file.write(f"{names} {net}.0/24 {net}.{i & 255}\n")
    os.chmod(path, 0o644)
    subprocess.run(["./socks64-handler-static", "--index", path], check=True,
                   stdout=subprocess.DEVNULL)


def connect_by_name(port, server):
    """A SOCKS5 session to the server, as `localhost'."""
    s = socket.create_connection(("127.0.0.1", port))
    s.sendall(b"\5\1\0\5\1\0\3\x09localhost" +
              server.port.to_bytes(2, "big"))
    assert s.recv(12, socket.MSG_WAITALL)[3:4] == b"\0"
    return s


def run_named(port, server):
    for _ in range(SESSIONS):
        with connect_by_name(port, server) as s:
            s.sendall(b"b")
            s.recv(1)
    return SESSIONS


def print_lists(build):
    """An indexed list of a million names and nets, against none."""
    bench = os.path.abspath(os.path.join(build, "bench"))
    path = os.path.join(bench, "million")
    long_list(path)
    rules = {"without a list": "", "a million entries":
             f"deny to @{path}\ndeny at @{path}\n"}
    for name, text in rules.items():
        rules[name] = os.path.join(bench, name.replace(" ", "-") + ".conf")
        with open(rules[name], "w", encoding="ascii") as file:
            file.write(f"prefer ipv4-only\n{text}allow all at any\n")
        os.chmod(rules[name], 0o644)
    ways = {
        "socks64-handler": lambda conf: Launcher(
            build, ["./socks64-handler", "-f", conf]),
        "socks64-handler-static": lambda conf: Launcher(
            build, ["./socks64-handler-static", "-f", conf]),
        "socks64-handler-static -l": lambda conf: Daemon(
            ["./socks64-handler-static", "-l", "127.0.0.1:18085",
             "-f", conf], 18085)}
    server = Server()
    for way, launch in ways.items():
        found = {name: lambda launch=launch, conf=conf: launch(conf)
                 for name, conf in rules.items()}
        compare(server, f"lists: CPU per session of {way}, microseconds",
                found, cpu_per(run_named))
        try:
            compare(server, f"lists: KiB per idle session of {way}", found,
                    lambda start, s: run_memory(start, s, connect_by_name))
        except RuntimeError as why:
            print(f"lists: {why}")


@contextlib.contextmanager
def holding_server():
    """A server that keeps connections, in a process with descriptors of its
    own."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        server = Server()
        server.held = []
        os.write(writing, b"%d\n" % server.port)
        signal.pause()
    yield types.SimpleNamespace(port=int(os.read(reading, 16)))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def print_held(build):
    """Many sessions that do nothing, in the listening mode."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    start = listening(build)["socks64-handler-static -l"]
    programs(build)  # its configuration
    cgroup, daemon = MemoryCgroup(), start()
    cgroup.add(daemon.pids())
    with holding_server() as server:
        connect(daemon.port, server).close()
        before = cgroup.settled()
        held = [connect(daemon.port, server) for _ in range(HELD)]
        used = cgroup.settled() - before
        alive = len(daemon.pids()) - 2
        print(f"{alive} sessions held: {used / 2**20:.0f} MiB, "
              f"{used / HELD / 1024:.1f} KiB each; before the first one "
              f"{before / 2**20:.1f} MiB")
        for s in held:
            s.close()
        daemon.close()
    cgroup.close()


def main():
    build, wanted = sys.argv[1], sys.argv[2:]
    server = Server()
    for name, (title, launcher, figure) in FIGURES.items():
        if not wanted or name in wanted:
            try:
                compare(server, title, candidates(build, launcher), figure)
            except RuntimeError as why:
                print(f"{title}: {why}")
    if not wanted or "held" in wanted:
        print_held(build)
    if not wanted or "datagrams" in wanted:
        print_datagrams(build)
    if not wanted or "ftp" in wanted:
        print_ftp(build)
    if not wanted or "chain" in wanted:
        print_chain(build)
    if not wanted or "units" in wanted:
        units.print_units()
    if "directives" in wanted:  # many minutes
        units.print_directives()
    if not wanted or "passwords" in wanted:
        print_passwords()
    if not wanted or "rules" in wanted:
        print_rules(build)
    if not wanted or "lists" in wanted:
        print_lists(build)
    if not wanted or "size" in wanted:
        print_sizes(build)
    if not wanted or "client" in wanted:
        client.print_client(build)


if __name__ == "__main__":
    main()

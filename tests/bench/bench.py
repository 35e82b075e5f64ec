#!/usr/bin/python3
"""make bench: what a session costs, side by side in one run.

Every figure is a ratio against tests/bench/bare.c, the least that a handler
under inetd can be, measured in turns on this machine.  SOCKS servers of other
make that are installed are added as the daemons that they are.  Nothing here is a test: machines differ, and a budget is for reading.

    bench.py BUILD_DIRECTORY
             [sessions|start|bulk|latency|memory|datagrams|rules|size]...
"""

import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

ROUNDS = 5
SESSIONS = 300
BULK = 1 << 30
TRIPS = 4000
DATAGRAMS = 200000
WINDOW = 32
DATAGRAM = 512
IDLE = 500


class Launcher:
    """A program under the bench's own inetd."""

    def __init__(self, build, argv):
        self.process = subprocess.Popen(
            [os.path.join(build, "bench", "inetd"), *argv],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

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


class Daemon:
    """A server of other make, run as it is meant to be."""

    def __init__(self, argv, port):
        self.process = subprocess.Popen(argv, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL,
                                        start_new_session=True)
        self.port = port
        wait_for_port(port)

    def processes(self):
        """The fields of stat(5) behind the name, of each one it has."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                    fields = f.read().rsplit(")", 1)[1].split()
            except OSError:
                continue  # it has just ended
            if int(fields[3]) == self.process.pid:  # its session
                yield fields

    def cpu(self):
        ticks = sum(int(f[11]) + int(f[12]) for f in self.processes())
        return ticks * 1000000 // os.sysconf("SC_CLK_TCK")

    def close(self):
        used = self.cpu()
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()
        return 0, used


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


def memory_used():
    with open("/proc/meminfo", encoding="ascii") as f:
        values = {line.split(":")[0]: int(line.split()[1]) for line in f}
    return values["MemTotal"] - values["MemAvailable"]


def run_memory(port, server):
    server.held = []
    before = memory_used()
    held = [connect(port, server) for _ in range(IDLE)]
    time.sleep(1)  # page counts settle; nothing is ordered by this
    used = memory_used() - before
    for s in held + server.held:
        s.close()
    server.held = None
    return used / IDLE


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


def daemons():
    """Servers of other make that are installed, as they are meant to run."""
    known = {
        "microsocks": (["microsocks", "-q", "-i", "127.0.0.1",
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
    "bulk": ("CPU per GB relayed, microseconds", Launcher,
             cpu_per(run_bulk)),
    "latency": ("round trip through it, microseconds", Launcher,
                plain(run_latency)),
    "memory": ("memory per idle session, KiB, kernel included", Launcher,
               plain(run_memory)),
}


def compare(server, title, found, figure):
    values = {name: [] for name in found}
    for _ in range(ROUNDS):
        for name, start in found.items():
            values[name].append(figure(start, server))
    print(f"{title} (median of {ROUNDS}, ratio to bare)")
    base = statistics.median(values["bare"])
    for name, list_ in values.items():
        median = statistics.median(list_)
        print(f"  {name:26} {median:12.1f} {median / base:7.2f}")


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


def main():
    build, wanted = sys.argv[1], sys.argv[2:]
    server = Server()
    for name, (title, launcher, figure) in FIGURES.items():
        if not wanted or name in wanted:
            compare(server, title, candidates(build, launcher), figure)
    if not wanted or "datagrams" in wanted:
        print_datagrams(build)
    if not wanted or "rules" in wanted:
        print_rules(build)
    if not wanted or "size" in wanted:
        print_sizes(build)


if __name__ == "__main__":
    main()

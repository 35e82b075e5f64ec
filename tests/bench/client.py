# SPDX-License-Identifier: ISC
"""What a program costs under socks64, in turns with the same program that
speaks SOCKS5 itself, without any of it, and under proxychains4 where that is
installed.  The gateway is a least one, here: what it costs counts for
nobody."""

import contextlib
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading

ROUNDS = 15
CONNECTIONS = 400
STARTS = 100
OCTETS = 300000
DEAD = 20
NAME = "bench.example.com"

REPLY = b"\5\0\0\1" + bytes(6)

LOOP = """
import asyncio, sys, time
async def dial(i):
    try:
        await asyncio.open_connection("dead%d.example.com" % i, 80)
    except OSError:
        pass
async def main():
    tasks = [asyncio.create_task(dial(i)) for i in range(int(sys.argv[1]))]
    end, last, gap = time.monotonic() + 2, time.monotonic(), 0
    while time.monotonic() < end:
        await asyncio.sleep(0.001)
        now = time.monotonic()
        gap, last = max(gap, now - last), now
    print(gap * 1000)
    for task in tasks:
        task.cancel()
asyncio.run(main())
"""


class Gateway:
    """Says yes to everything, or reads and says nothing."""

    def __init__(self, silent=False):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        self.silent, self.kept = silent, []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            sock = self.listener.accept()[0]
            if self.silent:
                self.kept.append(sock)
                continue
            with contextlib.suppress(OSError), sock:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                methods = sock.recv(2, socket.MSG_WAITALL)[1]
                sock.recv(methods, socket.MSG_WAITALL)
                sock.sendall(b"\5\0")
                length = sock.recv(5, socket.MSG_WAITALL)[4]
                sock.recv(length + 2, socket.MSG_WAITALL)
                sock.sendall(REPLY)


def cpu_of(argv, **more):
    """CPU microseconds of a program and its children."""
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, **more)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status != 0:
        raise RuntimeError(f"{argv[0]} failed: {status}")
    return (usage.ru_utime + usage.ru_stime) * 1e6


class Client:
    """How a program is started under each client of that gateway."""

    def __init__(self, port):
        self.ours = ["./socks64", "-q", "-s", f"127.0.0.1:{port}"]
        self.chains = None
        if shutil.which("proxychains4"):
            with tempfile.NamedTemporaryFile(
                    "w", encoding="ascii", delete=False) as file:
                file.write("strict_chain\nproxy_dns\nquiet_mode\n"
                           f"[ProxyList]\nsocks5 127.0.0.1 {port}\n")
            self.chains = ["proxychains4", "-q", "-f", file.name]

    def environment(self):
        """Of what runs under socks64."""
        out = subprocess.run([*self.ours, "--env"], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
        return {**os.environ,
                **dict(re.findall(r"^export (\w+)='(.*)'$", out, re.M))}

    def close(self):
        if self.chains:
            os.unlink(self.chains[-1])


def turns(title, unit, figures):
    """Medians of the rounds, and of the ratios to the first one."""
    values = {name: [] for name in figures}
    for _ in range(ROUNDS):
        for name, figure in figures.items():
            values[name].append(figure())
    base = next(iter(values.values()))
    print(f"{title}, {unit} (medians of {ROUNDS} rounds, and of their ratios)")
    for name, list_ in values.items():
        ratio = statistics.median(a / b for a, b in zip(list_, base))
        print(f"  {name:26} {statistics.median(list_):12.2f} {ratio:7.2f}")


def print_connections(build, client, port):
    """What is left where the program's start is taken off."""
    program = os.path.join(build, "bench/connections")

    def figure(under, kind, host, to):
        def measure():
            def run(n):
                return cpu_of([*under, program, kind, str(n), host, str(to)])
            return (run(CONNECTIONS) - run(0)) / CONNECTIONS
        return measure
    figures = {"itself": figure([], "socks", "127.0.0.1", port),
               "socks64": figure(client.ours, "plain", NAME, 80)}
    if client.chains:
        figures["proxychains4"] = figure(client.chains, "plain", NAME, 80)
    turns("client CPU of a connection; at most 1.25", "microseconds", figures)


def print_starts(client):
    loop = ["sh", "-c", f"i=0; while [ $i -lt {STARTS} ]; do "
            "/bin/true; i=$((i + 1)); done"]
    environment = client.environment()

    def figure(argv, env):
        return lambda: cpu_of(argv + loop, env=env) / STARTS / 1000
    figures = {"plainly": figure([], dict(os.environ)),
               "socks64": figure([], environment)}
    if client.chains:
        figures["proxychains4"] = figure(client.chains, dict(os.environ))
    turns("start of a program; at most 0.2 more", "CPU milliseconds", figures)


def print_others(client):
    dd = ["dd", "if=/dev/zero", "of=/dev/null", "bs=1", f"count={OCTETS}"]
    turns("read(2) and write(2) of other descriptors; at most 1.02",
          "CPU microseconds", {
              "plainly": lambda: cpu_of(dd),
              "socks64": lambda: cpu_of(client.ours + dd)})


# What a handshake is made of, however it waits.
HANDSHAKE = "socket", "connect", "sendto", "recvfrom", "ppoll", "close"


def calls_of(argv, trace):
    """System calls: all, and those that are none of a handshake's."""
    subprocess.run(["strace", "-f", "-o", trace, *argv], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(trace, encoding="utf-8", errors="replace") as file:
        calls = re.findall(r"^\d+ +(\w+)\(", file.read(), re.M)
    return len(calls), sum(1 for call in calls if call not in HANDSHAKE)


def print_calls(build, client, port):
    if not shutil.which("strace"):
        return
    program = os.path.join(build, "bench/connections")
    with tempfile.TemporaryDirectory() as place:
        def per_connection(under, kind, host, to):
            counts = [calls_of([*under, program, kind, str(n), host, str(to)],
                               os.path.join(place, "trace"))
                      for n in (1, 101)]
            return [(b - a) / 100 for a, b in zip(*counts)]
        own, _ = per_connection([], "socks", "127.0.0.1", port)
        ours, beside = per_connection(client.ours, "plain", NAME, 80)
        print("system calls of a connection; at most 6 beside the handshake's "
              f"own\n  itself {own:.1f}, socks64 {ours:.1f}, of them beside "
              f"the handshake {beside:.1f}")


def dirty_of(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return int(re.search(r"Private_Dirty: +(\d+)", file.read())[1])


def print_memory(build, client, port):
    program = os.path.join(build, "bench/connections")

    def held(argv):
        process = subprocess.Popen(argv, stdout=subprocess.PIPE)
        process.stdout.read(1)
        dirty = dirty_of(process.pid)
        process.kill()
        process.wait()
        return dirty
    plain = held([program, "hold", "0", "127.0.0.1", "9"])
    ours = held([*client.ours, program, "hold", "0", "127.0.0.1", "9"])
    after = held([*client.ours, program, "hold", "1", NAME, "80"])
    print("private memory that is written to, KiB; at most 64 more\n"
          f"  plainly {plain}, under socks64 {ours}, "
          f"after a connection {after}")


def print_gaps():
    gateway = Gateway(silent=True)
    client = Client(gateway.port)

    def gap(under, dead):
        return float(subprocess.run(
            [*under, sys.executable, "-c", LOOP, str(dead)], check=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)
    pairs = [(gap([], 0), gap(client.ours, DEAD)) for _ in range(5)]
    own, ours = map(statistics.median, zip(*pairs))
    print(f"longest gap of a loop over {DEAD} dead destinations; at most 50\n"
          f"  over none {own:.1f} ms, under socks64 {ours:.1f} ms")
    client.close()


def print_size(build):
    stripped = os.path.join(build, "bench/libsocks64.stripped")
    subprocess.run(["strip", "-o", stripped, "libsocks64.so"], check=True)
    print("size of libsocks64.so, stripped; at most 80\n"
          f"  {os.path.getsize(stripped) / 1024:.1f} KiB")


def print_client(build):
    gateway = Gateway()
    client = Client(gateway.port)
    print_connections(build, client, gateway.port)
    print_starts(client)
    print_others(client)
    print_calls(build, client, gateway.port)
    print_memory(build, client, gateway.port)
    print_gaps()
    print_size(build)
    client.close()

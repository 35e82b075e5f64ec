#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""make load: many sessions at once, and every octet is looked at.

    load.py [--table PAGE] [--only relaying|idle|attackers]
            BUILD HANDLER STATIC

relaying: 2,000 sessions at once over the four pairs of families, which send
both ways together.  idle: 10,000 sessions that do nothing, with a bound on
their memory; then each of them relays.  attackers: 1,000 clients that mean no
good beside good ones, which must not notice.  Each is tried with both links,
with a process for each connection and in the listening mode.

Status 1, and a line for each rule that was broken.  Needs root, and namespaces
of its own: tests/load/run.
"""
import argparse
import asyncio
import collections
import contextlib
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "bench"))
import apart
import bench
import gateway
import octets
sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "lib"))
import page

RELAYING, IDLE, ATTACKERS, GOOD, GOOD_AT_ONCE = 2000, 10000, 1000, 300, 20
HANDSHAKES = 100  # at once, while many sessions are opened
LARGEST = 400000  # octets of a stream
IDLE_OCTETS = 100
# KiB for an idle session, with all that the kernel takes: 2 GiB for 10,000.
BOUND = (2 << 20) / IDLE
PATIENCE = 120  # seconds, for what takes one
DRIP = 0.2
OPTIONS = ("log-to stderr", "log-level debug", "user nobody",
           "allow all at any", "handshake-timeout 20s", "idle-timeout 20s")
LONG = ("log-to stderr", "log-level debug", "user nobody", "allow all at any",
        "idle-timeout 1h")
LOCAL = ("127.0.0.1", "::1")
ELSEWHERE = ("127.0.0.2", "fd64::2")  # where attackers are
PORT = 18190


# -------------------------------------------------------------- the servers

async def flood(_, writer):
    """More than anybody takes."""
    with contextlib.suppress(OSError):
        while True:
            writer.write(octets.BLOCK[:65536])
            await writer.drain()
    writer.close()


async def servers(pipe):
    """Two on each family; answers "seen" with what they saw since."""
    octets.expect_resets()
    server = octets.Server(PATIENCE)
    ports = []
    for serve in (server.serve, flood):
        four = await asyncio.start_server(serve, LOCAL[0], 0, backlog=4096)
        port = four.sockets[0].getsockname()[1]
        await asyncio.start_server(serve, LOCAL[1], port, backlog=4096)
        ports.append(port)
    pipe.send(ports)
    while True:
        await apart.receive(pipe)
        pipe.send(await server.settled(PATIENCE))


# -------------------------------------------------------------- the gateways

class Way:
    """A link, and how connections come to it."""

    def __init__(self, name, handler, kind):
        self.name, self.handler, self.kind = name, handler, kind

    @contextlib.contextmanager
    def started(self, options, report):
        """Its addresses; behind that, report has sessions and left."""
        addresses = [(host, PORT) for host in LOCAL]
        if self.kind is gateway.Listening:
            options = (*options, "max-sessions 12000")
        with tempfile.TemporaryFile() as log:
            served = self.kind(gateway.words(self.handler, options),
                               addresses, log)
            yield addresses
            report["sessions"], report["left"] = served.stop(PATIENCE)


def ways(handler, static):
    return [Way(f"{os.path.basename(path)}{mode}", path, kind)
            for path in (static, handler)
            for mode, kind in (("", gateway.Inetd),
                               (" -l", gateway.Listening))]


# ----------------------------------------------------------- good sessions

Seen = collections.namedtuple("Seen", "number client end up down took")


def families(number):
    """Of the client, of the server."""
    return number % 2, number // 2 % 2


async def opened(addresses, port, number):
    here, there = families(number)
    streams = await octets.connect(addresses[here])
    await octets.ask(streams, octets.CONNECT, LOCAL[there], port)
    return streams


async def relayed(streams, number, most):
    began = time.monotonic()
    random_ = random.Random(number)
    up, down = random_.randrange(most), random_.randrange(most)
    client = gateway.text_of(streams[1].get_extra_info("sockname"))
    end = await octets.talk(streams, number, up, down, number % 5 == 0)
    streams[1].close()
    return Seen(number, client, end, up, down, time.monotonic() - began)


async def all_opened(addresses, port, count):
    gate = asyncio.Semaphore(HANDSHAKES)

    async def one(number):
        async with gate:
            return await opened(addresses, port, number)
    return await asyncio.gather(*map(one, range(count)))


def judge(seen, servers_saw, report):
    """A line for each session that was not whole."""
    for s in seen:
        server = servers_saw.get(s.number, octets.NOTHING)
        session = report["sessions"].get(s.client)
        if s.end != (s.down, True, "fin"):
            yield f"session {s.number}: the client saw {s.end} of {s.down}"
        if server != (s.up, True, "fin"):
            yield f"session {s.number}: the server saw {server} of {s.up}"
        if session is None or session.result != "ok" or session.status not in (
                0, None):
            yield f"session {s.number}: {session}"
    yield from (f"left: {who}" for who in report["left"])


# --------------------------------------------------------------- relaying

async def relay_all(addresses, port):
    octets.expect_resets()
    streams = await all_opened(addresses, port, RELAYING)
    began = time.monotonic()
    seen = await asyncio.gather(*(relayed(s, number, LARGEST) for number, s
                                  in enumerate(streams)))
    return seen, time.monotonic() - began


def relaying(options, peers):
    """Rows of the table; prints what was wrong."""
    rows, broken = [], []
    for way in ways(options.handler, options.static):
        report = {}
        with way.started(LONG, report) as addresses:
            seen, took = asyncio.run(relay_all(addresses, peers.first[0]))
        wrong = list(judge(seen, peers.ask("seen"), report))
        broken += [f"relaying, {way.name}: {line}" for line in wrong]
        rows.append((way.name, RELAYING,
                     f"{sum(s.up + s.down for s in seen) / 1e6:.0f} MB",
                     f"{took:.0f} s", len(wrong)))
        print("relaying:", *rows[-1], flush=True)
    head = ("sessions at once", "how many", "octets", "took",
            "rules broken")
    return page.table(head, rows), broken


# ------------------------------------------------------------------- idle

def holders(options):
    """name -> what is started, and how many processes it has besides its
    sessions."""
    configuration = os.path.join(options.build, "bench/load.conf")
    with open(configuration, "w", encoding="ascii") as file:
        file.write("\n".join(LONG[1:] + ("max-sessions 12000",)) + "\n")
    os.chmod(configuration, 0o644)
    argv = [options.static, "-f", os.path.abspath(configuration)]
    name = os.path.basename(options.static)
    return {
        name: (lambda: bench.Launcher(options.build, argv), 1),
        f"{name} -l": (lambda: bench.Daemon(
            [*argv, "-l", f"127.0.0.1:{PORT}"], PORT), 2),
    }


async def hold(launched, cgroup, port):
    """KiB for each, and what they saw when they relayed at last."""
    octets.expect_resets()
    addresses = [("127.0.0.1", launched.port)] * 2
    await relayed(await opened(addresses, port, IDLE), IDLE, IDLE_OCTETS)
    before = cgroup.settled()
    streams = await all_opened(addresses, port, IDLE)
    used = (cgroup.settled() - before) / IDLE / 1024
    there = len(pids(cgroup))
    seen = await asyncio.gather(*(relayed(s, number, IDLE_OCTETS)
                                  for number, s in enumerate(streams)))
    return used, there, seen


def pids(cgroup):
    with open(os.path.join(cgroup.path, "cgroup.procs"),
              encoding="ascii") as file:
        return list(map(int, file.read().split()))


def wait_for_few(cgroup, count):
    """Until no more than so many processes are left; how many that are."""
    end = time.monotonic() + PATIENCE
    while len(pids(cgroup)) > count and time.monotonic() < end:
        time.sleep(0.1)
    return len(pids(cgroup))


def idle_one(start, others, port):
    cgroup, launched = bench.MemoryCgroup(), start()
    try:
        cgroup.add(launched.pids())
        used, there, seen = asyncio.run(hold(launched, cgroup, port))
        left = wait_for_few(cgroup, others) - others
        launched.close()
    finally:
        for pid in pids(cgroup):  # it was interrupted
            os.kill(pid, signal.SIGKILL)
        cgroup.close()
    return used, there - others, seen, left


def idle(options, peers):
    rows, broken = [], []
    for name, (start, others) in holders(options).items():
        used, there, seen, left = idle_one(start, others, peers.first[0])
        saw = peers.ask("seen")
        whole = sum(s.end == (s.down, True, "fin") and
                    saw.get(s.number) == (s.up, True, "fin") for s in seen)
        if used > BOUND:
            broken.append(f"idle, {name}: {used:.1f} KiB for a session")
        if (there, whole, left) != (IDLE, IDLE, 0):
            broken.append(f"idle, {name}: {there} processes, {whole} streams "
                          f"whole, {left} processes left")
        rows.append((name, there, f"{used:.0f} KiB",
                     f"{used * IDLE / 1024:.0f} MiB", whole, left))
        print("idle:", *rows[-1], flush=True)
    head = ("idle sessions", "how many", "each", "all", "whole at last",
            "processes left")
    return page.table(head, rows), broken


# -------------------------------------------------------------- attackers

class Attack:
    """A crowd that begins again where it was thrown out."""

    def __init__(self, addresses, flooding):
        self.addresses, self.flooding = addresses, flooding
        self.loop = asyncio.get_running_loop()
        self.attacks = 0
        kinds = (self.slow_greeting, self.drip, self.deaf, self.half_open)
        self.tasks = [asyncio.ensure_future(self.go_on(kinds[i % 4], i))
                      for i in range(ATTACKERS)]

    async def go_on(self, kind, i):
        while True:
            here = self.addresses[i // 4 % 2]
            family = socket.AF_INET6 if ":" in here[0] else socket.AF_INET
            with socket.socket(family) as sock:
                sock.setblocking(False)
                with contextlib.suppress(OSError):
                    sock.bind((ELSEWHERE[":" in here[0]], 0))
                    await self.loop.sock_connect(sock, here)
                    self.attacks += 1
                    await kind(sock)

    async def until_thrown_out(self, sock):
        while await self.loop.sock_recv(sock, 4096):
            pass

    async def slow_greeting(self, sock):
        """One octet, and then nothing."""
        await self.loop.sock_sendall(sock, b"\5")
        await self.until_thrown_out(sock)

    async def drip(self, sock):
        """A request with a long name, one octet at a time."""
        for octet in b"\5\1\0\5\1\0\3\xff" + b"a" * 255:
            await self.loop.sock_sendall(sock, bytes((octet,)))
            await asyncio.sleep(DRIP)

    async def deaf(self, sock):
        """Asks for a flood and never reads."""
        await self.loop.sock_sendall(
            sock, b"\5\1\0\5\1\0\1\x7f\0\0\1" +
            self.flooding.to_bytes(2, "big"))
        await asyncio.sleep(3600)

    async def half_open(self, sock):
        """Not an octet."""
        await self.until_thrown_out(sock)

    async def stop(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def good_ones(addresses, port, first):
    gate = asyncio.Semaphore(GOOD_AT_ONCE)

    async def one(number):
        async with gate:
            began = time.monotonic()
            streams = await opened(addresses, port, number)
            seen = await relayed(streams, number, LARGEST // 4)
            return seen._replace(took=time.monotonic() - began)
    return await asyncio.gather(*map(one, range(first, first + GOOD)))


async def attack(addresses, ports):
    """The good ones alone, then beside the others; how many attacks."""
    octets.expect_resets()
    alone = await good_ones(addresses, ports[0], 0)
    crowd = Attack(addresses, ports[1])
    while crowd.attacks < ATTACKERS:
        await asyncio.sleep(0.1)
    beside = await good_ones(addresses, ports[0], GOOD)
    await crowd.stop()
    return alone, beside, crowd.attacks


def milliseconds(seen):
    times = sorted(s.took * 1e3 for s in seen)
    return f"{statistics.median(times):.0f}, {times[-len(times) // 100]:.0f}"


def attackers(options, peers):
    rows, broken = [], []
    for way in ways(options.handler, options.static):
        report = {}
        with way.started(OPTIONS, report) as addresses:
            alone, beside, attacks = asyncio.run(attack(addresses,
                                                        peers.first))
        wrong = list(judge(alone + beside, peers.ask("seen"), report))
        wrong += [f"killed: {session}" for session in
                  report["sessions"].values() if (session.status or 0) < 0]
        broken += [f"attackers, {way.name}: {line}" for line in wrong]
        rows.append((way.name, attacks, GOOD, milliseconds(alone),
                     milliseconds(beside), len(wrong)))
        print("attackers:", *rows[-1], flush=True)
    head = (f"{ATTACKERS} attackers", "attacks", "good sessions",
            "alone: median, p99 (ms)", "beside them", "rules broken")
    return page.table(head, rows), broken


PARTS = {"relaying": relaying, "idle": idle, "attackers": attackers}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--table")
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("build")
    parser.add_argument("handler")
    parser.add_argument("static")
    options = parser.parse_args()
    apart.end_by_sigterm()
    subprocess.run(["ip", "address", "add", ELSEWHERE[1], "dev", "lo",
                    "nodad"], check=True)
    apart.many_descriptors()
    peers = apart.Apart(servers)
    lines, broken = [], []
    for name, part in PARTS.items():
        if options.only in (None, name):
            table, wrong = part(options, peers)
            print("\n".join(wrong[:20]), flush=True)
            lines += [*table, ""]
            broken += wrong
    peers.end()
    print(f"{len(broken)} rules broken")
    if options.table:
        page.replace(options.table, "load", "\n".join(
            [page.heading("make load."), "", *lines[:-1]]))
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()

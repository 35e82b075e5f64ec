#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Crowds in the listening mode: what takes minutes and is no figure of
bench.py (make listening).

    crowds.py BUILD [storms|held]

storms: 2,000 connections at once, which none may lose; the time from
connect(2) to an echoed octet, and the CPU of the server, beside Dante where it
is installed.  held: 10,000 sessions that talk now and then while the
configuration changes every second; each octet comes back.  Status 1, and a
line, when something is not as it must be.
"""
import asyncio
import contextlib
import hashlib
import multiprocessing
import os
import random
import resource
import signal
import statistics
import sys
import time

import bench

AT_ONCE, STORMS = 2000, 3
HELD, TURNS, CHUNK = 10000, 3, 700
ECHO_PORT = 18090
PATIENCE = 120  # seconds, for one connection in the crowd


# ------------------------------------------------------------ both ends

async def echo(reader, writer):
    with contextlib.suppress(ConnectionError):
        while octets := await reader.read(65536):
            writer.write(octets)
    writer.close()


async def echo_server():
    server = await asyncio.start_server(echo, "127.0.0.1", ECHO_PORT,
                                        backlog=4096)
    async with server:
        await server.serve_forever()


@contextlib.contextmanager
def serving():
    """The echo server, in a process of its own."""
    process = multiprocessing.Process(target=lambda: asyncio.run(
        echo_server()), daemon=True)
    process.start()
    bench.wait_for_port(ECHO_PORT)
    yield
    process.kill()
    process.join()


async def session(port):
    """A session to the echo server; its streams."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"\5\1\0")
    assert await reader.readexactly(2) == b"\5\0"
    writer.write(b"\5\1\0\1\x7f\0\0\1" + ECHO_PORT.to_bytes(2, "big"))
    assert (await reader.readexactly(10))[1] == 0
    return reader, writer


async def talk(streams, octets):
    reader, writer = streams
    writer.write(octets)
    return await reader.readexactly(len(octets))


# --------------------------------------------------------------- storms

async def visit(port):
    """Seconds that it took; None where it was lost."""
    start = time.monotonic()
    try:
        async with asyncio.timeout(PATIENCE):
            streams = await session(port)
            await talk(streams, b"b")
    except (OSError, EOFError, AssertionError, TimeoutError):
        return None
    streams[1].close()
    return time.monotonic() - start


async def storm(port):
    return await asyncio.gather(*(visit(port) for _ in range(AT_ONCE)))


def percentile(times, share):
    return sorted(times)[int(len(times) * share)]


def measure_storm(start):
    daemon = start()
    asyncio.run(storm_once(daemon.port))  # the program is in the cache
    before = daemon.cpu()
    times = asyncio.run(storm(daemon.port))
    served = [t for t in times if t is not None]
    used = daemon.close()[1] - before
    return {"lost": AT_ONCE - len(served), "CPU": used / AT_ONCE,
            "p50": percentile(served, 0.5) * 1e3,
            "p99": percentile(served, 0.99) * 1e3}


async def storm_once(port):
    await visit(port)


def storms(build):
    bench.programs(build)  # its configuration
    found = {"bare, that forks": None, "socks64-handler-static -l": None}
    known = {**bench.listening(build), **bench.daemons()}
    found = {name: start for name, start in known.items()
             if name in found or name.startswith("danted")}
    rows = {name: [] for name in found}
    for _ in range(STORMS):
        for name, start in found.items():
            rows[name].append(measure_storm(start))
    print(f"{AT_ONCE} connections at once (medians of {STORMS} storms, the "
          "sum of what was lost)")
    print(f"  {'':28}{'lost':>6}{'CPU, us':>10}{'p50, ms':>10}{'p99, ms':>10}")
    for name, all_ in rows.items():
        print(f"  {name:28}{sum(row['lost'] for row in all_):6}" + "".join(
            f"{statistics.median(row[what] for row in all_):10.0f}"
            for what in ("CPU", "p50", "p99")))
    return sum(row["lost"] for row in rows["socks64-handler-static -l"])


# ----------------------------------------------------------------- held

async def hold(port, gate):
    """One session: it talks TURNS times; the digest of what came back."""
    sent, got = hashlib.sha256(), hashlib.sha256()
    async with gate:
        streams = await session(port)
    for _ in range(TURNS):
        await asyncio.sleep(random.random() * 10)
        octets = os.urandom(random.randrange(1, CHUNK))
        sent.update(octets)
        got.update(await talk(streams, octets))
    return streams, sent.digest() == got.digest()


def configure(path, comment):
    with open(path, "w", encoding="ascii") as file:
        file.write(f"allow all at any\n{comment}\n")
    os.chmod(path, 0o644)


async def change(path, changes):
    """Another configuration every second, as a whole."""
    while True:
        changes.append(1)
        configure(path + ".new", f"# {len(changes)}")
        os.rename(path + ".new", path)
        await asyncio.sleep(1)


async def hold_all(port, path):
    changes, gate = [], asyncio.Semaphore(500)
    changing = asyncio.create_task(change(path, changes))
    results = await asyncio.gather(*(hold(port, gate) for _ in range(HELD)),
                                   return_exceptions=True)
    kept = [r for r in results if not isinstance(r, BaseException)]
    for why in {repr(r) for r in results if isinstance(r, BaseException)}:
        print(f"lost: {why}")
    # All of them at once, once more.
    last = await asyncio.gather(*(talk(streams, b"still there")
                                  for streams, _ in kept))
    changing.cancel()
    whole = sum(same for _, same in kept)
    return len(changes), whole, last.count(b"still there")


def held(build):
    bench.programs(build)
    path = os.path.abspath(os.path.join(build, "bench/held.conf"))
    configure(path, "# the first one")
    daemon = bench.Daemon(["./socks64-handler-static", "-l",
                           "127.0.0.1:18085", "-o", "max-sessions 12000",
                           "-f", path], 18085)
    changes, whole, alive = asyncio.run(hold_all(daemon.port, path))
    daemon.close()
    print(f"{HELD} sessions held, {changes} changes of the configuration "
          f"meanwhile: {alive} alive at the end, {whole} digests equal")
    return HELD - min(whole, alive)


def main():
    build, *wanted = sys.argv[1:]
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    lost = 0
    with serving():
        for name, work in (("storms", storms), ("held", held)):
            if not wanted or name in wanted:
                lost += work(build)
    sys.exit(f"{lost} sessions were lost" if lost else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Clients of two gateways behind a balancer, each from its own address.

    balanced.py [--login USER:PASSWORD] [--version-1] BALANCER SERVER
        LOG1 LOG2 [VICTIM]

BALANCER and SERVER (which echoes) are ADDRESS:PORT.  The clients are
192.0.2.100 to .115.  Each gateway's records are in its LOG.  With VICTIM, a
network namespace, all in it are killed between: sessions of the other gateway
must not notice, and clients of the dead one must be served there.
"""
import argparse
import os
import re
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "peers"))
import socks
import streams

SOURCES = [f"192.0.2.{n}" for n in range(100, 116)]
PATIENCE = 30.0


class Client:
    """A session from an address; raises OSError or Mismatch."""

    def __init__(self, arguments, source):
        self.sock = socket.create_connection(
            socks.parse_endpoint(arguments.balancer), PATIENCE, (source, 0))
        self.name = socks.text_of(self.sock.getsockname())
        greeting, answer = socks.GREETING, b"\5\0"
        if arguments.login:
            user, _, word = arguments.login.encode().partition(b":")
            greeting = (b"\5\1\2\1" + bytes((len(user),)) + user +
                        bytes((len(word),)) + word)
            answer = b"\5\2\1\0"
        host, port = socks.parse_endpoint(arguments.server)
        self.sock.sendall(greeting + socks.request(host, port))
        got = streams.receive_exactly(self.sock, len(answer) + 10)
        if got[:len(answer) + 2] != answer + b"\5\0":
            raise socks.Mismatch(f"{source}: {got.hex() or 'closed'}")

    def exchange(self, octets):
        self.sock.sendall(octets)
        got = streams.receive_exactly(self.sock, len(octets))
        if got != octets:
            raise socks.Mismatch(f"{self.name}: {len(got)} octets came back")

    def end(self):
        self.sock.shutdown(socket.SHUT_WR)
        if self.sock.recv(1):
            raise socks.Mismatch(f"{self.name}: more came")
        self.sock.close()


def patiently(function, *arguments):
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return function(*arguments)
        except (OSError, socks.Mismatch):
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def records(log):
    with open(log, encoding="ascii") as lines:
        return re.findall(r"(\S+) client=(\S+) ", lines.read())


def gateway_of(arguments, name):
    """Which of the two has a record of that client; it must be ok."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for number, log in enumerate((arguments.log1, arguments.log2), 1):
            for result, client in records(log):
                if client == name:
                    if result != "ok":
                        raise socks.Mismatch(f"{name}: {result}")
                    return number
        time.sleep(0.02)
    raise socks.Mismatch(f"no record of {name}")


def sweep(arguments):
    """One session from each address: which gateway had it."""
    had = {}
    for source in SOURCES:
        client = Client(arguments, source)
        client.exchange(b"x" * 1000)
        client.end()
        had[source] = gateway_of(arguments, client.name)
    return had


def all_records(arguments):
    """Of version 1 a health check is a session of the balancer."""
    balancer = arguments.balancer.rsplit(":", 1)[0] + ":"
    return sum(not (arguments.version_1 and client.startswith(balancer))
               for log in (arguments.log1, arguments.log2)
               for _, client in records(log))


def check_both(arguments):
    first = patiently(Client, arguments, SOURCES[0])
    first.end()
    gateway_of(arguments, first.name)
    time_enough = time.monotonic() + PATIENCE
    before = all_records(arguments)
    had = sweep(arguments)
    while set(had.values()) != {1, 2} and time.monotonic() < time_enough:
        had = sweep(arguments)  # the second was not up yet
        before = all_records(arguments) - len(SOURCES)
    if set(had.values()) != {1, 2}:
        raise socks.Mismatch(f"one gateway alone: {had}")
    if sweep(arguments) != had:
        raise socks.Mismatch("a client changed its gateway")
    # Health checks came meanwhile, and left no record.
    if all_records(arguments) != before + 2 * len(SOURCES):
        raise socks.Mismatch("there are records of more than sessions")
    return had


def kill_all(namespace):
    pids = subprocess.run(["ip", "netns", "pids", namespace], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    for pid in map(int, pids.split()):
        os.kill(pid, signal.SIGKILL)


def check_death(arguments, had):
    dead = next(source for source in SOURCES if had[source] == 1)
    alive = next(source for source in SOURCES if had[source] == 2)
    lost, held = Client(arguments, dead), Client(arguments, alive)
    lost.exchange(b"before")
    held.exchange(b"before")
    kill_all(arguments.victim)
    held.exchange(b"y" * 100000)
    try:
        if lost.sock.recv(1):
            raise socks.Mismatch("the dead gateway's session says something")
    except ConnectionError:
        pass
    for source in SOURCES:
        client = Client(arguments, source)
        client.exchange(b"after")
        client.end()
        if gateway_of(arguments, client.name) != 2:
            raise socks.Mismatch(f"{source} is not at the other")
    held.exchange(b"z" * 100000)
    held.end()
    gateway_of(arguments, held.name)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--login")
    parser.add_argument("--version-1", action="store_true")
    for name in ("balancer", "server", "log1", "log2"):
        parser.add_argument(name)
    parser.add_argument("victim", nargs="?")
    arguments = parser.parse_args()
    try:
        had = check_both(arguments)
        if arguments.victim:
            check_death(arguments, had)
    except (OSError, socks.Mismatch) as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()

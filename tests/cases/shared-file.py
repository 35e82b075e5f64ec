#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Sessions that share a table with a process that an attacker took over.

    shared-file.py HANDLER CHECK

The clients come from 127.0.0.1, the FTP server is ::1; this process writes
the file of the table as such a process could.
"""
import importlib
import ipaddress
import mmap
import os
import random
import struct
import sys
import threading
import time

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "peers"))
import handshake
import streams

data_of = importlib.import_module("ftp-data")
ftp = data_of.ftp
Failure, check = data_of.Failure, data_of.check

HEADER, SLOT, SLOTS = 4096, 1024, 4096
TOP, BODY = 60, 8
CONTROL, DATA = 2, 3
SCRIBBLED_SECONDS = 30


def packed(address, port=0):
    octets = ipaddress.ip_address(address).packed
    return struct.pack("=BBH16s", {4: 1, 16: 2}[len(octets)], 0, port, octets)


def slot(kind, client, server, port, name=b""):
    """share/layout.h: an entry of that client, without a login."""
    now = int(time.monotonic() * 1000)
    owner = (packed(client) + struct.pack("=I", 0) +
             b"none".ljust(14, b"\0")).ljust(296, b"\0")
    body = (struct.pack("=qqqq", now, now, now + 60000, now) + owner +
            struct.pack("=II", 0, 1) +
            packed(server, port).ljust(160, b"\0") + name.ljust(254, b"\0"))
    return struct.pack("=II", kind, 1) + body


class Table:
    """The file of a machine, once a session has made it."""

    def __init__(self, machine):
        path = os.path.join(machine.state, "associations")
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 0)

    def forge(self, *slots):
        for i, octets in enumerate(slots):
            at = HEADER + i * SLOT
            self.map[at:at + len(octets)] = octets
        self.map[TOP:TOP + 4] = struct.pack("=I", len(slots))

    def is_empty(self):
        return not any(self.map[HEADER:])


def denied_above(program):
    """An explicit deny holds for what the server announces."""
    m = data_of.Machine(program)
    try:
        data = m.listen(0)
        port = data.getsockname()[1]
        below = m.rules
        m.rules = ["-o", f"deny at loopback port {port}"] + m.rules
        _, client, server = m.control_session()
        data_of.passive(client, server, port, b"EPSV")
        check("REP of a denied port", m.data_rep("::1", port), 2)
        m.rules = below + m.rules[:2]
        data_of.passive(client, server, port, b"EPSV")
        check("REP where the deny stands below", m.data_rep("::1", port), 0)
        m.rules = ["-o", "deny bind"] + below
        check("REP of a denied BIND",
              m.ask(m.session(), "::1", 0, data_of.socks.BIND)[0], 2)
        data.close()
    finally:
        m.end()


def forged(program):
    """What nobody announced: the rules decide whether it could have been."""
    m = data_of.Machine(program)
    try:
        data = m.listen(0)
        port = data.getsockname()[1]
        check("REP before", m.data_rep("::1", port), 2)
        table = Table(m)
        announced = slot(DATA, "127.0.0.1", "::1", port)
        table.forge(announced)
        check("REP without a control connection", m.data_rep("::1", port), 2)
        for control in (port, 22):
            table.forge(announced,
                        slot(CONTROL, "127.0.0.1", "::1", control))
            check("REP, whose port is not FTP's", m.data_rep("::1", port), 2)
        table.forge(slot(DATA, "127.0.0.1", "::1", 25),
                    slot(CONTROL, "127.0.0.1", "::1", m.port))
        check("REP of a service", m.data_rep("::1", 25), 2)
        m.rules = ["-o", f"allow from 127.0.0.2 at loopback port {m.port}",
                   "-o", "allow from 127.0.0.1 at 192.0.2.1"]
        both = (announced, slot(CONTROL, "127.0.0.1", "::1", m.port))
        table.forge(*both)
        check("REP where no rule allows it", m.data_rep("::1", port), 2)
        m.rules = ["-o", f"allow at loopback port {m.port}"]
        table.forge(*both)
        check("REP of what could be so", m.data_rep("::1", port), 0)
        data.close()
    finally:
        m.end()


def no_traces(program):
    """Who is denied leaves nothing in the table."""
    m = data_of.Machine(program)
    try:
        m.rules = ["-o", "allow from 192.0.2.1"]
        for n in range(1, 10):
            check("REP", m.data_rep(f"0.1.2.{n}", 50000), 2)
            check("REP", m.data_rep("::1", m.port), 2)
        check("the table is empty", Table(m).is_empty(), True)
    finally:
        m.end()


def scribble(table, stop):
    """Numbers, strings and owners at any place of the slots in use, and how
    many those are; never the rest of the header."""
    wild = (0, 1, 2, 3, 8, 9, 64, 255, 65536, 0x7fffffff, 0x80000000,
            0xffffffff)
    dice = random.Random(1)
    while not stop.is_set():
        at = HEADER + dice.randrange(8) * SLOT + 4 * dice.randrange(200)
        if dice.randrange(50) == 0:
            at = TOP
        table.map[at:at + 4] = struct.pack(
            "=I", dice.choice(wild) if dice.randrange(2) else
            dice.getrandbits(32))
        time.sleep(0.0001)


def one_session(m, port):
    """FTP with a data connection, an alias and a BIND, as far as it goes."""
    waiting = None
    try:
        _, client, server = m.control_session()
        host = data_of.passive(client, server, port)
        m.data_rep(host, port)
        m.data_rep("::1", port)
        waiting = m.session()
        _, told = m.ask(waiting, "::1", 0, data_of.socks.BIND)
        data_of.active(client, server, told)
    except (Failure, ftp.Failure, OSError, struct.error, IndexError):
        pass  # what is destroyed may fail; it may not crash
    for gate in m.sessions:
        gate.client.close()
        gate.process.terminate()
        status = gate.process.wait(data_of.DEADLINE)
        check("the end of a session", status, 0)
    m.sessions.clear()


def scribbled(program):
    m = data_of.Machine(program)
    stop = threading.Event()
    try:
        m.rules = ["-o", "allow connect bind at loopback"]
        data = m.listen(0)
        one_session(m, data.getsockname()[1])
        table = Table(m)
        thread = threading.Thread(target=scribble, args=(table, stop))
        thread.start()
        until = time.monotonic() + SCRIBBLED_SECONDS
        while time.monotonic() < until:
            one_session(m, data.getsockname()[1])
        data.close()
    finally:
        stop.set()
        m.end()


CHECKS = {check.__name__.replace("_", "-"): check for check in (
    denied_above, forged, no_traces, scribbled)}


def main():
    try:
        CHECKS[sys.argv[2]](sys.argv[1])
    except (Failure, ftp.Failure, handshake.Failure, OSError,
            struct.error) as failure:
        sys.exit(f"{type(failure).__name__}: {failure}")


if __name__ == "__main__":
    main()

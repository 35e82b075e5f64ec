#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""make soak: sessions of each kind over bad cables, and every octet is looked
at.

    soak.py [--table PAGE] [--minutes N] HANDLER STATIC

A client, the gateway and the servers are in networks of their own; cable.py
carries packets between them, under one condition after the other.  The gateway
is three: each link with a process for each connection, and the listening mode.
What came of a session is judged by RULES.  Status 1, and a line for each case
that broke one.  Needs root, and namespaces of its own: tests/load/run.
"""
import argparse
import asyncio
import collections
import contextlib
import multiprocessing
import multiprocessing.reduction
import os
import random
import re
import shutil
import socket
import struct
import sys
import tempfile
import time

import apart
import cable
import gateway
import octets
sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "lib"))
import page

WORKERS = 16
LARGEST = 150000
DATAGRAMS, DATAGRAM = 20, 400
# Seconds: for a session, as the client waits; and for the last ones.
PATIENCE = 150
DRAIN = 200
SETTLE = 10
THINK = 0.5  # at most, between two of one worker
OPTIONS = ("log-to stderr", "log-level debug", "user nobody",
           "allow all at any", "allow bind at any", "ftp-port 2121",
           "handshake-timeout 30s", "connect-timeout 30s", "idle-timeout 40s",
           "half-closed-timeout 40s", "bind-timeout 40s")
# By family: of the client, of the gateway towards it, of the gateway towards
# the servers, of the servers.
CLIENT = ("10.64.1.2", "fd64:1::2")
GATEWAY = ("10.64.1.1", "fd64:1::1")
BEYOND = ("10.64.2.1", "fd64:2::1")
SERVER = ("10.64.2.2", "fd64:2::2")
PORTS = (1080, 1081, 1082)  # a gateway each
STREAMS, FTP, ECHO = 7000, 2121, 7001
FIRST_PORT = 2000  # of the client's connections, none has two; to
OTHER_PORTS = (60000, 65000)  # these, which the kernel gives to others


class View:
    """What was seen of one session."""

    def __init__(self, kind, number):
        self.kind, self.number = kind, number
        self.began = time.monotonic()
        self.ended = None
        self.client = None    # its address, once it is connected
        self.rep = None       # 0, or what refused it
        self.up = 0           # octets
        self.down = 0
        self.end = octets.NOTHING
        self.has_server = False  # does a server count its octets?


# ----------------------------------------------------------------- servers

class FtpServer:
    """Knows USER, PASS, PASV, EPSV, PORT, EPRT, RETR NUMBER-OCTETS, QUIT."""

    def __init__(self, host):
        self.host = host

    async def serve(self, reader, writer):
        with contextlib.suppress(OSError, EOFError, ValueError,
                                 asyncio.TimeoutError):
            await self.talk(reader, writer)
        writer.close()

    async def talk(self, reader, writer):
        def say(line):
            writer.write(line.encode() + b"\r\n")
        say("220 ready")
        data = None
        while line := (await reader.readline()).decode().split():
            word, *rest = line
            if word in ("PASV", "EPSV"):
                data, reply = await self.listen(word)
                say(reply)
            elif word in ("PORT", "EPRT"):
                data = self.dial(word, rest[0])
                say("200 ok")
            elif word == "RETR":
                say("150 here")
                say(await self.send(data, *map(int, rest[0].split("-"))))
            elif word == "QUIT":
                say("221 bye")
                break
            else:
                say({"USER": "331 more", "PASS": "230 in"}.get(word,
                                                               "500 what?"))
        await octets.rest(writer, PATIENCE)

    async def listen(self, word):
        """What gives the streams of the one that comes."""
        there = asyncio.get_running_loop().create_future()

        def come(reader, writer):
            if not there.done():
                there.set_result((reader, writer))
        server = await asyncio.start_server(come, self.host, 0)
        port = server.sockets[0].getsockname()[1]

        async def accepted():
            try:
                return await asyncio.wait_for(there, PATIENCE)
            finally:
                server.close()
        if word == "EPSV":
            return accepted, f"229 ok (|||{port}|)"
        place = self.host.replace(".", ",")
        return accepted, f"227 ok ({place},{port >> 8},{port & 255})"

    def dial(self, word, where):
        if word == "EPRT":
            _, _, host, port, _ = where.split("|")
        else:
            n = where.split(",")
            host, port = ".".join(n[:4]), int(n[4]) * 256 + int(n[5])
        return lambda: asyncio.wait_for(asyncio.open_connection(
            host, int(port), local_addr=(self.host, 0)), PATIENCE)

    @staticmethod
    async def send(data, number, count):
        try:
            reader, writer = await data()
        except (OSError, asyncio.TimeoutError):
            return "425 no connection"
        await octets.send(writer, octets.Stream(number, "down"), count)
        whole = (await octets.receive(reader, octets.Stream(number, "up"))
                 ).how == "fin"
        writer.close()
        return "226 done" if whole else "426 cut"


class Echo(asyncio.DatagramProtocol):
    """Every datagram goes back."""

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.transport.sendto(data, addr)

    def error_received(self, exc):
        pass


async def servers(pipe, orders):
    """Orders come by a pipe: whom to dial for a BIND."""
    octets.expect_resets()
    cable.leave_network()
    tun = cable.plug("cable", (SERVER[0] + "/24", SERVER[1] + "/64"),
                     leads_out=True)
    pipe.send("plugged")
    multiprocessing.reduction.send_handle(pipe, tun, None)
    server = octets.Server(PATIENCE)
    loop = asyncio.get_running_loop()
    for host in SERVER:
        await asyncio.start_server(server.serve, host, STREAMS, backlog=4096)
        await asyncio.start_server(FtpServer(host).serve, host, FTP)
        await loop.create_datagram_endpoint(Echo, local_addr=(host, ECHO))
    dialling = set()
    loop.add_reader(orders.fileno(), lambda: dialling.add(
        asyncio.ensure_future(dial(server, *orders.recv()))))
    await apart.receive(pipe)
    pipe.send(await server.settled(SETTLE))


async def dial(server, host, port):
    with contextlib.suppress(OSError, asyncio.TimeoutError):
        await server.serve(*await asyncio.wait_for(
            asyncio.open_connection(host, port), PATIENCE))


# ------------------------------------------------------------------- client

class Client:
    """Sessions, one after the other in each worker."""

    def __init__(self, seconds, orders):
        self.until = time.monotonic() + seconds
        self.orders = orders
        self.views = []
        self.random = random.Random(64)
        self.datagrams = [0, 0]
        self.kinds = (self.exchange, self.exchange, self.half_close,
                      self.bind, self.udp, self.ftp_passive, self.ftp_active)

    async def run(self):
        await asyncio.gather(*(self.work() for _ in range(WORKERS)))

    async def work(self):
        while time.monotonic() < self.until:
            kind = self.random.choice(self.kinds)
            view = self.view(kind.__name__)
            await self.watched(view, kind(view, self.place()))
            await asyncio.sleep(self.random.random() * THINK)

    def view(self, kind):
        view = View(kind, len(self.views))
        self.views.append(view)
        return view

    def place(self):
        """Gateway, family of the client, of the server."""
        return (self.random.choice(PORTS), self.random.randrange(2),
                self.random.randrange(2))

    @staticmethod
    async def watched(view, session):
        """A session and all that may end it."""
        try:
            await asyncio.wait_for(session, PATIENCE)
        except octets.Refused as why:
            view.rep = why.args[0]
        except EOFError:
            view.end = view.end._replace(how="fin")
        except OSError:
            view.end = view.end._replace(how="reset")
        except asyncio.TimeoutError:
            view.end = view.end._replace(how="open")
        view.ended = time.monotonic()

    @contextlib.asynccontextmanager
    async def opened(self, view, place):
        """Connected; a session that is given up is reset."""
        port, here, _ = place
        streams = await octets.connect((GATEWAY[here], port),
                                       FIRST_PORT + view.number)
        sock = streams[1].get_extra_info("socket")
        view.client = gateway.text_of(sock.getsockname())
        try:
            yield streams
        except (asyncio.CancelledError, EOFError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            struct.pack("ii", 1, 0))
            raise
        finally:
            streams[1].close()

    def sizes(self, view):
        view.up = self.random.randrange(LARGEST)
        view.down = self.random.randrange(LARGEST)
        view.has_server = True

    async def exchange(self, view, place, waits=False):
        async with self.opened(view, place) as streams:
            self.sizes(view)
            await octets.ask(streams, octets.CONNECT, SERVER[place[2]],
                             STREAMS)
            view.rep = 0
            view.end = await octets.talk(streams, view.number, view.up,
                                         view.down, waits)

    async def half_close(self, view, place):
        await self.exchange(view, place, True)

    async def bind(self, view, place):
        async with self.opened(view, place) as streams:
            self.sizes(view)
            _, port = await octets.ask(streams, octets.BIND,
                                       SERVER[place[2]], STREAMS)
            self.orders.send((BEYOND[place[2]], port))
            await octets.read_reply(streams[0])
            view.rep = 0
            view.end = await octets.talk(streams, view.number, view.up,
                                         view.down)

    async def udp(self, view, place):
        _, here, there = place
        async with self.opened(view, place) as streams:
            _, port = await octets.ask(
                streams, octets.UDP_ASSOCIATE,
                "::" if here else "0.0.0.0", 0)
            view.rep = 0
            with socket.socket((socket.AF_INET, socket.AF_INET6)[here],
                               socket.SOCK_DGRAM) as sock:
                sock.setblocking(False)
                sock.bind((CLIENT[here], 0))
                await self.datagrams_there_and_back(
                    view, sock, (GATEWAY[here], port), there)
            view.end = view.end._replace(how="fin")

    async def datagrams_there_and_back(self, view, sock, where, there):
        loop = asyncio.get_running_loop()
        head = (b"\0\0\0\4" if there else b"\0\0\0\1") + socket.inet_pton(
            (socket.AF_INET, socket.AF_INET6)[there],
            SERVER[there]) + ECHO.to_bytes(2, "big")
        stream = octets.Stream(view.number, "up")
        for i in range(DATAGRAMS):
            payload = bytes(stream.piece(i * DATAGRAM, DATAGRAM))
            with contextlib.suppress(asyncio.TimeoutError, OSError):
                await loop.sock_sendto(sock, head + payload, where)
                self.datagrams[0] += 1
                got = await asyncio.wait_for(loop.sock_recv(sock, 2000), 1)
                self.datagrams[1] += 1
                view.end = view.end._replace(
                    right=view.end.right and self.is_ours(got, head, stream))

    @staticmethod
    def is_ours(got, head, stream):
        """One of those that were sent; they may come late or twice."""
        return any(got == head + bytes(stream.piece(i * DATAGRAM, DATAGRAM))
                   for i in range(DATAGRAMS))

    # ------------------------------------------------------------- FTP

    async def ftp_passive(self, view, place):
        await self.ftp(view, place, self.retrieve_passive)

    async def ftp_active(self, view, place):
        """Between families: within one the server dials the client itself,
        and there is no way."""
        port, here, _ = place
        await self.ftp(view, (port, here, 1 - here), self.retrieve_active)

    async def ftp(self, view, place, retrieve):
        """The control connection is whole when 221 has come."""
        view.down = 1
        async with self.opened(view, place) as streams:
            await octets.ask(streams, octets.CONNECT, SERVER[place[2]], FTP)
            view.rep = 0
            reader, writer = streams

            async def say(line, code):
                """The reply; another code than that ends the session."""
                if line:
                    writer.write(line.encode() + b"\r\n")
                reply = await reader.readuntil(b"\r\n")
                if reply[:3].decode() not in code.split():
                    raise EOFError
                return reply.decode()
            await say("", "220")
            await say("USER soak", "331")
            await say("PASS soak", "230")
            await retrieve(place, say)
            await say("QUIT", "221")
            view.end = octets.End(1, True, "fin")

    def data_view(self, kind):
        view = self.view(kind)
        view.down = self.random.randrange(LARGEST)
        return view

    async def retrieve_passive(self, place, say):
        port, here, there = place
        host = SERVER[there]
        if here:
            reply = await say("EPSV", "229")
            where = int(re.search(r"\|\|\|(\d+)\|", reply)[1])
        else:
            reply = await say("PASV", "227")
            n = list(map(int, re.search(r"\(([\d,]+)\)", reply)[1].split(",")))
            host, where = ".".join(map(str, n[:4])), n[4] * 256 + n[5]
        view = self.data_view("ftp_data")

        async def data():
            async with self.opened(view, place) as streams:
                await octets.ask(streams, octets.CONNECT, host, where)
                view.rep = 0
                view.end = await self.data(view, streams)
        await self.transfer(view, say, data())

    async def retrieve_active(self, place, say):
        _, here, _ = place
        there = asyncio.get_running_loop().create_future()

        def come(reader, writer):
            if not there.done():
                there.set_result((reader, writer))
        server = await asyncio.start_server(come, CLIENT[here], 0)
        port = server.sockets[0].getsockname()[1]
        if here:
            await say(f"EPRT |2|{CLIENT[1]}|{port}|", "200")
        else:
            await say(f"PORT {CLIENT[0].replace('.', ',')},"
                      f"{port >> 8},{port & 255}", "200")
        view = self.data_view("ftp_data_active")

        async def data():
            streams = await there
            view.rep = 0
            view.end = await self.data(view, streams)
            streams[1].close()
        await self.transfer(view, say, data())
        server.close()

    @staticmethod
    async def data(view, streams):
        end = await octets.receive(streams[0], octets.Stream(view.number,
                                                             "down"))
        if end.how == "fin":
            streams[1].write_eof()
        return end

    async def transfer(self, view, say, data):
        """RETR beside the data connection."""
        receiving = asyncio.ensure_future(self.watched(view, data))
        try:
            await say(f"RETR {view.number}-{view.down}", "150")
            await receiving
            await say("", "226 426 425")
        finally:
            receiving.cancel()


async def client(pipe, seconds, orders):
    octets.expect_resets()
    cable.leave_network()
    with open("/proc/sys/net/ipv4/ip_local_port_range", "w",
              encoding="ascii") as file:
        file.write("%d %d" % OTHER_PORTS)
    tun = cable.plug("cable", (CLIENT[0] + "/24", CLIENT[1] + "/64"),
                     leads_out=True)
    pipe.send("plugged")
    multiprocessing.reduction.send_handle(pipe, tun, None)
    await apart.receive(pipe)
    work = Client(seconds, orders)
    await work.run()
    pipe.send((work.views, work.datagrams))


# -------------------------------------------------------------------- rules

SERVED = {"ok", "reset", "timeout", "stopped", "error"}


def is_true(view, server, session):
    """The right octets, and what is cut does not look whole."""
    if not view.end.right or not server.right:
        return "wrong octets"
    if view.rep == 0 and view.end.how == "fin" and \
            view.end.count < view.down:
        return "what was cut looks whole to the client"
    if server.how == "fin" and server.count < view.up:
        return "what was cut looks whole to the server"
    return None


def is_whole(view, server, session):
    """ok: both have all, but what a reset on the cable took behind that."""
    if session is None or session.result != "ok" or view.rep != 0:
        return None
    if view.end.count == view.down and (not view.has_server or
                                        server.count == view.up):
        return None
    return None if view.resets else "ok, and octets are lost"


def agrees(view, server, session):
    if session is None:
        return None if view.rep is None else "no session of this client"
    if (session.result == "error") != (session.status == 71) and \
            session.status is not None:
        return "record and status differ"
    if session.status not in (0, 71, None):
        return "it did not end by itself"
    if view.rep == 0 and session.result not in SERVED:
        return "the client was told of success"
    if view.rep not in (0, None) and session.result in ("ok", "reset"):
        return "the client was refused"
    return None


RULES = (is_true, is_whole, agrees)


def of_gateway(view):
    """Has it a session of its own?  FTP's active data are in another's."""
    return view.kind != "ftp_data_active"


def judge(view, server, session):
    for rule in RULES:
        if rule is agrees and not of_gateway(view):
            continue
        complaint = rule(view, server, session)
        if complaint:
            yield (f"{view.kind} {view.number} ({view.condition}): "
                   f"{complaint}: {view.rep} {view.end} of {view.down}, "
                   f"server {server} of {view.up}, {session}")


# --------------------------------------------------------------------- main

class Gateways:
    """The three, in this network."""

    def __init__(self, handler, static):
        self.places, self.logs, self.served = [], [], []
        for port, program, kind in zip(
                PORTS, (static, handler, static),
                (gateway.Inetd, gateway.Inetd, gateway.Listening)):
            place, log = tempfile.mkdtemp(), tempfile.TemporaryFile()
            os.chown(place, gateway.NOBODY, gateway.NOBODY)
            self.places.append(place)
            self.served.append(kind(gateway.words(
                program, (*OPTIONS, f"state-dir {place}")),
                [(host, port) for host in GATEWAY], log))

    def stop(self):
        sessions, left = {}, []
        for served in self.served:
            some, others = served.stop(DRAIN)
            sessions.update(some)
            left += [f"left: {who}" for who in others]
        for place in self.places:
            left += [f"left: {file}" for file in os.listdir(place)
                     if file != "associations"]
            shutil.rmtree(place)
        return sessions, left


def plugged(program):
    return multiprocessing.reduction.recv_handle(program.pipe)


def sort_out(views, began, each):
    """Under which condition was it?  One that ended under another one counts
    for the first; resets may have met it under any."""
    names = list(cable.CONDITIONS)
    for view in views:
        first, last = (min(int((moment - began) / each), len(names) - 1)
                       for moment in (view.began, view.ended or view.began))
        view.condition = names[first]
        view.resets = any(cable.CONDITIONS[names[i]].reset
                          for i in range(first, last + 1))


def tabulate(views, sessions, key):
    rows = collections.defaultdict(collections.Counter)
    for view in views:
        row = rows[getattr(view, key)]
        row["sessions"] += 1
        row["octets"] += view.end.count if view.down > 1 else 0
        row["octets"] += view.server.count
        row["broken"] += view.broken
        session = sessions.get(view.client)
        row[session.result if session else "not connected"] += of_gateway(
            view)
    outcomes = sorted({name for row in rows.values() for name in row} -
                      {"sessions", "octets", "broken"})
    head = ("cable" if key == "condition" else "kind", "sessions", "MB",
            *outcomes, "rules broken")
    return page.table(head, [
        (name, row["sessions"], f"{row['octets'] / 1e6:.1f}",
         *(row[outcome] or "" for outcome in outcomes), row["broken"])
        for name, row in rows.items()])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--table")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("handler")
    parser.add_argument("static")
    options = parser.parse_args()
    apart.end_by_sigterm()
    each = options.minutes * 60 / len(cable.CONDITIONS)
    order, orders = multiprocessing.Pipe()
    far = apart.Apart(lambda pipe: servers(pipe, orders))
    near = apart.Apart(lambda pipe: client(pipe, options.minutes * 60, order))
    pairs = ((plugged(near), cable.plug("near", [
        address + mask for address, mask in zip(GATEWAY, ("/24", "/64"))])),
             (plugged(far), cable.plug("far", [
                 address + mask for address, mask in zip(BEYOND,
                                                         ("/24", "/64"))])))
    gateways = Gateways(options.handler, options.static)
    began = time.monotonic()
    carrying = multiprocessing.Process(target=cable.Cables(
        pairs, list(cable.CONDITIONS.values()), began, each).run, daemon=True)
    carrying.start()
    views, datagrams = near.ask("begin")
    sessions, left = gateways.stop()
    seen = far.ask("seen")
    carrying.kill()
    near.end()
    far.end()
    broken = left + conclude(views, seen, sessions, began, each)
    tell(options, views, datagrams, sessions, broken)
    sys.exit(bool(broken))


def conclude(views, seen, sessions, began, each):
    """Judges all; the views know what came of them."""
    sort_out(views, began, each)
    broken = []
    for view in views:
        view.server = seen.get(view.number, octets.NOTHING)
        complaints = list(judge(view, view.server, sessions.get(view.client)))
        view.broken = len(complaints)
        broken += complaints
    known = {view.client for view in views}
    broken += [f"{session.result}: {client}" for client, session in
               sessions.items() if client in known and
               session.result.endswith("records")]
    return broken


def tell(options, views, datagrams, sessions, broken):
    lines = [*tabulate(views, sessions, "condition"), "",
             *tabulate(views, sessions, "kind"), "",
             f"{len(views)} sessions; of {datagrams[0]} datagrams "
             f"{datagrams[1]} came back; {len(broken)} times a rule was "
             "broken."]
    print("\n".join([*broken[:50], *lines]))
    if options.table:
        page.replace(options.table, "soak", "\n".join([page.heading(
            f"make soak SOAK_MINUTES={options.minutes:g}."), "", *lines]))


if __name__ == "__main__":
    main()

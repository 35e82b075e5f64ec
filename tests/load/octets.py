# SPDX-License-Identifier: ISC
"""Streams whose every octet is known, and both of their ends, for many
sessions in one process (asyncio).

A session has a number, and its two streams follow from that; the server learns
the number, and what is wanted, from the first octets of the client's.  Each
end compares what comes with what must come, octet by octet, so that "right"
means more than a digest: it holds for the part that came of a stream that was
cut short.
"""
import asyncio
import collections
import ipaddress
import random
import socket
import struct

# What one end saw: how many octets, were they the right ones, and how that
# ended: fin, reset, or open where nothing more came.
End = collections.namedtuple("End", "count right how")
NOTHING = End(0, True, "open")

# number, octets up, octets down, does the server wait for the FIN?
HEADER = struct.Struct("!QIIB")

SIZE = 1 << 20
BLOCK = memoryview(random.Random(64).randbytes(SIZE) * 2)
CHUNK = 16384

CONNECT, BIND, UDP_ASSOCIATE = 1, 2, 3


def expect_resets():
    """What comes of a stream is told by its End: the loop need not say it."""
    asyncio.get_running_loop().set_exception_handler(
        lambda loop, context: isinstance(context.get("exception"), OSError) or
        loop.default_exception_handler(context))


class Stream:
    """One direction of a session: the same block, from another place."""

    def __init__(self, number, way):
        self.start = (number * 7919 + (524287 if way == "down" else 0)) % SIZE

    def piece(self, position, count):
        """At most SIZE octets."""
        at = (self.start + position) % SIZE
        return BLOCK[at:at + count]


async def send(writer, stream, count):
    """All of it and the FIN, as far as the other end takes it."""
    try:
        for position in range(0, count, CHUNK):
            writer.write(stream.piece(position, min(CHUNK, count - position)))
            await writer.drain()
        writer.write_eof()
    except OSError:
        pass  # what reads sees it, too


async def receive(reader, stream):
    """To the end, whatever it is."""
    count, right = 0, True
    try:
        while octets := await reader.read(65536):
            right = right and octets == stream.piece(count, len(octets))
            count += len(octets)
        return End(count, right, "fin")
    except OSError:
        return End(count, right, "reset")


class Server:
    """Answers each connection as its header says; seen: number -> End."""

    def __init__(self, patience):
        self.seen = {}
        self.patience = patience
        self.serving = 0

    async def serve(self, reader, writer):
        self.serving += 1
        try:
            header = await reader.readexactly(HEADER.size)
            await self.answer(reader, writer, *HEADER.unpack(header))
        except (OSError, EOFError):
            pass  # no session told its number
        finally:
            self.serving -= 1
            writer.close()

    async def settled(self, seconds):
        """What they saw, once all have ended, or after that time."""
        for _ in range(seconds * 10):
            if self.serving == 0:
                break
            await asyncio.sleep(0.1)
        seen, self.seen = self.seen, {}
        return seen

    async def answer(self, reader, writer, number, up, down, waits):
        self.seen[number] = NOTHING
        sending = None
        if not waits:
            sending = asyncio.ensure_future(send(writer, Stream(
                number, "down"), down))
        end = await receive(reader, Stream(number, "up"))
        self.seen[number] = end
        if waits and end.how == "fin" and end.count == up:
            await send(writer, Stream(number, "down"), down)
        elif sending:
            await sending
        await rest(writer, self.patience)


async def rest(writer, seconds):
    """What is written has left, or nobody takes it."""
    try:
        await asyncio.wait_for(writer.drain(), seconds)
    except (OSError, asyncio.TimeoutError):
        pass


async def talk(streams, number, up, down, waits=False):
    """The client's end of a session that was opened."""
    reader, writer = streams
    writer.write(HEADER.pack(number, up, down, waits))
    sending = asyncio.ensure_future(send(writer, Stream(number, "up"), up))
    end = await receive(reader, Stream(number, "down"))
    await sending
    return end


# -------------------------------------------------------------- SOCKS5

class Refused(Exception):
    """The reply was another one than 00."""


async def connect(gateway, own_port=0):
    """To the gateway, an (address, port), from a port of one's own."""
    host, port = gateway
    own = ("::" if ":" in host else "0.0.0.0", own_port)
    return await asyncio.open_connection(host, port, local_addr=own)


async def read_reply(reader):
    """BND, an (address, port)."""
    head = await reader.readexactly(4)
    rest_ = await reader.readexactly(6 if head[3] == 1 else 18)
    if head[1] != 0:
        raise Refused(head[1])
    return (str(ipaddress.ip_address(rest_[:-2])),
            int.from_bytes(rest_[-2:], "big"))


async def ask(streams, command, host, port):
    """Greeting, request and the (first) reply; BND."""
    reader, writer = streams
    writer.write(b"\5\1\0")
    if await reader.readexactly(2) != b"\5\0":
        raise Refused("method")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    writer.write(bytes((5, command, 0, 4 if ":" in host else 1)) +
                 socket.inet_pton(family, host) + port.to_bytes(2, "big"))
    return await read_reply(reader)

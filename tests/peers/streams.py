# SPDX-License-Identifier: ISC
"""Octet streams that both ends of a test can make by themselves.

stream(seed, n) yields n octets in blocks; the same seed gives the same octets
everywhere, so that a receiver needs no copy to compare with, only a digest.
"""
import hashlib
import random
import socket
import struct

BLOCK = 65536


def stream(seed, count):
    """Blocks of pseudo-random octets, count in all."""
    source = random.Random(seed)
    while count > 0:
        block = source.randbytes(BLOCK)[:count]
        count -= len(block)
        yield block


def digest(seed, count):
    """The SHA-256 of stream(seed, count), as hexadecimal text."""
    sha = hashlib.sha256()
    for block in stream(seed, count):
        sha.update(block)
    return sha.hexdigest()


def unix_connection():
    """A client of a unix-domain listener, and the accepted connection."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("")  # the kernel finds a name
        listener.listen()
        client = socket.socket(socket.AF_UNIX)
        client.connect(listener.getsockname())
        return client, listener.accept()[0]


class Tally:
    """Counts and digests what was received."""

    def __init__(self):
        self.count = 0
        self.sha = hashlib.sha256()

    def add(self, octets):
        self.count += len(octets)
        self.sha.update(octets)

    def __str__(self):
        return f"{self.count} {self.sha.hexdigest()}"


def receive_all(sock, tally=None):
    """Reads to the FIN; returns the tally."""
    tally = tally or Tally()
    while True:
        octets = sock.recv(262144)
        if not octets:
            return tally
        tally.add(octets)


def receive_octets(sock):
    """Reads to the FIN; returns the octets."""
    octets = b""
    while more := sock.recv(65536):
        octets += more
    return octets


def receive_exactly(sock, count):
    """Reads count octets; fewer mean that the FIN came first."""
    parts = []
    while count > 0:
        octets = sock.recv(min(count, 262144))
        if not octets:
            break
        parts.append(octets)
        count -= len(octets)
    return b"".join(parts)


def send_stream(sock, seed, count):
    for block in stream(seed, count):
        sock.sendall(block)


def close_by_reset(sock):
    """Closes with an RST instead of a FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))
    sock.close()

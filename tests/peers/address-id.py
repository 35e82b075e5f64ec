#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""What ADDRESS IDs save: a client of draft-kitamura-socks-ipv6-01.

    address-id.py GATEWAY:PORT NAME PORT [ADDRESS]

Asks a gateway, which needs no login, for an ID of NAME, and prints how many
octets and round trips the requests take with and without it, and how long the
header of a datagram is.  ADDRESS is one of NAME's, to compare with.
"""
import ipaddress
import socket
import struct
import sys

ASSOCIATE, CONNECT, UDP = 8, 1, 3


def field_of(host):
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return bytes((3, len(host))) + host.encode()
    return bytes((1 if address.version == 4 else 4,)) + address.packed


class Gateway:
    """One connection, and what went over it."""

    def __init__(self, where):
        host, _, port = where.rpartition(":")
        self.sock = socket.create_connection((host.strip("[]"), int(port)),
                                             30)
        self.sock.sendall(b"\5\1\0")
        if self.take(2) != b"\5\0":
            sys.exit("the gateway wants a login")
        self.octets = self.trips = 0

    def take(self, length):
        octets = b""
        while len(octets) < length:
            more = self.sock.recv(length - len(octets))
            if not more:
                sys.exit("the gateway hung up")
            octets += more
        return octets

    def ask(self, command, field, port):
        """BND.ADDR with its type, BND.PORT."""
        octets = bytes((5, command, 0)) + field + struct.pack("!H", port)
        self.sock.sendall(octets)
        head = self.take(4)
        if head[1]:
            sys.exit(f"the gateway answered {head[1]:02x}")
        length = {1: 4, 4: 16, 8: 4}[head[3]]
        bound = self.take(length + 2)
        self.octets += len(octets) + 6 + length
        self.trips += 1
        return head[3:] + bound[:-2], struct.unpack("!H", bound[-2:])[0]


def row(what, octets, trips="-"):
    print(f"| {what} | {octets} | {trips} |")


def main():
    where, name, port, *address = sys.argv[1:]
    port = int(port)
    print("| what | octets, both ways | round trips |\n| --- | --- | --- |")
    for host in (name, *address):
        plain = Gateway(where)
        plain.ask(CONNECT, field_of(host), port)
        row(f"CONNECT {host}", plain.octets, plain.trips)
    dedicated = Gateway(where)
    number, _ = dedicated.ask(ASSOCIATE, field_of(name), 0)
    row("ADDRESS ASSOCIATE, once", dedicated.octets, dedicated.trips)
    before = dedicated.octets, dedicated.trips
    dedicated.ask(CONNECT, number, port)
    row("CONNECT by ID", dedicated.octets - before[0],
        dedicated.trips - before[1])
    both = Gateway(where)
    both.ask(CONNECT | ASSOCIATE, field_of(name), port)
    row("CONNECT + ADDRESS ASSOCIATE", both.octets, both.trips)
    print("\n| header of each datagram | octets |\n| --- | --- |")
    relay = Gateway(where)
    relay.ask(UDP, field_of("0.0.0.0"), 0)
    for what, field in ((name, field_of(name)), ("the ID", number),
                        *((a, field_of(a)) for a in address)):
        print(f"| {what} | {len(bytes(3) + field) + 2} |")


if __name__ == "__main__":
    main()

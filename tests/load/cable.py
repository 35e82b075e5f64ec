# SPDX-License-Identifier: ISC
"""Cables that are bad in known ways: packets of two TUN devices are carried
from one to the other by a program, because not every kernel has netem.  What
happens to a packet is chance, from a seed.
"""
import collections
import ctypes
import fcntl
import heapq
import itertools
import os
import random
import select
import socket
import struct
import subprocess
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
MTU = 1500

# Shares of all packets; delay and jitter in seconds; mtu of IPv4 and of IPv6;
# outage: so many of every 20 seconds nothing is carried.
Condition = collections.namedtuple(
    "Condition", "loss delay jitter late duplicate corrupt mtu reset outage",
    defaults=(0, 0, 0, 0, 0, 0, (MTU, MTU), 0, 0))
CONDITIONS = {
    "good": Condition(),
    "loss of 3 %": Condition(loss=0.03),
    "80 ms, 60 more or less": Condition(delay=0.08, jitter=0.06),
    "20 % come late": Condition(late=0.2),
    "10 % come twice": Condition(duplicate=0.1),
    "2 % have a wrong bit": Condition(corrupt=0.02),
    "MTU 576, IPv6 1280": Condition(mtu=(576, 1280)),
    "0.3 % are resets": Condition(reset=0.003),
    "out for 5 of 20 s": Condition(outage=5),
    "all but resets": Condition(0.01, 0.02, 0.01, 0.05, 0.02, 0.005,
                                (576, 1280)),
}
LATE = 0.015
OUTAGE_EVERY = 20

libc = ctypes.CDLL(None, use_errno=True)


def leave_network():
    """A network of one's own for this process."""
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def plug(name, addresses, leads_out=False):
    """A TUN device of this process's network; its descriptor."""
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(),
                                           IFF_TUN | IFF_NO_PI))
    commands = [f"link set {name} up mtu {MTU} txqueuelen 2000"]
    commands += [f"addr add {address} dev {name}" +
                 (" nodad" if ":" in address else "")
                 for address in addresses]
    if leads_out:
        commands += [f"-{family} route add default dev {name}"
                     for family in "46"]
    for command in commands:
        subprocess.run(["ip", *command.split()], check=True)
    return fd


# ---------------------------------------------------------------- packets

def checksum(octets):
    if len(octets) % 2:
        octets += b"\0"
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Packet:
    """What of a packet has to be known."""

    def __init__(self, octets):
        self.octets = octets
        self.ipv6 = octets[0] >> 4 == 6
        self.head = 40 if self.ipv6 else (octets[0] & 15) * 4
        self.protocol = octets[6] if self.ipv6 else octets[9]
        ends = octets[8:40] if self.ipv6 else octets[12:20]
        self.source = ends[:len(ends) // 2]
        self.target = ends[len(ends) // 2:]

    def is_established(self):
        """TCP with ACK, without SYN or RST."""
        return (self.protocol == socket.IPPROTO_TCP and
                self.octets[self.head + 13] & 0x16 == 0x10)

    def may_be_fragmented(self):
        return not self.ipv6 and not self.octets[6] & 0x40


def assembled(ipv6, protocol, source, target, payload, at):
    """A packet whose payload has its checksum at `at`; ICMP of IPv4 has it
    without addresses."""
    if protocol == socket.IPPROTO_ICMP:
        pseudo = b""
    elif ipv6:
        pseudo = source + target + struct.pack("!II", len(payload), protocol)
    else:
        pseudo = source + target + struct.pack("!HH", protocol, len(payload))
    sum_ = struct.pack("!H", checksum(pseudo + payload))
    payload = payload[:at] + sum_ + payload[at + 2:]
    if ipv6:
        return struct.pack("!IHBB", 6 << 28, len(payload), protocol,
                           64) + source + target + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0x4000, 64,
                       protocol, 0) + source + target
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def reset_of(packet):
    """A reset in the place of a segment, from its sender."""
    tcp = packet.octets[packet.head:]
    segment = tcp[:12] + b"\x50\x14\0\0\0\0\0\0"
    return assembled(packet.ipv6, socket.IPPROTO_TCP, packet.source,
                     packet.target, segment, 16)


def too_big(packet, mtu):
    """What a router says of a packet that does not fit (RFC 1191, RFC
    4443)."""
    if packet.ipv6:
        icmp = struct.pack("!BBHI", 2, 0, 0, mtu) + packet.octets[:1200]
        protocol = socket.IPPROTO_ICMPV6
    else:
        icmp = struct.pack("!BBHHH", 3, 4, 0, 0, mtu) + packet.octets[:48]
        protocol = socket.IPPROTO_ICMP
    return assembled(packet.ipv6, protocol, packet.target, packet.source,
                     icmp, 2)


# ------------------------------------------------------------------ carrying

class Cables:
    """Carries between pairs of descriptors, under one condition after the
    other."""

    def __init__(self, pairs, conditions, began, each, seed=64):
        self.to = {}
        for one, other in pairs:
            self.to[one], self.to[other] = other, one
        self.conditions, self.began, self.each = conditions, began, each
        self.random = random.Random(seed)
        self.waiting = []  # (due, order, descriptor, octets)
        self.order = itertools.count()

    def condition(self, now):
        """The last one lasts; then the cables are good."""
        at = int((now - self.began) / self.each)
        if at >= len(self.conditions):
            return Condition()
        return self.conditions[at]

    def run(self):
        while True:
            patience = (max(0, self.waiting[0][0] - time.monotonic())
                        if self.waiting else None)
            ready, _, _ = select.select(list(self.to), [], [], patience)
            now = time.monotonic()
            for fd in ready:
                self.take(fd, now)
            while self.waiting and self.waiting[0][0] <= now:
                _, _, fd, octets = heapq.heappop(self.waiting)
                self.put(fd, octets)

    def take(self, fd, now):
        condition = self.condition(now)
        for _ in range(32):
            try:
                octets = os.read(fd, 65536)
            except BlockingIOError:
                return
            self.carry(fd, Packet(octets), condition, now)

    def put(self, fd, octets):
        try:
            os.write(fd, octets)
        except BlockingIOError:
            pass  # as a router whose queue is full

    def happens(self, share):
        return share and self.random.random() < share

    def carry(self, fd, packet, condition, now):
        c = condition
        out = c.outage and (now - self.began) % OUTAGE_EVERY < c.outage
        if out or self.happens(c.loss):
            return
        mtu = c.mtu[packet.ipv6]
        if len(packet.octets) > mtu and not packet.may_be_fragmented():
            self.put(fd, too_big(packet, mtu))
            return
        octets = packet.octets
        if self.happens(c.reset) and packet.is_established():
            octets = reset_of(packet)
        elif self.happens(c.corrupt):
            octets = self.corrupted(packet)
        delay = c.delay + c.jitter * self.random.uniform(-1, 1)
        if self.happens(c.late):
            delay += LATE
        for _ in range(2 if self.happens(c.duplicate) else 1):
            if delay <= 0:
                self.put(self.to[fd], octets)
            else:
                heapq.heappush(self.waiting, (now + delay, next(self.order),
                                              self.to[fd], octets))

    def corrupted(self, packet):
        """One bit behind the IP header, which the checksum always notices."""
        octets = bytearray(packet.octets)
        at = self.random.randrange(packet.head, len(octets))
        octets[at] ^= 1 << self.random.randrange(8)
        return bytes(octets)

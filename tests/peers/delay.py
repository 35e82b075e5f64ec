#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A link between two network namespaces on which each packet takes its time.

    delay.py MILLISECONDS NAMESPACE DEVICE NAMESPACE DEVICE

Prints "ready" when both devices are there; they go with this program.  For
kernels that have no netem.
"""
import collections
import ctypes
import fcntl
import os
import select
import struct
import sys
import time

IFF_TUN, IFF_NO_PI, TUNSETIFF = 0x0001, 0x1000, 0x400454ca
CLONE_NEWNET = 0x40000000
PACKET = 65536


def device(namespace, name):
    """The descriptor of a new device there."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/run/netns/" + namespace, "rb") as there:
        if libc.setns(there.fileno(), CLONE_NEWNET) != 0:
            sys.exit(os.strerror(ctypes.get_errno()))
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack(
        "16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


def relay(ends, delay):
    waiting = collections.deque()
    while True:
        rest = None
        if waiting:
            rest = max(0.0, waiting[0][0] - time.monotonic())
        for fd in select.select(ends, (), (), rest)[0]:
            waiting.append((time.monotonic() + delay,
                            ends[1 - ends.index(fd)], os.read(fd, PACKET)))
        while waiting and waiting[0][0] <= time.monotonic():
            _, fd, packet = waiting.popleft()
            try:
                os.write(fd, packet)
            except OSError:
                pass  # the device is down: it is lost


def main():
    delay, *places = sys.argv[1:]
    ends = [device(*places[:2]), device(*places[2:])]
    print("ready", flush=True)
    relay(ends, int(delay) / 1000)


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""listen.py PORT ADDRESS...: listens there until it is killed, and leaves
the rest to the kernel, which accepts for it.  Prints `ready`."""

import signal
import socket
import sys

listeners = []
for address in sys.argv[2:]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, int(sys.argv[1])))
    listener.listen(1024)
    listeners.append(listener)
print("ready", flush=True)
signal.pause()

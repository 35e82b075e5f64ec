#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""How much memory of its own an idle session takes, in pages.

    pages.py HANDLER MOST

Silent and status 0 where a session that relays, and has nothing to relay, has
no more than MOST pages of its own and no heap far away from the program; else
a line that says what it has.
"""
import os
import re
import socket
import subprocess
import sys

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "peers"))
import socks

PAGE = os.sysconf("SC_PAGE_SIZE") // 1024


def started(program, listener):
    """The client's end of a session to the listener, and its process."""
    with socket.create_server(("127.0.0.1", 0)) as gate:
        client = socket.create_connection(gate.getsockname())
        ours, _ = gate.accept()
    with ours:
        process = subprocess.Popen(
            [program, "-o", "allow all at loopback", "-o", "log-to stderr"],
            stdin=ours, stdout=ours, stderr=subprocess.DEVNULL, env={})
    client.sendall(socks.GREETING + socks.request("127.0.0.1",
                                                  listener.getsockname()[1]))
    assert client.recv(12, socket.MSG_WAITALL)[3:4] == b"\0"
    return client, process


def mappings(pid):
    """Name, and pages of its own, of each."""
    with open(f"/proc/{pid}/smaps", encoding="ascii") as file:
        for part in re.split(r"\n(?=[0-9a-f]+-)", file.read()):
            head, _, rest = part.partition("\n")
            kilobytes = re.search(r"^Anonymous: +(\d+) kB$", rest, re.M)
            yield head.split(None, 5)[5:], int(kilobytes[1]) // PAGE


def main():
    program, most = sys.argv[1], int(sys.argv[2])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client, process = started(program, listener)
        server, _ = listener.accept()
        server.sendall(b"a")
        client.recv(1)
        client.sendall(b"a")
        server.recv(1)  # it relays, and waits for more
        found = list(mappings(process.pid))
    client.close()
    server.close()
    process.wait()
    pages = sum(own for _, own in found)
    if pages > most:
        print(f"{pages} pages: {found}")
    if any(name == ["[heap]"] for name, _ in found):
        print("it has a heap behind the break")


main()

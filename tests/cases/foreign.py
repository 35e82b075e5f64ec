#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A handler of another architecture, in an emulator that has no seccomp(2).

    foreign.py EMULATOR... HANDLER

With its sandbox it serves nobody and says why; with `sandbox off' a client of
IPv4 gets a server's octets by IPv6.  Silent and status 0 where all is so.
"""
import os
import socket
import subprocess
import sys
import tempfile

DEADLINE = 60.0


def accepted():
    """A client's end and the handler's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname(), DEADLINE)
        server, _ = listener.accept()
    return client, server


def session(command, configuration):
    """A session's client, and its process with the record on its stderr."""
    client, server = accepted()
    with server:
        process = subprocess.Popen(
            [*command, "-f", configuration, "-o", "log-to stderr"],
            stdin=server, stderr=subprocess.PIPE, text=True)
    return client, process


def ask(client, octets, length):
    if octets:
        client.sendall(octets)
    got = b""
    while len(got) < length:
        more = client.recv(length - len(got))
        if not more:
            break
        got += more
    return got


def check_sandboxed(command, configuration):
    client, process = session(command, configuration)
    with client:
        try:
            assert client.recv(1) == b"", "it answers"
        except ConnectionResetError:
            pass
        said = process.communicate(timeout=DEADLINE)[1]
    assert "the seccomp filter could not be loaded" in said, said


def check_served(command, configuration):
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        client, process = session(command, configuration)
        port = server.getsockname()[1]
        with client:
            assert ask(client, b"\5\1\0", 2) == b"\5\0", "greeting"
            client.sendall(b"\5\1\0\4" + socket.inet_pton(
                socket.AF_INET6, "::1") + port.to_bytes(2, "big"))
            peer, _ = server.accept()
            with peer:
                reply = ask(client, b"", 10)
                assert reply[:4] == b"\5\0\0\1", reply
                client.sendall(b"x" * 100000)
                client.shutdown(socket.SHUT_WR)
                peer.settimeout(DEADLINE)
                got = b"".join(iter(lambda: peer.recv(65536), b""))
                assert got == b"x" * 100000, len(got)
                peer.sendall(b"back")
            assert ask(client, b"", 5) == b"back", "the way back"
        said = process.communicate(timeout=DEADLINE)[1]
    assert said.split(": ", 1)[1].startswith("ok client=127.0.0.1:"), said
    assert " up=100000 down=4 " in said and " sandbox=off" in said, said


def main():
    command = sys.argv[1:]
    with tempfile.TemporaryDirectory() as place:
        plain = os.path.join(place, "plain")
        off = os.path.join(place, "off")
        with open(plain, "w", encoding="ascii") as file:
            file.write("allow at loopback\n")
        with open(off, "w", encoding="ascii") as file:
            file.write("sandbox off\nallow at loopback\n")
        check_sandboxed(command, plain)
        check_served(command, off)


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Who comes to a handler, and how: launchers and clients that are others.

    guests.py HANDLER

Exit status 0, or 1 and what was wrong.
"""
import os
import re
import socket
import subprocess
import sys

PATIENCE = 30

STRANGERS = [
    (b"\x16\x03\x01\x02\0", "a TLS handshake"),
    (b"GET / HTTP/1.1\r\n\r\n", r"HTTP \(GET\)"),
    (b"HEAD / HTTP/1.0\r\n\r\n", r"HTTP \(HEAD\)"),
    (b"POST / HTTP/1.0\r\n\r\n", r"HTTP \(POST\)"),
    (b"PUT /x HTTP/1.0\r\n\r\n", r"HTTP \(PUT\)"),
    (b"PATCH /x HTTP/1.0\r\n\r\n", r"HTTP \(PATCH\)"),
    (b"CONNECT a:443 HTTP/1.1\r\n\r\n", r"HTTP \(CONNECT\): .* no HTTP proxy"),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2"),
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
     "a PROXY header, which proxy-protocol-from does not expect"),
    (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c",
     "a PROXY header of version 2, which proxy-protocol-from does not"),
    (b"OPTIONS rtsp://a/ RTSP/1.0\r\n\r\n", "RTSP"),
    (b"DESCRIBE rtsp://a/ RTSP/1.0\r\n\r\n", "RTSP"),
    (b"OPTIONS sip:a SIP/2.0\r\n\r\n", "SIP"),
    (b"SSH-2.0-x\r\n", "SSH"),
    (b"EHLO a\r\n", "SMTP"),
    (b"*1\r\n$4\r\nPING\r\n", "Redis"),
    (b"\x03\0\0\x13\x0e", "RDP"),
    (b"HELP\r\n", r"the first octets are 48454c500d0a"),
    (b"HELP", "the first octets are HELP"),
    (b"\r\n", "an empty line"),
    (b"\r", "the first octet is 0d"),
    (b"DELL", "the first octets are DELL"),
    (b"\0\0\0\0", "the first octets are 00000000"),
]

LOGINS = [
    (b"\5\1\2\1\0\0", "the login has no user name"),
    (b"\5\1\2\5\1a\1b", r"the login is not of version 01"),
    (b"\5\1\2\0\1a\1b", r"the login is not of version 01"),
]

REQUESTS = [
    (b"\5\1\0\4\1\0\1\x7f\0\0\1\0\x50", "does not begin with version 05"),
    (b"\5\1\0\5\1\0\2\x7f\0\0\1\0\x50", "the address type is not 01, 03 or"),
    (b"\5\1\0\5\1\0\3\0\0\x50", "the name is empty"),
    (b"\5\1\0\5\1\0\3\3a b\0\x50", "the name is not a host name"),
    (b"\5\1\0\5\2\0\1\0\0\0\0\0\0",
     "0.0.0.0 is any peer, which `allow bind at any' opens"),
]


class Wrong(Exception):
    pass


def connection():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        return client, listener.accept()[0]


def started(handler, fd, stderr, *options, **environment):
    words = [w for o in options for w in ("-o", o)]
    return subprocess.Popen(
        [handler, "-f", "/dev/null", *words], stdin=fd, stdout=fd,
        stderr=stderr, env={**os.environ, **environment})


def reason_of(handler, octets, *options):
    client, ours = connection()
    with client, ours:
        client.sendall(octets)
        client.shutdown(socket.SHUT_WR)
        process = started(handler, ours, subprocess.PIPE, "log-to stderr",
                          "resolver 127.0.0.1:9", "allow all", *options)
        _, said = process.communicate(timeout=PATIENCE)
    return said.decode()


def strangers(handler):
    for octets, wanted in STRANGERS:
        said = reason_of(handler, octets)
        if not re.search(f' not-socks .*reason="{wanted}.*, not SOCKS5"', said):
            raise Wrong(f"{octets}: {said}")


def malformed(handler):
    for octets, wanted in LOGINS:
        said = reason_of(handler, octets, "auth password",
                         f"password-file {os.environ['PASSWORDS']}")
        if not re.search(f'reason="{wanted}', said):
            raise Wrong(f"{octets}: {said}")
    for octets, wanted in REQUESTS:
        said = reason_of(handler, octets)
        if not re.search(f'reason="[^"]*{wanted}', said):
            raise Wrong(f"{octets}: {said}")


def socketpair(handler):
    """As a launcher's that is no inetd: nobody's uid is known."""
    client, ours = socket.socketpair()
    with client, ours:
        process = started(handler, ours, subprocess.PIPE, "allow all")
        _, said = process.communicate(timeout=PATIENCE)
        if process.returncode != 64 or b"socketpair" not in said:
            raise Wrong(f"socketpair: {process.returncode} {said}")
        ours.close()
        if client.recv(2) != b"":
            raise Wrong("socketpair: an answer")


def named(handler):
    """A unix-domain connection that somebody accepted, of either kind."""
    for name in ("\0socks64-guests-%d" % os.getpid(), "guests.socket"):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(name)
            listener.listen()
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(name)
                ours, _ = listener.accept()
                process = started(handler, ours, subprocess.DEVNULL,
                                  "log-to syslog", "allow all")
                ours.close()
                client.sendall(b"\5\1\0")
                if client.recv(2) != b"\5\0":
                    raise Wrong(f"{name}: no answer")
            process.wait(PATIENCE)


def stream(handler):
    """journald's stream is not held, once the journal takes the records."""
    reader, writer = socket.socketpair()
    client, ours = connection()
    with reader, client:
        status = os.fstat(writer.fileno())
        process = subprocess.Popen(
            [handler, "-f", "/dev/null", "-o", "allow all"], stdin=ours,
            stdout=writer, stderr=writer, env={
                **os.environ,
                "JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})
        writer.close()
        ours.close()
        reader.settimeout(PATIENCE)
        client.sendall(b"\5\1\0")
        if client.recv(2) != b"\5\0":
            raise Wrong("stream: no answer")
        if reader.recv(1) != b"" or process.poll() is not None:
            raise Wrong("stream: it is held")
    process.wait(PATIENCE)


def main():
    handler = sys.argv[1]
    try:
        for case in (strangers, malformed, socketpair, named, stream):
            case(handler)
    except (Wrong, subprocess.TimeoutExpired, OSError) as wrong:
        print(wrong)
        return 1
    return 0


sys.exit(main())

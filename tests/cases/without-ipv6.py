#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Sessions on a kernel that has no IPv6.

    without-ipv6.py HANDLER

socket(AF_INET6) fails with EAFNOSUPPORT, by a filter that the handler
inherits.  CONNECT, BIND and UDP ASSOCIATE between hosts of IPv4 go as ever; an
IPv6 destination is unreachable.  One line for each case that failed.
"""
import ctypes
import errno
import importlib
import os
import socket
import struct
import sys

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "peers"))
import handshake
import socks
import streams
from handshake import Failure, Handler, Report

ftp_data = importlib.import_module("ftp-data")

ALLOW = 0x7fff0000  # SCMP_ACT_ALLOW
ERROR = 0x00050000  # SCMP_ACT_ERRNO(0)
EQUAL = 4  # SCMP_CMP_EQ


class Comparison(ctypes.Structure):
    """struct scmp_arg_cmp"""
    _fields_ = [("argument", ctypes.c_uint), ("operator", ctypes.c_int),
                ("value", ctypes.c_uint64), ("other", ctypes.c_uint64)]


def forbid_ipv6():
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(ALLOW)))
    family = Comparison(0, EQUAL, socket.AF_INET6, 0)
    if library.seccomp_rule_add_array(
            rules, ctypes.c_uint32(ERROR | errno.EAFNOSUPPORT),
            library.seccomp_syscall_resolve_name(b"socket"), 1,
            ctypes.byref(family)) != 0 or library.seccomp_load(rules) != 0:
        sys.exit("no filter")


def session(program, octets, length, *options):
    """A session behind its first answer, and that."""
    handler = Handler(__file__, [
        "--forbidden", program, "-o", "allow all at loopback",
        "-o", "allow all at 2001:db8::/32", *options])
    handler.let_go()
    handler.send(socks.GREETING + octets)
    answer = streams.receive_exactly(handler.client, 2 + length)[2:]
    return handler, answer


def expect(what, got, wanted):
    if got != wanted:
        raise Failure(f"{what}: {got!r}, not {wanted!r}")


def finish(handler, wanted):
    text, status = handler.finish()
    expect("status", status, 0)
    if not text.split("]: ")[-1].startswith(wanted + " client="):
        raise Failure(f"not {wanted}: {text!r}")


def connect(program):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        handler, answer = session(program, socks.request(
            *listener.getsockname()), 10)
        expect("reply", answer[:4], b"\5\0\0\1")
        server, _ = listener.accept()
    server.sendall(b"hello")
    server.close()
    expect("octets", streams.receive_exactly(handler.client, 5), b"hello")
    finish(handler, "ok")


def unreachable(program):
    handler, answer = session(program, socks.request("2001:db8::1", 80), 10)
    if answer[1] not in (3, 4, 8):
        raise Failure(f"reply {answer.hex()}")
    finish(handler, "connect-failed")


def bind(program):
    handler, answer = session(program, socks.request(
        "127.0.0.1", 0, "ip", socks.BIND), 10)
    expect("reply", answer[:4], b"\5\0\0\1")
    port = struct.unpack("!H", answer[8:])[0]
    with socket.create_connection(("127.0.0.1", port)) as peer:
        answer = streams.receive_exactly(handler.client, 10)
        expect("second reply", answer,
               b"\5\0\0\1\x7f\0\0\1" + struct.pack("!H", peer.getsockname()[1]))
        peer.sendall(b"hello")
    expect("octets", streams.receive_exactly(handler.client, 5), b"hello")
    finish(handler, "ok")


def datagrams(program):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
        peer.bind(("127.0.0.1", 0))
        handler, answer = session(program, socks.request(
            "0.0.0.0", 0, "ip", socks.UDP_ASSOCIATE), 10)
        expect("reply", answer[:4], b"\5\0\0\1")
        relay = ("127.0.0.1", struct.unpack("!H", answer[8:])[0])
        head = b"\0\0\0\1\x7f\0\0\1" + struct.pack("!H", peer.getsockname()[1])
        for sock in peer, ours:
            sock.settimeout(handshake.DEADLINE)
        # There is no way to this one.
        ours.sendto(b"\0\0\0" + socks.request("2001:db8::1", 80)[3:], relay)
        ours.sendto(head + b"ask", relay)
        octets, whence = peer.recvfrom(100)
        expect("datagram", octets, b"ask")
        peer.sendto(b"answer", whence)
        expect("answer", ours.recv(100), head + b"answer")
    text, _ = handler.finish()
    if " datagrams=1/1/1 drops=family:1" not in text:
        raise Failure(text)


def named(program):
    """A host that has both families is reached by ours, whichever is
    preferred."""
    for preferred in "auto", "ipv6", "ipv4":
        named_by(program, preferred)


def named_by(program, preferred):
    names = ftp_data.Names()
    names.addresses = ["2001:db8::1", "127.0.0.1"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(handshake.DEADLINE)
        handler, answer = session(
            program, socks.request("0.0.0.0", 0, "ip", socks.UDP_ASSOCIATE),
            10, "-o", names.option(), "-o", f"prefer {preferred}")
        relay = ("127.0.0.1", struct.unpack("!H", answer[8:])[0])
        ours.sendto(b"\0\0\0" + socks.request(
            "both.example", peer.getsockname()[1], "name")[3:] + b"ask",
                    relay)
        expect("datagram", peer.recv(100), b"ask")
    finish(handler, "ok")


def main():
    if sys.argv[1] == "--forbidden":
        forbid_ipv6()
        os.execv(sys.argv[2], sys.argv[2:])
    report = Report()
    for case in connect, unreachable, bind, datagrams, named:
        report.run(case.__name__, case, sys.argv[1])
    report.end()


main()

#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A scripted SOCKS5 client for tests: a library and a command.

    socks.py GATEWAY raw STEP...
    socks.py [--as ip|name] [--socks4] [--early] [--seed N]
             GATEWAY HOST PORT ACTION ...

GATEWAY is ADDRESS:PORT or [ADDRESS]:PORT, or a path.  The steps of raw:

    >HEX        send these octets at once      <HEX   expect exactly these
    fin         send FIN                       rst    reset and end
    eof         expect the FIN, no octet       gone   expect FIN or a reset

The actions connect to HOST PORT, where server.py answers as "ask":

    reply                    the reply, then FIN and wait for the other's
    hold                     the reply, then neither send nor close
    exchange N               N octets each way at once, digests compared
    half-close UP DOWN       UP octets, FIN, then DOWN octets must come
    mirror DOWN UP           DOWN octets to the FIN, then UP octets and FIN
    reset N                  N octets, acknowledged, then a reset
    server-reset N           N octets must come, and then a reset
    urgent-up BEFORE AFTER   an urgent octet between streams
    urgent-down BEFORE AFTER
    slow N                   N octets down, read at a crawl
    stall N                  as slow, but reads nothing before a line on stdin

Prints "client=... rep=... bnd=... up=... down=..." where it got so far, then
"expect TEXT" for what the server will report.  Status 1, and a line on
stderr, when something is not as it must be.

--socks4: the request is one of SOCKS4, or 4A with --as name, by the user
"camper"; rep is CD.
"""
import argparse
import array
import collections
import fcntl
import ipaddress
import select
import socket
import struct
import sys
import termios
import threading
import time

import streams

CONNECT, BIND, UDP_ASSOCIATE = 1, 2, 3
GRANTED4 = 90
IPV4, NAME, IPV6 = 1, 3, 4

Reply = collections.namedtuple("Reply", "rep address port octets")


class Mismatch(Exception):
    """What came is not what must come."""


def parse_endpoint(text):
    """ADDRESS:PORT or [ADDRESS]:PORT to a pair."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def text_of(address):
    if not isinstance(address, tuple):
        return "unix"
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def request(host, port, form="ip", command=CONNECT):
    """The octets of a request; form "name" sends an address as text too."""
    if form == "name":
        octets = host.encode("latin-1")
        field = bytes((NAME, len(octets))) + octets
    else:
        address = ipaddress.ip_address(host)
        field = bytes((IPV4 if address.version == 4 else IPV6,))
        field += address.packed
    return bytes((5, command, 0)) + field + struct.pack("!H", port)


def request4(host, port, form="ip", command=CONNECT, userid=b"camper"):
    """The octets of a request of SOCKS4; form "name" is 4A."""
    head = struct.pack("!BBH", 4, command, port)
    if form == "name":
        return head + bytes((0, 0, 0, 1)) + userid + b"\0" + \
            host.encode("latin-1") + b"\0"
    return head + ipaddress.IPv4Address(host).packed + userid + b"\0"


GREETING = b"\5\1\0"
METHOD_NONE = b"\5\0"


class Session:
    """One connection to the gateway."""

    flag = 0  # of the request and its replies

    def __init__(self, gateway, timeout=30.0, receive_buffer=None):
        if "/" in gateway:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            where = gateway
        else:
            host, port = parse_endpoint(gateway)
            info = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            self.sock = socket.socket(info[0], info[1])
            where = info[4]
        self.sock.settimeout(timeout)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                 receive_buffer)
        self.sock.connect(where)
        if self.sock.family != socket.AF_UNIX:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.name = text_of(self.sock.getsockname())
        self.up = 0
        self.down = 0

    def expect(self, wanted):
        got = streams.receive_exactly(self.sock, len(wanted))
        if got != wanted:
            raise Mismatch(f"expected {wanted.hex()}, got {got.hex()}")

    def expect_fin(self):
        octets = self.sock.recv(65536)
        if octets:
            raise Mismatch(f"expected FIN, got {octets[:64].hex()}")

    def expect_end(self):
        """FIN or a reset, but no octet."""
        try:
            self.expect_fin()
        except ConnectionError:
            pass

    def read_reply(self):
        """One reply, and not an octet more; a success has the FLAG."""
        head = streams.receive_exactly(self.sock, 4)
        if len(head) < 4:
            raise Mismatch(f"no reply but {head.hex() or 'FIN'}")
        flag = 0 if head[1] else self.flag
        if head[0] != 5 or head[2] != flag or head[3] not in (IPV4, IPV6):
            raise Mismatch(f"malformed reply {head.hex()}")
        size = 4 if head[3] == IPV4 else 16
        rest = streams.receive_exactly(self.sock, size + 2)
        if len(rest) < size + 2:
            raise Mismatch(f"half a reply: {(head + rest).hex()}")
        return Reply(head[1], str(ipaddress.ip_address(rest[:size])),
                     struct.unpack("!H", rest[size:])[0], head + rest)

    def read_reply4(self):
        """One reply of SOCKS4, and not an octet more."""
        octets = streams.receive_exactly(self.sock, 8)
        if len(octets) < 8 or octets[0] != 0:
            raise Mismatch(f"no reply of SOCKS4 but {octets.hex() or 'FIN'}")
        return Reply(octets[1], str(ipaddress.ip_address(octets[4:])),
                     struct.unpack("!H", octets[2:4])[0], octets)

    def connect4(self, host, port, form="ip", early=b""):
        """SOCKS4: a request is all; early is sent in one segment with it."""
        self.sock.sendall(request4(host, port, form) + early)
        return self.read_reply4()

    def connect(self, host, port, form="ip", early=b""):
        """Greeting to reply; early is sent in one segment with all."""
        wanted = request(host, port, form)
        if early:
            self.sock.sendall(GREETING + wanted + early)
            self.expect(METHOD_NONE)
        else:
            self.sock.sendall(GREETING)
            self.expect(METHOD_NONE)
            self.sock.sendall(wanted)
        return self.read_reply()

    def close(self):
        self.sock.close()


def at_mark(sock):
    flag = array.array("i", [0])
    fcntl.ioctl(sock, 0x8905, flag)  # SIOCATMARK
    return flag[0] != 0


def unacknowledged(sock):
    count = array.array("i", [0])
    fcntl.ioctl(sock, termios.TIOCOUTQ, count)
    return count[0]


def wait_acknowledged(sock, seconds=30.0):
    end = time.monotonic() + seconds
    while unacknowledged(sock) > 0:
        if time.monotonic() > end:
            raise Mismatch("octets stay unacknowledged")
        time.sleep(0.002)


class Actions:
    """What the command does behind the reply: methods named do_*.

    Each sends its orders as the first line; `early` has sent it already.
    """

    def __init__(self, session, seed, early):
        self.session = session
        self.sock = session.sock
        self.seed = seed
        self.early = early

    @staticmethod
    def order(action, arguments, seed):
        """The line for server.py."""
        first = arguments[0] if arguments else 0
        other = seed + 1
        return {
            "exchange": f"exchange {first} {other}\n",
            "half-close": f"reply {arguments[-1:] and arguments[-1]} "
                          f"{other}\n",
            "mirror": f"source {first} {other}\n",
            "reset": "silent\n",
            "server-reset": f"send-reset {first} {other}\n",
            "urgent-up": f"urgent-read {sum(arguments) + 1}\n",
            "urgent-down": f"urgent-send {other} "
                           f"{' '.join(map(str, arguments))}\n",
            "slow": f"source {first} {other}\n",
            "stall": f"source {first} {other}\n",
        }.get(action, "").encode()

    def send_order(self, action, arguments):
        line = self.order(action, arguments, self.seed)
        if not self.early:
            self.sock.sendall(line)
        self.session.up += len(line)

    def send(self, count):
        streams.send_stream(self.sock, self.seed, count)
        self.session.up += count

    def expect_stream(self, seed, count):
        tally = streams.Tally()
        while tally.count < count:
            octets = self.sock.recv(min(count - tally.count, 262144))
            if not octets:
                raise Mismatch(f"FIN after {tally.count} of {count} octets")
            tally.add(octets)
        self.session.down += count
        if tally.sha.hexdigest() != streams.digest(seed, count):
            raise Mismatch(f"{count} octets came, but not those sent")

    def expect_tally(self, count):
        """The line in which the server says what it got."""
        line = b""
        while not line.endswith(b"\n"):
            octet = self.sock.recv(1)
            if not octet:
                break
            line += octet
        self.session.down += len(line)
        wanted = f"{count} {streams.digest(self.seed, count)}\n".encode()
        if line != wanted:
            raise Mismatch(f"the server got {line!r}, not {wanted!r}")

    def finish(self):
        self.sock.shutdown(socket.SHUT_WR)

    def do_reply(self):
        self.finish()
        streams.receive_all(self.sock)

    def do_hold(self):
        print_now("holding")
        streams.receive_all(self.sock)

    def do_exchange(self, count):
        sender = threading.Thread(target=self.send, args=(count,))
        sender.start()
        self.expect_stream(self.seed + 1, count)
        sender.join()
        self.finish()
        self.expect_tally(count)
        self.session.expect_fin()

    def do_half_close(self, up, down):
        self.send(up)
        self.finish()
        self.expect_tally(up)
        self.expect_stream(self.seed + 1, down)
        self.session.expect_fin()

    def do_mirror(self, down, up):
        self.expect_stream(self.seed + 1, down)
        self.session.expect_fin()
        self.send(up)
        self.finish()
        print_now(f"expect source {up} {streams.digest(self.seed, up)}")

    def do_reset(self, count):
        self.send(count)
        wait_acknowledged(self.sock)
        streams.close_by_reset(self.sock)
        print_now(f"expect silent ConnectionResetError {count} "
                  f"{streams.digest(self.seed, count)}")

    def do_server_reset(self, count):
        self.expect_stream(self.seed + 1, count)
        try:
            octets = self.sock.recv(1)
        except ConnectionResetError:
            return
        raise Mismatch(f"no reset but {octets.hex() or 'FIN'}")

    def do_urgent_up(self, before, after):
        self.send(before)
        self.sock.send(b"!", socket.MSG_OOB)
        streams.send_stream(self.sock, self.seed + 1, after)
        self.session.up += 1 + after
        self.finish()
        streams.receive_all(self.sock)
        print_now(f"expect urgent mark={before} octet=21 "
                  f"count={before + 1 + after}")

    def do_urgent_down(self, before, after):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        count, mark, octet = 0, None, b""
        while True:
            select.select([self.sock], [], [], 30)
            if mark is None and at_mark(self.sock):
                mark = count
                octet = octets = self.sock.recv(1)
            else:
                octets = self.sock.recv(65536)
            if not octets:
                break
            count += len(octets)
        self.session.down += count
        self.finish()
        if (mark, octet, count) != (before, b"!", before + 1 + after):
            raise Mismatch(f"mark at {mark}, urgent {octet!r}, "
                           f"{count} octets in all")

    def do_slow(self, count):
        tally = streams.Tally()
        while tally.count < count:
            octets = self.sock.recv(16384)
            if not octets:
                raise Mismatch(f"FIN after {tally.count} of {count} octets")
            tally.add(octets)
            time.sleep(0.002)
        self.session.down += count
        if tally.sha.hexdigest() != streams.digest(self.seed + 1, count):
            raise Mismatch(f"{count} octets came, but not those sent")
        self.session.expect_fin()
        self.finish()

    def do_stall(self, count):
        print_now("stalled")
        sys.stdin.readline()
        self.expect_stream(self.seed + 1, count)
        self.session.expect_fin()
        self.finish()


def print_now(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def run_raw(session, steps):
    for step in steps:
        if step.startswith(">"):
            session.sock.sendall(bytes.fromhex(step[1:]))
        elif step.startswith("<"):
            session.expect(bytes.fromhex(step[1:]))
        elif step == "fin":
            session.sock.shutdown(socket.SHUT_WR)
        elif step == "rst":
            streams.close_by_reset(session.sock)
            return
        elif step == "eof":
            session.expect_fin()
        elif step == "gone":
            session.expect_end()
        else:
            sys.exit(f"socks.py: no such step: {step}")


def run_action(options, host, port, action, arguments):
    small = 16384 if action in ("slow", "stall") else None
    session = Session(options.gateway, options.timeout, small)
    early = b""
    if options.early:
        early = Actions.order(action, arguments, options.seed)
    connect = session.connect4 if options.socks4 else session.connect
    reply = connect(host, int(port), options.form, early)
    line = f"client={session.name} rep={reply.rep:02x} " \
           f"bnd={text_of((reply.address, reply.port))}"
    if reply.rep != (GRANTED4 if options.socks4 else 0):
        session.expect_end()
        print_now(line + " up=0 down=0")
        return
    if action in ("hold", "stall"):
        print_now(line)
    actions = Actions(session, options.seed, bool(early))
    try:
        actions.send_order(action, arguments)
        getattr(actions, "do_" + action.replace("-", "_"))(*arguments)
    finally:
        print_now(f"{line} up={session.up} down={session.down}")
    session.close()


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--as", dest="form", default="ip",
                        choices=("ip", "name"))
    parser.add_argument("--socks4", action="store_true")
    parser.add_argument("--early", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=30.0)
    parser.add_argument("gateway")
    parser.add_argument("words", nargs="+")
    options = parser.parse_args()
    words = options.words
    try:
        if words[0] == "raw":
            run_raw(Session(options.gateway, options.timeout), words[1:])
        else:
            run_action(options, words[0], words[1], words[2],
                       [int(word) for word in words[3:]])
    except (Mismatch, OSError) as error:
        sys.exit(f"socks.py: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A scripted client of UDP ASSOCIATE: a library and a command.

    udp.py [--as ip|name] [--port] [--flag N] GATEWAY SCENE ARGUMENT...

The scenes talk to datagrams.py at HOST PORT; --port announces the client's
port in the request.  Each prints "client=... rep=... bnd=... flag=...", then
what it says below.  Status 1, and a line on stderr, when something is not as
it must be.

    echo HOST PORT SEEN      a few datagrams, whose answers come from SEEN
    sizes HOST PORT UP DOWN  payloads of UP and answers of DOWN octets fit,
                             one octet more does not
    stream HOST PORT N       N datagrams, a few at a time under way: none is
                             lost, in order
    bad HOST PORT            what is no valid datagram is dropped, counted,
                             and harms nothing: prints bad=COUNT
    source HOST PORT OTHER   datagrams of OTHER, and of another port, are none
    answers HOST PORT        only those that were sent to can answer
    denied HOST PORT WHERE... none of them is sent to, HOST is
    names HOST PORT SLOW NAME GO  a name that is not answered before the file
                             GO is there delays nobody
    held HOST PORT NAME N    N datagrams to a name that is not answered, and it
                             ends
    pinned HOST PORT         a name stays what it was
    closes HOST PORT HOW     fin, rst
    idle HOST PORT MS        still there while it is used, closed after MS
    control STEP...          >HEX <HEX eof, on the connection
    interface HOST PORT HERE   what INTERFACE DATA says is what the peer sees
    peers HOST PORT N        N peers: ports from PORT on
    stays HOST PORT N        the same, and a large datagram; then it is silent
                             until it is ended
"""
import argparse
import ipaddress
import select
import socket
import struct
import sys
import time

import socks

PATIENCE = 30.0
UNDER_WAY = 64
SILENCE = 0.3  # behind which a later datagram has overtaken nothing


def print_now(text):
    print(text, flush=True)


def require(holds, what):
    if not holds:
        raise socks.Mismatch(what)


class Association:
    """A connection with its datagram socket."""

    def __init__(self, options):
        self.form = options.form
        self.session = socks.Session(options.gateway)
        host = self.session.sock.getsockname()
        self.zone = host[3] if len(host) == 4 else 0
        self.sock = self.new_socket(host[0])
        port = self.sock.getsockname()[1] if options.port else 0
        asked = "::" if ":" in host[0] else "0.0.0.0"
        form = "ip"
        given = getattr(options, "asked", None)  # other tests have none
        if given:
            asked, other = socks.parse_endpoint(given)
            port = port if other == 0 else other
            form = "ip" if asked[-1].isdigit() else "name"
        wanted = bytearray(socks.request(asked, port, form,
                                         socks.UDP_ASSOCIATE))
        wanted[2] = options.flag
        self.session.sock.sendall(socks.GREETING)
        self.session.expect(socks.METHOD_NONE)
        self.session.sock.sendall(wanted)
        self.reply = read_reply(self.session)
        self.relay = (self.reply.address, self.reply.port)
        print_now(f"client={self.session.name} rep={self.reply.rep:02x} "
                  f"bnd={socks.text_of(self.relay)} "
                  f"flag={self.reply.octets[2]:02x}")
        if self.zone:
            self.relay += (0, self.zone)

    def new_socket(self, host):
        ipv6 = ":" in host
        sock = socket.socket(socket.AF_INET6 if ipv6 else socket.AF_INET,
                             socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sock.bind((host, 0, 0, self.zone) if ipv6 else (host, 0))
        sock.settimeout(PATIENCE)
        return sock

    def header(self, host, port, fragment=0):
        request = socks.request(host, port, self.form)
        return bytes((0, 0, fragment)) + request[3:]

    def send(self, host, port, data, sock=None, fragment=0):
        (sock or self.sock).sendto(
            self.header(host, port, fragment) + data, self.relay)

    def send_raw(self, octets):
        self.sock.sendto(octets, self.relay)

    def receive(self, sock=None):
        """(host, port, data) of the next answer."""
        octets, sender = (sock or self.sock).recvfrom(65536)
        require(sender[:2] == self.relay[:2], f"an answer from {sender}")
        require(octets[:3] == b"\0\0\0", f"header {octets[:10].hex()}")
        require(octets[3] in (socks.IPV4, socks.IPV6),
                f"header {octets[:10].hex()}")
        size = 4 if octets[3] == socks.IPV4 else 16
        host = str(ipaddress.ip_address(octets[4:4 + size]))
        port = struct.unpack("!H", octets[4 + size:6 + size])[0]
        return host, port, octets[6 + size:]

    def ask(self, host, port, data):
        self.send(host, port, data)
        return self.receive()

    def silent(self, seconds=SILENCE, sock=None):
        ready = select.select([sock or self.sock], [], [], seconds)[0]
        require(not ready, "an answer where none must come")


def read_reply(session):
    """As session.read_reply(), but with any FLAG."""
    head = session.sock.recv(4, socket.MSG_WAITALL)
    require(len(head) == 4 and head[0] == 5 and head[3] in (1, 4),
            f"reply {head.hex()}")
    size = 4 if head[3] == socks.IPV4 else 16
    rest = session.sock.recv(size + 2, socket.MSG_WAITALL)
    require(len(rest) == size + 2, "half a reply")
    return socks.Reply(head[1], str(ipaddress.ip_address(rest[:size])),
                       struct.unpack("!H", rest[size:])[0], head + rest)


# ------------------------------------------------------------------ scenes

def scene_echo(a, host, port, seen):
    for i in range(5):
        answer = a.ask(host, int(port), b"ping %d" % i)
        require(answer == (seen, int(port), b"ping %d" % i), str(answer))
    answer = a.ask(host, int(port), b"")  # an empty one is one too
    require(answer == (seen, int(port), b""), str(answer))


def skip_large(a, host, port):
    """Waits until what was sent has come back, if it does."""
    answer = a.ask(host, port, b"small")
    while answer[2][:1] == b"y":
        answer = a.receive()
    require(answer[2] == b"small", f"{len(answer[2])} octets")


def scene_sizes(a, host, port, up, down):
    port, up, down = int(port), int(up), int(down)
    largest = 65507 if a.sock.family == socket.AF_INET else 65527
    for size in sorted({1472, 9000, min(up, down,
                                        largest - len(a.header(host, port)))}):
        answer = a.ask(host, port, b"y" * size)
        require(answer[2] == b"y" * size, f"{size}: {len(answer[2])}")
    if len(a.header(host, port)) + up <= largest:
        # The answer may have no room with its header on its way back,
        a.send(host, port, b"y" * up)
        skip_large(a, host, port)
        # and this has none on the leg to the server.
        if len(a.header(host, port)) + up < largest:
            a.send(host, port, b"y" * (up + 1))
            skip_large(a, host, port)
    answer = a.ask(host, port, b"big %d" % down)
    require(answer[2] == b"x" * down, f"{down}: {len(answer[2])}")
    a.send(host, port, b"big %d" % (down + 1))
    answer = a.ask(host, port, b"behind")
    require(answer[2] == b"behind", f"{down + 1}: {len(answer[2])}")


def scene_stream(a, host, port, count):
    port, count = int(port), int(count)
    sent = 0
    for received in range(count):
        # As many as any socket has room for: what is lost is our fault.
        while sent < min(count, received + UNDER_WAY):
            a.send(host, port, struct.pack("!I", sent) + bytes(96))
            sent += 1
        number = struct.unpack("!I", a.receive()[2][:4])[0]
        require(number == received, f"{number} came as {received}")


def scene_bad(a, host, port):
    port = int(port)
    good = a.header(host, port) + b"never"
    bad = [b"", good[:1], good[:4], good[:len(a.header(host, port)) - 1],
           b"\0\0\0\2" + good[4:], b"\0\0\0\x08" + good[4:],
           b"\0\0\0\3\0" + good[4:], b"\0\0\0\3\3a\0b\0\x35never",
           b"\0\0\0\3\x05127.1\0\x35never", b"\xff" * 300]
    bad += [good[:2] + bytes([fragment]) + good[3:]
            for fragment in (1, 2, 127, 128, 129, 255)]
    bad += [a.header(host, 0) + b"never"]
    for octets in bad:
        a.send_raw(octets)
        answer = a.ask(host, port, b"after")
        require(answer[2] == b"after", f"{octets[:20].hex()}: {answer}")
    a.silent()
    # RSV is not looked at.
    a.send_raw(b"\1\2" + good[2:])
    require(a.receive()[2] == b"never", "RSV")
    print_now(f"bad={len(bad)}")


def scene_source(a, host, port, other):
    port = int(port)
    stranger = a.new_socket(other)
    a.send(host, port, b"stranger", stranger)
    # Before the port is known: it locks nothing, and is not answered.
    answer = a.ask(host, port, b"mine")
    require(answer[2] == b"mine", str(answer))
    a.send(host, port, b"stranger", stranger)
    second = a.new_socket(a.sock.getsockname()[0])
    a.send(host, port, b"second", second)
    answer = a.ask(host, port, b"mine")
    require(answer[2] == b"mine", str(answer))
    for sock in stranger, second, a.sock:
        a.silent(sock=sock)


def scene_announced(a, host, port):
    """The port of the request counts, not the first that sends."""
    port = int(port)
    second = a.new_socket(a.sock.getsockname()[0])
    a.send(host, port, b"second", second)
    answer = a.ask(host, port, b"mine")
    require(answer[2] == b"mine", str(answer))
    a.silent(sock=second)


def scene_headerless(a, count):
    """What a program sends that knows of no SOCKS: a query, a text, octets
    that look like a fragment."""
    query = b"\x12\x34\1\0\0\1\0\0\0\0\0\0\7example\3com\0\0\1\0\1"
    fragment = b"\x12\x34\1\1\x0a\0\0\1\0\x35never"
    for _ in range(int(count)):
        a.send_raw(query)
        a.send_raw(b"hello\n")
        a.send_raw(fragment)
    a.silent()


def scene_nowhere(a, host, port):
    """A datagram that does not come through."""
    a.send(host, int(port), b"never")
    a.silent()


def scene_answers(a, host, port):
    port = int(port)
    outside = a.ask(host, port, b"whoami")[2].decode()
    print_now(f"outside={outside}")
    # Another port of the peer that was sent to.
    a.send(host, port, b"elsewhere")
    # And whoever the test makes send, before it says so.
    sys.stdin.readline()
    answer = a.ask(host, port, b"mine")
    require(answer[2] == b"mine", str(answer))
    a.silent()


def scene_denied(a, host, port, *where):
    port = int(port)
    for denied in where:
        a.form = "ip"
        try:
            ipaddress.ip_address(denied)
        except ValueError:
            a.form = "name"
        a.send(denied, port, b"denied")
        a.form = "ip"
        answer = a.ask(host, port, denied.encode())
        require(answer == (host, port, denied.encode()), str(answer))
    a.silent()


def scene_names(a, host, port, slow, name, go):
    port = int(port)
    a.form = "name"
    for i in range(3):
        a.send(slow, port, b"slow %d" % i)
    for i in range(3):
        answer = a.ask(name, port, b"fast %d" % i)
        require(answer == (host, port, b"fast %d" % i), str(answer))
    a.form = "ip"
    answer = a.ask(host, port, b"literal")
    require(answer == (host, port, b"literal"), str(answer))
    with open(go, "w", encoding="ascii"):
        pass
    for i in range(3):
        answer = a.receive()
        require(answer[1:] == (port, b"slow %d" % i), str(answer))


def scene_held(a, host, port, name, count):
    port = int(port)
    a.form = "name"
    for _ in range(int(count)):
        a.send(name, port, b"never")
    a.form = "ip"
    # Behind them: they are held now.
    answer = a.ask(host, port, b"literal")
    require(answer == (host, port, b"literal"), str(answer))


def scene_pinned(a, name, port):
    a.form = "name"
    hosts = {a.ask(name, int(port), b"who")[0] for _ in range(10)}
    print_now("hosts=" + ",".join(sorted(hosts)))


def scene_closes(a, host, port, how):
    port = int(port)
    require(a.ask(host, port, b"open")[2] == b"open", "not open")
    if how == "fin":
        a.session.sock.shutdown(socket.SHUT_WR)
        a.session.expect_fin()
        a.send(host, port, b"closed")
        a.silent()
    else:
        # Answered by nothing: when it is seen, nobody here can tell.
        socks.streams.close_by_reset(a.session.sock)


def scene_idle(a, host, port, milliseconds):
    limit = int(milliseconds) / 1000
    for _ in range(4):
        time.sleep(limit / 3)
        start = time.monotonic()
        answer = a.ask(host, int(port), b"busy")
        require(answer[2] == b"busy", str(answer))
    # What is dropped does not count.
    a.session.sock.setblocking(False)
    while True:
        a.send_raw(b"nothing")
        if select.select([a.session.sock], [], [], limit / 10)[0]:
            break
        require(time.monotonic() - start < limit + PATIENCE, "still there")
    require(time.monotonic() - start > limit - 0.01, "closed too early")
    a.session.expect_fin()


def scene_control(a, *steps):
    socks.run_raw(a.session, steps)


def scene_interface(a, host, port, here):
    port = int(port)
    message = b"\0\1" + bytes(1) + socks.request(host, port, a.form)[3:]
    for octet in message:  # in pieces
        a.session.sock.sendall(bytes([octet]))
    reply = read_reply(a.session)
    require(reply.rep == 0, f"rep {reply.rep}")
    require(reply.address == here, f"address {reply.address}")
    # It opens nothing by itself; what it says is true.
    seen = a.ask(host, port, b"whoami")[2].decode()
    told = socks.text_of((reply.address, reply.port))
    require(seen == told, f"told {told}, seen {seen}")
    # Several in one segment are answered in their order.
    denied = b"\0\1\0\1" + socket.inet_aton("127.0.0.1") + b"\0\x35"
    a.session.sock.sendall(message + denied + message)
    reps = [read_reply(a.session).rep for _ in range(3)]
    require(reps == [0, 2, 0], str(reps))
    # 32 are enough.
    a.session.sock.sendall(message * 30)
    reps = [read_reply(a.session).rep for _ in range(30)]
    require(reps == [0] * 28 + [2] * 2, str(reps))
    require(a.ask(host, port, b"still")[2] == b"still", "ended")


def scene_peers(a, host, port, count):
    # The first one answers: an answer that nobody waits for would be taken for
    # one of those below, and the scene end with datagrams on their way.
    require(a.ask(host, int(port), b"hello")[2], "no answer")
    for i in range(1, int(count)):
        a.send(host, int(port) + i, b"hello")
        if i % UNDER_WAY == UNDER_WAY - 1:
            require(a.ask(host, int(port), b"so far")[2], "no answer")
    require(a.ask(host, int(port), b"last")[2], "no answer")


def scene_stays(a, host, port, count):
    scene_peers(a, host, port, count)
    require(a.ask(host, int(port), b"y" * 60000)[2], "no answer")
    print_now("stays")
    a.session.expect_end()


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--as", dest="form", default="ip",
                        choices=("ip", "name"))
    parser.add_argument("--port", action="store_true")
    parser.add_argument("--asked")  # DST of the request; port 0: as --port
    parser.add_argument("--flag", type=int, default=0)
    parser.add_argument("gateway")
    parser.add_argument("scene")
    parser.add_argument("arguments", nargs="*")
    options = parser.parse_args()
    try:
        a = Association(options)
        if a.reply.rep != 0:
            a.session.expect_end()
            return
        globals()["scene_" + options.scene](a, *options.arguments)
    except (socks.Mismatch, OSError) as error:
        sys.exit(f"udp.py: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()

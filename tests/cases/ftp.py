#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""FTP dialogues through a handler of one's own, on loopback.

    ftp.py HANDLER whole|octets FILE...

Each FILE (tests/vectors/ftp) is one dialogue; this program is the client and
the server of it.  octets: each octet (97 of long lines) is sent by itself,
after the handler has read the one before.  Lines of a FILE:

    # comment
    families 64        the client's, then the server's; 4 is 127.0.0.1
    option KEYWORD VALUE
    no-table           the state directory is missing
    C TEXT   S TEXT    the client, the server sends a line
    c TEXT   s TEXT    the same without a line end; \\r \\n \\xHH in all of them
    c! TEXT            the same, the last octet urgent
    > TEXT   < TEXT    the server, the client must get exactly this line
    >= TEXT  <= TEXT   the same octets, with no line end to come
    >! TEXT            the server gets the line, an urgent octet before it
    login              the client logs in, as FTP is only spoken then
    listen             the client listens; its port is {own} {own,} {own:}
    transfer UP DOWN   the server connects to {port}, the client accepts, and
                       so many octets go either way, with FINs
    stranger           somebody else connects to {port}: closed, unanswered
    refused            nobody listens at {port} any more
    deaf               the same, but nobody listens at {own}
    cut                the server connects to {port}, and that is reset
    client-ends  server-ends  client-eof  server-eof  client-gone  server-gone
    log PATTERN        the record matches

In TEXT: {own,} the port as p1,p2; {own} in decimal; {socks} {socks,} the port
that the client connected to; {client} {server} {gate}
addresses in text form, {client,} ... as numbers, {server,long} as RFC 1639
has them; {alias} any 0,r,r,r; {port} {port,} any port, remembered.
"""
import fcntl
import ipaddress
import concurrent.futures
import os
import re
import shutil
import socket
import sys
import tempfile
import time

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "peers"))
import handshake
import socks
import streams

DEADLINE = 30.0
LOGIN = (b"USER a\r\n", b"230 in\r\n")
LOOPBACK = {"4": "127.0.0.1", "6": "::1"}
STRANGER = {"4": "127.0.0.9", "6": None}


class Failure(Exception):
    """A dialogue that did not go as it must."""


def octets_of(text):
    return re.sub(
        rb"\\(r|n|x[0-9a-f]{2})",
        lambda m: {b"r": b"\r", b"n": b"\n"}.get(m[1]) or
        bytes((int(m[1][1:], 16),)),
        text.encode("latin-1"))


def commas(octets):
    return ",".join(str(octet) for octet in octets)


def long_form(address):
    packed = ipaddress.ip_address(address).packed
    return f"{'4,4' if len(packed) == 4 else '6,16'},{commas(packed)}"


def waiting_at(local, peer):
    """Octets that wait in a socket of another process, by the kernel."""
    family = 4 if "." in local[0] else 6

    def field(address):
        packed = ipaddress.ip_address(address[0]).packed
        words = [packed[i:i + 4][::-1].hex().upper()
                 for i in range(0, len(packed), 4)]
        return f"{''.join(words)}:{address[1]:04X}"
    wanted = (field(local), field(peer))
    path = "/proc/net/tcp" if family == 4 else "/proc/net/tcp6"
    with open(path, encoding="ascii") as lines:
        for line in lines:
            words = line.split()
            if (words[1], words[2]) == wanted:
                return int(words[4].split(":")[1], 16)
    return 0


class Peer:
    """One side: a connected socket and what came of it."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(DEADLINE)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.got = b""

    def wait_read(self):
        end = time.monotonic() + DEADLINE
        local = self.sock.getsockname()[:2]
        peer = self.sock.getpeername()[:2]
        while (socks.unacknowledged(self.sock) or waiting_at(peer, local)):
            if time.monotonic() > end:
                raise Failure("the handler stopped reading")

    def send(self, octets, one_by_one, urgent=False):
        if urgent:
            self.sock.sendall(octets[:-1])
            self.sock.send(octets[-1:], socket.MSG_OOB)
            return
        if not one_by_one:
            self.sock.sendall(octets)
            return
        try:
            step = 1 if len(octets) < 1000 else 97
            for i in range(0, len(octets), step):
                self.sock.sendall(octets[i:i + step])
                self.wait_read()
        except OSError:
            pass  # it is gone: what it must get or say tells whether rightly

    def more(self):
        try:
            octets = self.sock.recv(65536)
        except socket.timeout:
            raise Failure(f"nothing comes, after {self.got!r}") from None
        except ConnectionResetError:
            raise Failure(f"reset, after {self.got!r}") from None
        if not octets:
            raise Failure(f"end, after {self.got!r}")
        self.got += octets

    def line(self):
        while b"\n" not in self.got:
            self.more()
        line, _, self.got = self.got.partition(b"\n")
        if not line.endswith(b"\r"):
            raise Failure(f"no CR at the end of {line!r}")
        return line[:-1]

    def exactly(self, octets):
        while len(self.got) < len(octets):
            self.more()
        came, self.got = self.got[:len(octets)], self.got[len(octets):]
        if came != octets:
            raise Failure(f"{came!r}, not {octets!r}")

    def ended(self, reset):
        try:
            octets = self.got + self.sock.recv(65536)
        except socket.timeout:
            raise Failure("it does not end") from None
        except ConnectionResetError:
            if reset:
                return
            raise Failure("reset, not an end") from None
        if octets:
            raise Failure(f"{octets!r}, not the end")

    def marked_line(self, synch):
        """The urgent octet is the last of synch, in its place."""
        flag = bytearray(4)
        while len(self.got) < len(synch) - 1:
            self.got += self.sock.recv(len(synch) - 1 - len(self.got))
        end = time.monotonic() + DEADLINE
        while True:
            fcntl.ioctl(self.sock, 0x8905, flag)  # SIOCATMARK
            if flag[0]:
                break
            if time.monotonic() > end:
                raise Failure("no urgent octet")
            time.sleep(0.001)
        self.exactly(synch[:-1])
        self.got += self.sock.recv(1)
        self.exactly(synch[-1:])


class Dialogue:
    """One FILE."""

    def __init__(self, program, mode, path):
        self.program = program
        self.one_by_one = mode == "octets"
        self.path = path
        self.families = "64"
        self.options = []
        self.table = True
        self.steps = []
        self.values = {}
        self.listener = None
        self.own = 0
        self.handler = None
        with open(path, encoding="latin-1") as lines:
            for line in lines:
                self.read(line.rstrip("\n"))

    def read(self, line):
        word, _, rest = line.partition(" ")
        if word == "families":
            self.families = rest
        elif word == "option":
            self.options += ["-o", rest]
        elif word == "no-table":
            self.table = False
        elif word and word != "#":
            self.steps.append((word, rest, line))

    def start(self):
        self.state = tempfile.mkdtemp()
        options = ["-o", "state-dir " + os.path.join(
            self.state, "" if self.table else "none")]
        if os.getuid() == 0:
            os.chown(self.state, 65534, 65534)
            options += ["-o", "user nobody"]
        ours, theirs = (LOOPBACK[f] for f in self.families)
        listener = socket.create_server(
            (theirs, 0), family=socket.AF_INET if "." in theirs
            else socket.AF_INET6)
        port = listener.getsockname()[1]
        self.handler = handshake.Handler(self.program, [
            *options, "-o", "allow all at loopback",
            "-o", f"ftp-port {port}", *self.options], address=ours)
        self.handler.let_go()
        try:
            self.handler.client.sendall(
                b"\5\1\0" + socks.request(theirs, port))
            exactly = streams.receive_exactly
            if exactly(self.handler.client, 2) != b"\5\0":
                raise Failure("no method")
            reply = exactly(self.handler.client, 4)
            exactly(self.handler.client, 6 if reply[3] == 1 else 18)
            if reply[1] != 0:
                raise Failure(f"REP {reply[1]}")
            listener.settimeout(DEADLINE)
            self.server = Peer(listener.accept()[0])
            self.gate = self.server.sock.getpeername()[0]
        finally:
            listener.close()
        self.client = Peer(self.handler.client)

    # TEXT -----------------------------------------------------------------

    def known(self):
        ours, theirs = (LOOPBACK[f] for f in self.families)
        values = dict(self.values)
        for name, address in (("client", ours), ("server", theirs),
                              ("gate", self.gate)):
            values[name] = address
            values[name + ","] = commas(ipaddress.ip_address(address).packed)
            values[name + ",long"] = long_form(address)
        for name, port in (("own", self.own),
                           ("socks", self.client.sock.getpeername()[1])):
            values[name] = str(port)
            values[name + ","] = f"{port >> 8},{port & 255}"
        return values

    def fill(self, text):
        for name, value in self.known().items():
            text = text.replace("{" + name + "}", value)
        return text

    def match(self, line, text):
        """line against TEXT; remembers the port."""
        parts = re.split(r"(\{port,?\}|\{alias\}|\{any\})", self.fill(text))
        patterns = {"{port}": rb"(\d+)", "{port,}": rb"(\d+,\d+)",
                    "{alias}": rb"0(?:,\d{1,3}){3}", "{any}": rb".+"}
        pattern = b"".join(
            patterns.get(part) or re.escape(octets_of(part))
            for part in parts)
        found = re.fullmatch(pattern, line)
        if not found:
            raise Failure(f"{line!r}, not {text!r}")
        if found.groups():
            numbers = [int(n) for n in found[1].split(b",")]
            self.port = numbers[0] if len(numbers) == 1 else (
                numbers[0] << 8 | numbers[1])

    # steps ----------------------------------------------------------------

    def run(self):
        self.start()
        try:
            for word, rest, line in self.steps:
                try:
                    self.step(word, rest)
                except (Failure, OSError) as failure:
                    raise Failure(f"at {line!r}: {failure}") from None
            self.finish()
        finally:
            self.clean()

    def step(self, word, rest):
        sides = {"C": self.client, "S": self.server}
        if word in ("C", "S"):
            sides[word].send(octets_of(self.fill(rest)) + b"\r\n",
                             self.one_by_one)
        elif word in ("c", "s"):
            sides[word.upper()].send(octets_of(self.fill(rest)),
                                     self.one_by_one)
        elif word in ("c!", "s!"):
            sides[word[0].upper()].send(octets_of(rest), False, True)
        elif word in ("<", ">"):
            side = self.client if word == "<" else self.server
            self.match(side.line(), rest)
        elif word in ("<=", ">="):
            side = self.client if word == "<=" else self.server
            side.exactly(octets_of(self.fill(rest)))
        elif word == ">!":
            self.server.marked_line(b"\xff\xf4\xff\xf2")
            self.match(self.server.line(), rest)
        else:
            getattr(self, "do_" + word.replace("-", "_"))(rest)

    def do_login(self, _):
        self.client.send(LOGIN[0], self.one_by_one)
        self.server.exactly(LOGIN[0])
        self.server.send(LOGIN[1], self.one_by_one)
        self.client.exactly(LOGIN[1])

    def own_socket(self):
        if self.listener:
            self.listener.close()
        ours = LOOPBACK[self.families[0]]
        self.listener = socket.socket(
            socket.AF_INET if "." in ours else socket.AF_INET6)
        self.listener.settimeout(DEADLINE)
        self.listener.bind((ours, 0))
        self.own = self.listener.getsockname()[1]

    def do_listen(self, _):
        self.own_socket()
        self.listener.listen()

    def do_deaf(self, _):
        self.own_socket()

    def connect(self, source=None):
        return socket.create_connection(
            (self.gate, self.port), DEADLINE,
            (source, 0) if source else None)

    def do_transfer(self, rest):
        up, down = (int(n) for n in rest.split())
        with self.connect() as server:
            client, _ = self.listener.accept()
            with client:
                client.settimeout(DEADLINE)
                for source, sink, n, seed in ((client, server, up, 1),
                                              (server, client, down, 2)):
                    data = b"".join(streams.stream(seed, n))
                    source.sendall(data)
                    source.shutdown(socket.SHUT_WR)
                    came = streams.receive_octets(sink)
                    if came != data:
                        raise Failure(f"{len(came)} octets, not {n}")

    def do_stranger(self, _):
        try:
            with self.connect(STRANGER[self.families[1]]) as sock:
                if sock.recv(1):
                    raise Failure("a stranger got an octet")
        except ConnectionResetError:
            pass

    def do_refused(self, _):
        try:
            self.connect().close()
        except ConnectionRefusedError:
            return
        raise Failure("somebody listens")

    def do_cut(self, _):
        try:
            with self.connect() as sock:
                raise Failure(f"{sock.recv(1)!r}, not a reset")
        except ConnectionResetError:
            pass

    def do_client_ends(self, _):
        self.client.sock.shutdown(socket.SHUT_WR)

    def do_server_ends(self, _):
        self.server.sock.shutdown(socket.SHUT_WR)

    def do_client_eof(self, _):
        self.client.ended(False)

    def do_server_eof(self, _):
        self.server.ended(False)

    def do_client_gone(self, _):
        self.client.ended(True)

    def do_server_gone(self, _):
        self.server.ended(True)

    def do_log(self, pattern):
        self.wanted = pattern

    def finish(self):
        """Nothing more may come, on either side."""
        for side in (self.client, self.server):
            try:
                side.sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass
        for side, name in ((self.client, "client"), (self.server, "server")):
            rest = side.got
            try:
                while True:
                    more = side.sock.recv(65536)
                    if not more:
                        break
                    rest += more
            except ConnectionResetError:
                pass
            if rest:
                raise Failure(f"and the {name} got {rest!r}")
        self.server.sock.close()
        text, status = self.handler.finish()
        self.handler = None
        wanted = getattr(self, "wanted", "^ok ")
        records = [line.partition(": ")[2] for line in text.splitlines()]
        if len(records) != 1 or not re.search(wanted, records[0]):
            raise Failure(f"the log says {text!r}, not {wanted!r}")
        if status != 0:
            raise Failure(f"status {status}")

    def clean(self):
        if self.handler:
            self.handler.kill()
        if self.listener:
            self.listener.close()
        shutil.rmtree(self.state, ignore_errors=True)


def play(program, mode, path):
    """What is wrong with one dialogue; None: nothing."""
    try:
        Dialogue(program, mode, path).run()
    except (Failure, handshake.Failure, OSError) as failure:
        return f"{os.path.basename(path)}: {failure}"
    return None


def main():
    program, mode, *files = sys.argv[1:]
    # Most of a dialogue is waiting.
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        wrong = list(filter(None, pool.map(
            lambda path: play(program, mode, path), files)))
    print(*wrong, sep="\n")
    print(f"{len(files) - len(wrong)} held, {len(wrong)} failed")
    sys.exit(1 if wrong or not files else 0)


if __name__ == "__main__":
    main()

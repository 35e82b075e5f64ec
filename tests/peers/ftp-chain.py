#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A small FTP server, and a client of it by way of SOCKS, for each way to
make a data connection.

    ftp-chain.py server ADDRESS
    ftp-chain.py client [--as ip|name] [--listen] GATEWAY HOST
                 PASV|EPSV|PORT|EPRT SIZE

The client logs in, gets SIZE octets and puts them back.  Passive data
connections are CONNECTs, to HOST for EPSV and to the address of the reply for
PASV; for PORT and EPRT it asks for a BIND first, and names its BND, or
(--listen) listens by itself.  Prints "client=... sum=..."; status 1, and a
line on stderr, when something is not as it must be.
"""
import argparse
import hashlib
import re
import socket
import sys
import threading

import socks
import streams


def content(size):
    return b"".join(streams.stream(7, size))


class Server:
    """One control connection."""

    def __init__(self, sock, address):
        self.sock, self.address = sock, address
        self.file = sock.makefile("rb")
        self.passive = None
        self.active = None
        self.kept = b""

    def say(self, line):
        self.sock.sendall(line.encode() + b"\r\n")

    def listen(self):
        self.passive = socket.create_server(
            (self.address, 0), family=socket.AF_INET6
            if ":" in self.address else socket.AF_INET)
        return self.passive.getsockname()[1]

    def data(self):
        if self.active:
            return socket.create_connection(self.active, 30)
        self.passive.settimeout(30)
        return self.passive.accept()[0]

    def transfer(self, work):
        self.say("150 here it comes")
        with self.data() as data:
            work(data)
        self.active = None
        self.say("226 done")

    def do(self, verb, rest):
        if verb in ("USER", "PASS"):
            self.say("230 welcome" if verb == "PASS" else "331 password?")
        elif verb == "EPSV":
            self.say(f"229 extended (|||{self.listen()}|)")
        elif verb == "PASV" and ":" not in self.address:
            port = self.listen()
            self.say("227 passive ("
                     + self.address.replace(".", ",")
                     + f",{port >> 8},{port & 255})")
        elif verb == "PORT":
            numbers = rest.split(",")
            self.active = (".".join(numbers[:4]),
                           int(numbers[4]) * 256 + int(numbers[5]))
            self.say("200 port")
        elif verb == "EPRT":
            _, _, host, port, _ = rest.split("|")
            self.active = (host, int(port))
            self.say("200 eprt")
        elif verb == "RETR":
            octets = content(int(rest))
            self.transfer(lambda data: data.sendall(octets))
        elif verb == "STOR":
            def keep(data):
                self.kept = streams.receive_octets(data)
            self.transfer(keep)
        elif verb == "HASH":
            self.say("213 " + hashlib.sha256(self.kept).hexdigest())
        else:
            self.say("500 what?")

    def run(self):
        self.say("220 ready")
        for line in self.file:
            verb, _, rest = line.decode().strip().partition(" ")
            if verb == "QUIT":
                break
            self.do(verb.upper(), rest)
        self.sock.close()


def serve(address):
    listener = socket.create_server(
        (address, 21), family=socket.AF_INET6 if ":" in address
        else socket.AF_INET)
    print("ready", flush=True)
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=Server(sock, address).run,
                         daemon=True).start()


class Client:
    def __init__(self, options):
        self.options = options
        self.session = socks.Session(options.gateway)
        reply = self.session.connect(options.host, 21, options.form)
        if reply.rep:
            raise socks.Mismatch(f"control: {reply.rep:02x}")
        self.file = self.session.sock.makefile("rb")
        self.expect("220")

    def expect(self, code):
        line = self.file.readline().decode().strip()
        if not line.startswith(code):
            raise socks.Mismatch(f"wanted {code}, got {line or 'FIN'}")
        return line

    def ask(self, line, code):
        self.session.sock.sendall(line.encode() + b"\r\n")
        return self.expect(code)

    def passive(self):
        """The data connection of EPSV or PASV."""
        host, form = self.options.host, self.options.form
        if self.options.mode == "EPSV":
            port = int(re.search(r"\|\|\|(\d+)\|", self.ask(
                "EPSV", "229")).group(1))
        else:
            numbers = re.search(r"\(([\d,]+)\)", self.ask(
                "PASV", "227")).group(1).split(",")
            host, form = ".".join(numbers[:4]), "ip"
            port = int(numbers[4]) * 256 + int(numbers[5])
        session = socks.Session(self.options.gateway)
        reply = session.connect(host, port, form)
        if reply.rep:
            raise socks.Mismatch(f"data to {host}:{port}: {reply.rep:02x}")
        return session

    def announce(self, host, port):
        if self.options.mode == "PORT":
            self.ask("PORT %s,%d,%d" % (host.replace(".", ","), port >> 8,
                                        port & 255), "200")
        else:
            self.ask("EPRT |%d|%s|%d|" % (2 if ":" in host else 1, host,
                                          port), "200")

    def bind(self):
        """A BIND that PORT or EPRT names."""
        session = socks.Session(self.options.gateway)
        session.sock.sendall(socks.GREETING + socks.request(
            self.options.host, 0, self.options.form, socks.BIND))
        session.expect(socks.METHOD_NONE)
        reply = session.read_reply()
        if reply.rep:
            raise socks.Mismatch(f"bind: {reply.rep:02x}")
        self.announce(reply.address, reply.port)
        return session

    def listen(self, line):
        """The server's way to a listener of ours."""
        own = self.session.sock.getsockname()[0]
        with socket.create_server((own, 0), family=self.session.sock.family
                                  ) as listener:
            listener.settimeout(30)
            self.announce(own, listener.getsockname()[1])
            self.ask(line, "150")
            return listener.accept()[0]

    def data(self, line):
        """What the command line transfers by."""
        active = self.options.mode in ("PORT", "EPRT")
        if active and self.options.listen:
            return self.listen(line)
        session = self.bind() if active else self.passive()
        self.ask(line, "150")
        if active and session.read_reply().rep:
            raise socks.Mismatch("the second reply is no success")
        return session.sock

    def run(self):
        self.ask("USER ftp", "331")
        self.ask("PASS x", "230")
        with self.data(f"RETR {self.options.size}") as sock:
            octets = streams.receive_octets(sock)
        self.expect("226")
        if octets != content(self.options.size):
            raise socks.Mismatch(f"{len(octets)} octets that are not the file")
        with self.data("STOR x") as sock:
            sock.sendall(octets)
            sock.shutdown(socket.SHUT_WR)
            self.expect("226")
        kept = self.ask("HASH", "213").split()[1]
        if kept != hashlib.sha256(octets).hexdigest():
            raise socks.Mismatch("what was put is not what was got")
        self.session.sock.sendall(b"QUIT\r\n")
        print(f"client={self.session.name} sum={kept}", flush=True)
        self.session.expect_end()


def main():
    if sys.argv[1] == "server":
        serve(sys.argv[2])
    parser = argparse.ArgumentParser()
    parser.add_argument("client")
    parser.add_argument("--as", dest="form", default="ip")
    parser.add_argument("--listen", action="store_true")
    parser.add_argument("gateway")
    parser.add_argument("host")
    parser.add_argument("mode")
    parser.add_argument("size", type=int)
    try:
        Client(parser.parse_args()).run()
    except (OSError, socks.Mismatch) as error:
        print(f"ftp-chain.py: {error!r}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()

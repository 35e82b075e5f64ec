#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A scripted TCP server for tests.

    server.py [--report FILE] ADDRESS [MODE[:ARGUMENT...]=PORT]...

Listens on each port (0: the kernel's choice), prints "MODE PORT" for each and
then "ready", and serves until it is killed.  Without a MODE it is "ask=0".
What a mode has to tell goes to FILE, a line for each connection, with the
peer's address first.

  ask                  reads a line "MODE ARGUMENT..." and goes on as that
  echo                 sends back what it gets, to the FIN
  sink                 reads to the FIN, answers "COUNT SHA256", closes
  source N SEED        sends a stream and FIN, reads to the FIN
  exchange N SEED      both at once; after both answers "COUNT SHA256"
  reply N SEED         reads to the FIN, answers "COUNT SHA256", then a stream
  silent               reads to the FIN (or the reset), sends nothing
  mute                 accepts and neither reads nor sends nor closes
  reset N              reads N octets, then resets
  send-reset N SEED    sends a stream, waits until it is acknowledged, resets
  close                FIN at once, then reads to the FIN
  urgent-read N        reads N octets and the mark; reports where the mark
                       was and the urgent octet
  urgent-send SEED B A sends B octets, an urgent "!", A octets, FIN
  slow N               reads N octets at 16 KiB each 2 ms, then as sink
  http                 answers one request with "hello from ADDRESS"
"""
import argparse
import array
import fcntl
import select
import socket
import sys
import termios
import threading
import time

import streams

DEADLINE = 60.0


def addresses(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def outgoing(sock):
    """Octets that were sent and are not acknowledged yet."""
    count = array.array("i", [0])
    fcntl.ioctl(sock, termios.TIOCOUTQ, count)
    return count[0]


def at_mark(sock):
    flag = array.array("i", [0])
    fcntl.ioctl(sock, 0x8905, flag)  # SIOCATMARK
    return flag[0] != 0


def wait_acknowledged(sock):
    end = time.monotonic() + DEADLINE
    while outgoing(sock) > 0 and time.monotonic() < end:
        time.sleep(0.002)


class Connection:
    """One accepted connection; modes are the methods named mode_*."""

    def __init__(self, sock, peer, report):
        self.sock = sock
        self.peer = peer
        self.report = report
        self.tally = streams.Tally()

    def run(self, mode, arguments):
        try:
            getattr(self, "mode_" + mode.replace("-", "_"))(*arguments)
        except (ConnectionError, socket.timeout) as error:
            self.say(f"{mode} {type(error).__name__} {self.tally}")
        finally:
            self.sock.close()

    def say(self, text):
        self.report(f"{self.peer} {text}")

    def mode_ask(self):
        line = b""
        while not line.endswith(b"\n"):
            octet = self.sock.recv(1)
            if not octet:
                self.say("ask nothing")
                return
            line += octet
        words = line.decode().split()
        self.run(words[0], words[1:])

    def mode_echo(self):
        tally = streams.Tally()
        while True:
            octets = self.sock.recv(65536)
            if not octets:
                break
            tally.add(octets)
            self.sock.sendall(octets)
        self.say(f"echo {tally}")

    def mode_sink(self):
        tally = streams.receive_all(self.sock)
        self.say(f"sink {tally}")
        self.sock.sendall(f"{tally}\n".encode())

    def mode_source(self, count, seed):
        streams.send_stream(self.sock, int(seed), int(count))
        self.sock.shutdown(socket.SHUT_WR)
        self.say(f"source {streams.receive_all(self.sock)}")

    def mode_exchange(self, count, seed):
        sender = threading.Thread(target=streams.send_stream,
                                  args=(self.sock, int(seed), int(count)))
        sender.start()
        tally = streams.receive_all(self.sock)
        sender.join()
        self.say(f"exchange {tally}")
        self.sock.sendall(f"{tally}\n".encode())

    def mode_reply(self, count, seed):
        tally = streams.receive_all(self.sock)
        self.say(f"reply {tally}")
        self.sock.sendall(f"{tally}\n".encode())
        streams.send_stream(self.sock, int(seed), int(count))

    def mode_silent(self):
        self.say(f"silent {streams.receive_all(self.sock, self.tally)}")

    def mode_mute(self):
        self.say("mute open")
        threading.Event().wait()

    def mode_reset(self, count):
        got = streams.receive_exactly(self.sock, int(count))
        self.say(f"reset {len(got)}")
        streams.close_by_reset(self.sock)

    def mode_send_reset(self, count, seed):
        streams.send_stream(self.sock, int(seed), int(count))
        wait_acknowledged(self.sock)
        self.say(f"send-reset {count}")
        streams.close_by_reset(self.sock)

    def mode_close(self):
        self.sock.shutdown(socket.SHUT_WR)
        self.say(f"close {streams.receive_all(self.sock)}")

    def mode_urgent_read(self, count):
        left = int(count)
        before = 0
        mark = None
        octet = b""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        while left > 0:
            select.select([self.sock], [], [], DEADLINE)
            if mark is None and at_mark(self.sock):
                mark = before
                octet = self.sock.recv(1)
                left -= len(octet)
                before += 1
                continue
            octets = self.sock.recv(min(left, 65536))
            if not octets:
                break
            before += len(octets)
            left -= len(octets)
        self.say(f"urgent mark={mark} octet={octet.hex() or '-'}"
                 f" count={before}")

    def mode_urgent_send(self, seed, before, after):
        streams.send_stream(self.sock, int(seed), int(before))
        self.sock.send(b"!", socket.MSG_OOB)
        streams.send_stream(self.sock, int(seed) + 1, int(after))
        self.sock.shutdown(socket.SHUT_WR)
        streams.receive_all(self.sock)

    def mode_slow(self, count):
        tally = streams.Tally()
        while tally.count < int(count):
            octets = self.sock.recv(16384)
            if not octets:
                break
            tally.add(octets)
            time.sleep(0.002)
        streams.receive_all(self.sock, tally)
        self.say(f"slow {tally}")
        self.sock.sendall(f"{tally}\n".encode())

    def mode_http(self):
        request = b""
        while b"\r\n\r\n" not in request:
            octets = self.sock.recv(4096)
            if not octets:
                return
            request += octets
        body = f"hello from {self.sock.getsockname()[0]}\n".encode()
        self.sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
                          b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.sock.shutdown(socket.SHUT_WR)
        streams.receive_all(self.sock)


def text_of(address):
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def listener(address, port):
    sock = socket.socket(addresses(address), socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind((address, port))
    sock.listen(128)
    return sock


def serve(sock, kind, mode, arguments, report):
    while True:
        connection, peer = sock.accept()
        connection.settimeout(DEADLINE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        handler = kind(connection, text_of(peer), report)
        threading.Thread(target=handler.run, args=(mode, arguments),
                         daemon=True).start()


def main(kind=Connection):
    """kind: whose methods are the modes."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--report")
    parser.add_argument("address")
    parser.add_argument("modes", nargs="*")
    options = parser.parse_args()

    lock = threading.Lock()
    out = open(options.report, "a", encoding="ascii") \
        if options.report else None

    def report(line):
        with lock:
            if out:
                out.write(line + "\n")
                out.flush()

    for text in options.modes or ["ask=0"]:
        mode, _, port = text.partition("=")
        name, *arguments = mode.split(":")
        if not hasattr(kind, "mode_" + name.replace("-", "_")):
            sys.exit(f"server.py: no such mode: {name}")
        sock = listener(options.address, int(port or 0))
        print(name, sock.getsockname()[1], flush=True)
        threading.Thread(target=serve, args=(sock, kind, name, arguments,
                               report),
                         daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()

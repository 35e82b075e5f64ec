#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A scripted next gateway, which need not be one.

    hop.py ADDRESS:PORT STEP...

Listens, says `ready', and plays the steps on each connection that comes:

    >HEX        sends these octets in one piece
    drip:HEX    sends them one by one, a tenth of a second apart
    <N          reads exactly so many octets, and prints them: "got HEX"
    login       reads a login of RFC 1929, and prints "got HEX"
    request     reads a whole request, and prints "got HEX"
    fin         sends FIN
    reset       ends by a reset
    hold        waits until the other side ends, prints what came before that

Behind the last step the connection is closed.
"""
import socket
import sys
import threading
import time

import socks
import streams


def read(sock, count):
    octets = streams.receive_exactly(sock, count)
    if len(octets) < count:
        raise EOFError(f"ended after {octets.hex() or 'nothing'}")
    return octets


def read_login(sock):
    head = read(sock, 2)
    middle = read(sock, head[1] + 1)
    return head + middle + read(sock, middle[-1])


def read_request(sock):
    head = read(sock, 5)
    rest = {1: 3 + 2, 3: head[4] + 2, 4: 15 + 2, 8: 3 + 2}[head[3]]
    return head + read(sock, rest)


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def play(sock, steps):
    for step in steps:
        if step[0] == ">":
            sock.sendall(bytes.fromhex(step[1:]))
        elif step.startswith("drip:"):
            for octet in bytes.fromhex(step[5:]):
                sock.sendall(bytes((octet,)))
                time.sleep(0.1)
        elif step[0] == "<":
            say("got " + read(sock, int(step[1:])).hex())
        elif step == "login":
            say("got " + read_login(sock).hex())
        elif step == "request":
            say("got " + read_request(sock).hex())
        elif step == "fin":
            sock.shutdown(socket.SHUT_WR)
        elif step == "reset":
            streams.close_by_reset(sock)
            return
        elif step == "hold":
            say("left " + streams.receive_octets(sock).hex())
        else:
            raise ValueError(step)
    sock.close()


def serve(sock, steps):
    try:
        play(sock, steps)
    except (OSError, EOFError) as error:
        say(f"over: {error}")


def main():
    host, port = socks.parse_endpoint(sys.argv[1])
    listener = socket.create_server(
        (host, port), family=socket.AF_INET6 if ":" in host
        else socket.AF_INET)
    say("ready")
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=serve, args=(sock, sys.argv[2:]),
                         daemon=True).start()


if __name__ == "__main__":
    main()

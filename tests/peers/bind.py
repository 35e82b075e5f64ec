#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A scripted client of BIND.

    bind.py [--as ip|name] [--socks4] [--early TEXT] [--between TEXT]
            [--leave fin|rst] [--flag N] [--pause SECONDS] GATEWAY HOST PORT

Asks for a listener that HOST may connect to, at PORT (0: any).  Prints

    client=ADDRESS:PORT rep=XX bnd=ADDRESS:PORT     the first reply
    rep=XX peer=ADDRESS:PORT                        the second one
    got=TEXT                                        what the peer sent

TEXT of --early goes in one segment with the request, that of --between after
the first reply; behind the second one comes "from the client", then FIN.
--leave: after the first reply the client goes, by FIN (and expects one) or by
a reset.  --socks4: PORT is that of the primary connection, REP is CD.
--pause: before it reads what the peer sent, of which got= is the count.  Status
1, and a line on stderr, when something is not as it must be.
"""
import argparse
import socket
import sys
import time

import socks
import streams


def print_now(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def read_text(sock):
    return streams.receive_octets(sock).decode().strip()


def relay(session, read_reply, granted, pause):
    reply = read_reply()
    print_now(f"rep={reply.rep:02x} "
              f"peer={socks.text_of((reply.address, reply.port))}")
    if reply.rep != granted:
        session.expect_end()
        return
    session.sock.sendall(b"from the client\n")
    session.sock.shutdown(socket.SHUT_WR)
    if pause:
        time.sleep(pause)  # paced on purpose
        print_now(f"got={len(streams.receive_octets(session.sock))}")
    else:
        print_now("got=" + read_text(session.sock))


def run(options):
    session = socks.Session(options.gateway,
                            receive_buffer=options.pause and 65536)
    arguments = options.host, options.port, options.form, socks.BIND
    early = options.early.encode()
    if options.socks4:
        read_reply, granted = session.read_reply4, socks.GRANTED4
        session.sock.sendall(socks.request4(*arguments) + early)
    else:
        read_reply, granted = session.read_reply, 0
        request = bytearray(socks.request(*arguments))
        request[2] = session.flag = options.flag
        session.sock.sendall(socks.GREETING + request + early)
        session.expect(socks.METHOD_NONE)
    reply = read_reply()
    print_now(f"client={session.name} rep={reply.rep:02x} "
              f"bnd={socks.text_of((reply.address, reply.port))}")
    if reply.rep != granted:
        session.expect_end()
    elif options.leave == "fin":
        session.sock.shutdown(socket.SHUT_WR)
        session.expect_end()
    elif options.leave == "rst":
        streams.close_by_reset(session.sock)
    else:
        session.sock.sendall(options.between.encode())
        relay(session, read_reply, granted, options.pause)


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--as", dest="form", default="ip",
                        choices=("ip", "name"))
    parser.add_argument("--socks4", action="store_true")
    parser.add_argument("--early", default="")
    parser.add_argument("--between", default="")
    parser.add_argument("--leave", choices=("fin", "rst"))
    parser.add_argument("--flag", type=int, default=0)
    parser.add_argument("--pause", type=float, default=0)
    parser.add_argument("gateway")
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    try:
        run(parser.parse_args())
    except (socks.Mismatch, OSError) as error:
        sys.exit(f"bind.py: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()

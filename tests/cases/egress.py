#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Where outgoing connections come from, and whom they ask, as configured.

    egress.py HANDLER CHECK
    egress.py serve ADDRESS...

The first runs in the gateway's namespace of egress.bats, the second in
its peer.  Each CHECK prints a line
for every case that failed, then how many there were.
"""
import ipaddress
import os
import re
import socket
import subprocess
import sys
import threading

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "peers"))
import socks
import streams
from handshake import Failure, Handler, Report

S4, S6 = "192.0.2.80", "2001:db8::80"
RULE = "allow all at 192.0.2.0/24,198.51.100.0/24,2001:db8::/32"
DNS = "resolver 192.0.2.53"
CAP_NET_ADMIN = 1 << 12


def options(*lines):
    return [word for line in (RULE, *lines) for word in ("-o", line)]


def capabilities(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        text = status.read()
    return {name: int(re.search(rf"^{name}:\s*(\w+)", text, re.M)[1], 16)
            for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")}


def ask(program, lines, host, form="name", wrapper=()):
    """A session to host:80: REP, BND, who the server saw, record."""
    argv = [*wrapper, program]
    handler = Handler(argv[0], [*argv[1:], *options(*lines)])
    try:
        handler.let_go()
        handler.send(socks.GREETING + socks.request(host, 80, form))
        if streams.receive_exactly(handler.client, 2) != b"\5\0":
            raise Failure(f"no method: {handler.finish()}")
        head = streams.receive_exactly(handler.client, 4)
        size = 4 if head[3] == 1 else 16
        rest = streams.receive_exactly(handler.client, size + 2)
        seen = b""
        if head[1] == 0:
            # The server says whom it sees.
            seen = handler.client.makefile("rb").readline().strip()
        handler.client.close()
        text, status = handler.finish()
        if status != 0:
            raise Failure(f"status {status}: {text}")
        return (head[1], str(ipaddress.ip_address(rest[:size])),
                seen.decode(), text)
    finally:
        handler.kill()


def expect(program, lines, host, wanted, form="name", wrapper=()):
    """wanted: the address that the server saw, or a REP and the reason."""
    reply, bound, seen, text = ask(program, lines, host, form, wrapper)
    if isinstance(wanted, tuple):
        if reply != wanted[0] or not re.search(wanted[1], text):
            raise Failure(f"REP {reply}, not {wanted}: {text}")
        return
    local = re.search(r" local=\[?([0-9a-f.:]+?)\]?:\d+ ", text)
    if (reply, seen, local and local[1]) != (0, wanted, wanted):
        raise Failure(f"REP {reply}, seen {seen}, not {wanted}: {text}")
    if ":" not in wanted and bound != wanted:
        raise Failure(f"BND {bound}, not {wanted}")


def check_source(program, report):
    for lines, ipv4, ipv6 in (
            ((), "192.0.2.1", "2001:db8::1"),
            (("source 192.0.2.3",), "192.0.2.3", "2001:db8::1"),
            (("source 2001:db8::3",), "192.0.2.1", "2001:db8::3"),
            (("source 192.0.2.3", "source 2001:db8::3"), "192.0.2.3",
             "2001:db8::3")):
        for host, wanted in ((S4, ipv4), (S6, ipv6), ("only4.test", ipv4),
                             ("only6.test", ipv6)):
            report.run(f"{lines} to {host}", expect, program, (DNS, *lines),
                       host, wanted)
    # One that is not ours, or not any more: said, and nothing else is used.
    report.run("not ours", expect, program, ("source 192.0.2.99",), S4,
               (3, "connect-failed .*local=- .*no free local address"))
    # The source of the other family does not take IPv4 away.
    report.run("one family", expect, program,
               (DNS, "source 2001:db8::99"), "both.test", "192.0.2.1")


def check_interface(program, report):
    """By the second link; name servers, which it has not, are asked all the
    same."""
    for host, wanted in ((S4, "198.51.100.1"), ("only4.test", "198.51.100.1"),
                         (S6, "2001:db8:2::1")):
        report.run(f"to {host}", expect, program, (DNS, "interface two"),
                   host, wanted)


def check_mark(program, report):
    """The rule for the mark leads over the second link, and name servers
    are out of reach of what is marked."""
    for host in (S4, "only4.test"):
        report.run(f"to {host}", expect, program, (DNS, "mark 7"), host,
                   "198.51.100.1")
        report.run(f"0x7 to {host}", expect, program, (DNS, "mark 0x7"),
                   host, "198.51.100.1")
    report.run("another mark", expect, program, ("mark 8",), S4, "192.0.2.1")
    report.run("ambient", expect, program, (DNS, "mark 7"), "only4.test",
               "198.51.100.1", "name", (
                   "/usr/bin/setpriv", "--reuid", "nobody", "--regid",
                   "nogroup", "--clear-groups", "--inh-caps", "+net_admin",
                   "--ambient-caps", "+net_admin"))
    for sandbox in ("on", "off"):
        report.run(f"capabilities, sandbox {sandbox}", kept, program, sandbox)


def kept(program, sandbox):
    """CAP_NET_ADMIN alone, and only to the dial."""
    path = f"/run/socks64-egress-{os.getpid()}"
    with open(path, "w", encoding="ascii") as file:
        file.write(f"sandbox {sandbox}\n")
    handler = Handler(program, [*options("mark 7"), "-f", path])
    try:
        handler.send(socks.GREETING, last=False)
        streams.receive_exactly(handler.client, 2)
        got = capabilities(handler.process.pid)
        if got != {"CapPrm": CAP_NET_ADMIN, "CapEff": CAP_NET_ADMIN,
                   "CapInh": 0, "CapAmb": 0}:
            raise Failure(f"before the dial: {got}")
        handler.send(socks.request(S4, 80))
        # The first octet of the server passes when the relay has begun.
        streams.receive_exactly(handler.client, 11)
        got = capabilities(handler.process.pid)
        if set(got.values()) != {0}:
            raise Failure(f"behind the dial: {got}")
    finally:
        handler.kill()
        os.unlink(path)


def check_resolver(program, report):
    """Each server has its own answer: 80 + its number."""
    for resolver, wanted in (
            ("192.0.2.53", "192.0.2.80"), ("192.0.2.53:5353", "192.0.2.81"),
            ("[2001:db8::53]:5353", "192.0.2.82"),
            # The first refuses (nobody is there): the next is asked.
            ("192.0.2.53:5354 192.0.2.53:5353", "192.0.2.81")):
        report.run(resolver, reached, program, f"resolver {resolver}", wanted)
    report.run("resolv.conf", reached, program, "prefer ipv4", "192.0.2.80")


def reached(program, line, wanted):
    _, _, _, text = ask(program, (line,), "who.test")
    if f" peer={wanted}:80 " not in text:
        raise Failure(f"not {wanted}: {text}")


def check_prefer(program, report):
    for prefer, wanted in (("auto", S6), ("ipv6", S6), ("ipv4", S4),
                           ("ipv6-only", S6), ("ipv4-only", S4)):
        report.run(prefer, preferred, program, prefer, "both.test", wanted)
    for prefer, host in (("ipv4", "only6.test"), ("ipv6", "only4.test"),
                         ("auto", "only4.test")):
        report.run(f"{prefer}, {host}", preferred, program, prefer, host,
                   S6 if "6" in host else S4)
    for prefer, host in (("ipv4-only", S6), ("ipv6-only", S4)):
        report.run(f"{prefer}, {host}", expect, program, (f"prefer {prefer}",),
                   host, (3, "excludes the family"))
    for prefer, host in (("ipv4-only", "only6.test"),
                         ("ipv6-only", "only4.test")):
        report.run(f"{prefer}, {host}", expect, program,
                   (DNS, f"prefer {prefer}"), host,
                   (4, "resolve-failed .*has no IPv"))
    # The address of the answer has not the family that was asked for.
    for command in (socks.CONNECT, socks.BIND):
        report.run(f"ipv6-only, mapped.test, {command}", excluded, program,
                   command)
    report.run("-e knows the order", explained, program)


def preferred(program, prefer, host, wanted):
    _, _, _, text = ask(program, (DNS, f"prefer {prefer}"), host)
    if f" peer={socks.text_of((wanted, 80))} " not in text:
        raise Failure(f"not {wanted}: {text}")


def excluded(program, command):
    handler = Handler(program, options(DNS, "prefer ipv6-only"))
    try:
        handler.send(socks.GREETING + socks.request("mapped.test", 80, "name",
                                                    command))
        streams.receive_exactly(handler.client, 2)
        reply = streams.receive_exactly(handler.client, 10)
        handler.client.close()
        text, status = handler.finish()
        if (status, reply[1:2]) != (0, b"\3") or \
                "excludes the family" not in text:
            raise Failure(f"status {status}, {reply.hex()}: {text}")
    finally:
        handler.kill()


def explained(program):
    for prefer, first in (("auto", S6), ("ipv6", S6), ("ipv4", S4)):
        done = subprocess.run(
            [program, *options(DNS, f"prefer {prefer}"), "-e", "connect",
             "127.0.0.1", "both.test:80"], stdout=subprocess.PIPE,
            check=True, text=True)
        lines = done.stdout.splitlines()
        source = "192.0.2.1" if first == S4 else "2001:db8::1"
        if lines[1] != f"{first} allowed -o:1" or \
                lines[-1] != f"source {source}":
            raise Failure(f"{prefer}: {lines}")


def serve(addresses):
    """On port 80 of each: tells the client who it is, and ends."""
    def run(listener):
        while True:
            connection, peer = listener.accept()
            connection.sendall(peer[0].encode() + b"\n")
            connection.shutdown(socket.SHUT_WR)
            threading.Thread(target=drain, args=(connection,),
                             daemon=True).start()

    def drain(connection):
        try:
            while connection.recv(4096):
                pass
        except OSError:
            pass
        connection.close()

    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.create_server((address, 80), family=family)
        threading.Thread(target=run, args=(listener,), daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


def main():
    if sys.argv[1] == "serve":
        serve(sys.argv[2:])
    report = Report()
    globals()["check_" + sys.argv[2]](sys.argv[1], report)
    report.end()


if __name__ == "__main__":
    main()

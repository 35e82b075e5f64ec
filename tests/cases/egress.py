#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Where outgoing connections come from, and whom they ask, as configured.

    egress.py HANDLER CHECK
    egress.py serve ADDRESS...

The first runs in the gateway's namespace of egress.bats, the second in
its peer.  Each CHECK prints a line
for every case that failed, then how many there were.
"""
import errno
import ipaddress
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "peers"))
import socks
import streams
from handshake import Failure, Handler, Report

S4, S6 = "192.0.2.80", "2001:db8::80"
RULE = "allow all at 192.0.2.0/24,198.51.100.0/24,2001:db8::/32"
DNS = "resolver 192.0.2.53"
CAP_NET_ADMIN = 1 << 12
INJECT = os.path.join(os.path.dirname(__file__), "..", "..", "build", "tests",
                      "inject")


def options(*lines):
    """RULE, where the lines have none of their own."""
    if not any(line.startswith("allow ") for line in lines):
        lines = (RULE, *lines)
    return [word for line in lines for word in ("-o", line)]


def capabilities(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        text = status.read()
    return {name: int(re.search(rf"^{name}:\s*(\w+)", text, re.M)[1], 16)
            for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")}


def said(argv, octets):
    """A session whose client greets, sends that and ends: all that it was
    answered, the record, the exit status."""
    handler = Handler(argv[0], argv[1:])
    try:
        handler.let_go()
        handler.send(socks.GREETING + octets)
        handler.client.shutdown(socket.SHUT_WR)
        answer = handler.read_to_end()
        return answer, *handler.finish()
    finally:
        handler.kill()


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


NET = ipaddress.ip_network("2001:db8:1::/64")
AT = "at 192.0.2.0/24,198.51.100.0/24,2001:db8::/32"
BOTH = "source 192.0.2.3 source 2001:db8::3"


def check_rules(program, report):
    """What a rule says of the way, in the place of the directives."""
    for lines, host, wanted in (
            ((f"allow {AT} {BOTH}",), S4, "192.0.2.3"),
            ((f"allow {AT} {BOTH}",), S6, "2001:db8::3"),
            ((f"allow {AT} {BOTH}",), "only4.test", "192.0.2.3"),
            # The family that the rule does not name is the directive's.
            (("source 2001:db8::3", f"allow {AT} source 192.0.2.3"), S4,
             "192.0.2.3"),
            (("source 2001:db8::3", f"allow {AT} source 192.0.2.3"), S6,
             "2001:db8::3"),
            (("source 192.0.2.1", f"allow {AT} source 192.0.2.3"), S4,
             "192.0.2.3"),
            # Each address has the source of the rule that allows it.
            ((f"allow at {S4} source 192.0.2.3", f"allow {AT}"), S4,
             "192.0.2.3"),
            ((f"allow at {S4} source 192.0.2.3", f"allow {AT}"),
             "192.0.2.81", "192.0.2.1"),
            # The race goes on where one family's source cannot be had.
            ((f"allow {AT} source 2001:db8::99 source 192.0.2.3",),
             "both.test", "192.0.2.3"),
            ((f"allow {AT} mark 7",), S4, "198.51.100.1"),
            ((f"allow {AT} mark 0x7",), "only4.test", "198.51.100.1"),
            (("mark 7", f"allow {AT} mark 0"), S4, "192.0.2.1"),
            (("mark 8", f"allow {AT} mark 7"), S4, "198.51.100.1"),
            (("mark 7", f"allow {AT} source 192.0.2.3"), S4, "192.0.2.3"),
            (("interface two", f"allow {AT} source 198.51.100.1"), S4,
             "198.51.100.1"),
            ((f"allow {AT} to name mark 7", f"allow {AT}"), S4, "192.0.2.1"),
    ):
        report.run(f"{lines} to {host}", expect, program, (DNS, *lines),
                   host, wanted)
    for host, source in ((S4, "192.0.2.99"), (S6, "2001:db8::99")):
        report.run(f"{source} is not ours", expect, program,
                   (f"allow {AT} source {source}",), host,
                   (3, "connect-failed .*local=- .*no free local address"))
    report.run("a net", chosen, program)
    report.run("the net, and IPv4", expect, program,
               (f"allow {AT} source {NET} source 192.0.2.3",), S4,
               "192.0.2.3")
    for user, wanted in (("alice", "192.0.2.3"), ("bob", "198.51.100.1"),
                         ("carol", "192.0.2.1")):
        report.run(user, by_user, program, user, wanted)
    report.run("capabilities", kept_by_rule, program)


def chosen(program):
    """Another address of the net each time, and seen by the server."""
    seen = set()
    for _ in range(4):
        reply, _, address, text = ask(
            program, (f"allow {AT} source {NET}",), S6)
        local = re.search(r" local=\[(.*?)\]", text)
        if reply != 0 or not local or local[1] != address or \
                ipaddress.ip_address(address) not in NET:
            raise Failure(f"REP {reply}, seen {address}: {text}")
        seen.add(address)
    if len(seen) != 4:
        raise Failure(f"four times {seen}")


USERS = ("auth password", f"allow user alice {AT} source 192.0.2.3",
         f"allow user bob {AT} mark 7", f"allow user carol {AT}")


def by_user(program, user, wanted):
    # "x" of each, by MD5: quick.
    with tempfile.NamedTemporaryFile("w", dir="/run") as file:
        for name in ("alice", "bob", "carol"):
            file.write(f"{name}:$1$salt$9GHNWvCB1UrDZjPi7uags0\n")
        file.flush()
        shutil.chown(file.name, "nobody")
        handler = Handler(program, options(
            "user nobody", f"password-file {file.name}", *USERS))
        try:
            handler.send(b"\5\1\2\1" + bytes([len(user)]) + user.encode() +
                         b"\1x" + socks.request(S4, 80))
            if streams.receive_exactly(handler.client, 4) != b"\5\2\1\0":
                raise Failure(f"no login: {handler.finish()}")
            streams.receive_exactly(handler.client, 10)
            seen = handler.client.makefile("rb").readline().strip().decode()
            if seen != wanted:
                raise Failure(f"seen {seen}, not {wanted}")
        finally:
            handler.kill()


def kept_by_rule(program):
    """CAP_NET_ADMIN, for a rule alone, and only to the dial."""
    handler = Handler(program, options(f"allow {AT} mark 7"))
    try:
        handler.send(socks.GREETING, last=False)
        streams.receive_exactly(handler.client, 2)
        got = capabilities(handler.process.pid)["CapEff"]
        if got != CAP_NET_ADMIN:
            raise Failure(f"before the dial: {got}")
        handler.send(socks.request(S4, 80))
        streams.receive_exactly(handler.client, 11)
        got = capabilities(handler.process.pid)
        if set(got.values()) != {0}:
            raise Failure(f"behind the dial: {got}")
    finally:
        handler.kill()


def check_bind(program, report):
    """The address that the first reply names, and that the peer finds."""
    for lines, peer, wanted in (
            ((f"allow all {AT} {BOTH}",), S4, "192.0.2.3"),
            ((f"allow all {AT} {BOTH}",), S6, "2001:db8::3"),
            ((f"allow all {AT} mark 7",), S4, "198.51.100.1"),
            (("source 192.0.2.1", f"allow all {AT} source 192.0.2.3"), S4,
             "192.0.2.3"),
            ((f"allow all {AT} source {NET}",), S6, None)):
        report.run(f"{lines} from {peer}", bound, program, lines, peer,
                   wanted)


def bound(program, lines, peer, wanted):
    """wanted None: one of the net.  FLAG 10 asks for the peer's family."""
    request = bytearray(socks.request(peer, 0, command=socks.BIND))
    request[2] = 0x10
    handler = Handler(program, options(*lines))
    try:
        handler.let_go()
        handler.send(socks.GREETING + bytes(request))
        streams.receive_exactly(handler.client, 2)
        address, port = reply_of(handler)
        if wanted is None and ipaddress.ip_address(address) not in NET or \
                wanted is not None and address != wanted:
            raise Failure(f"told {address}, not {wanted}")
        subprocess.run(["ip", "netns", "exec", os.environ["PEER"],
                        sys.executable, __file__, "meet", peer, address,
                        str(port)], check=True)
        seen, _ = reply_of(handler)
        if seen != peer:
            raise Failure(f"who came is {seen}")
        handler.client.close()
        text, status = handler.finish()
        if status != 0 or not re.search(rf" local=\[?{address}\]?:", text):
            raise Failure(f"status {status}: {text}")
    finally:
        handler.kill()


def reply_of(handler):
    head = streams.receive_exactly(handler.client, 4)
    if len(head) < 4 or head[1] != 0:
        raise Failure(f"{head.hex()}: {handler.finish()}")
    size = 4 if head[3] == 1 else 16
    rest = streams.receive_exactly(handler.client, size + 2)
    return (str(ipaddress.ip_address(rest[:size])),
            int.from_bytes(rest[size:], "big"))


def check_datagrams(program, report):
    """Of one association each datagram goes as its rule says."""
    report.run("each by its rule", datagrams, program)
    report.run("five ways", ways, program)
    report.run("of a rule alone", source_of_rule, program)
    report.run("told by INTERFACE DATA", interface_data, program)
    report.run("beside many look-ups", look_ups, program)


class Association:
    """A UDP association through a handler of its own."""

    def __init__(self, program, lines, flag=0, wrapper=()):
        request = bytearray(socks.request("0.0.0.0", 0,
                                          command=socks.UDP_ASSOCIATE))
        request[2] = flag
        argv = [*wrapper, program, *options(*lines)]
        self.handler = Handler(argv[0], argv[1:])
        self.handler.let_go()
        self.handler.send(socks.GREETING + bytes(request))
        streams.receive_exactly(self.handler.client, 2)
        self.relay = reply_of(self.handler)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.settimeout(30)

    def send(self, host, port, form="ip"):
        self.sock.sendto(b"\0\0" + b"\0" +
                         socks.request(host, port, form)[3:] + b"?",
                         self.relay)

    def seen(self, host, port=80):
        """Whom the peer sees."""
        self.send(host, port)
        octets = self.sock.recv(1000)
        return octets[10 if octets[3] == 1 else 22:].decode()

    def end(self):
        self.sock.close()
        self.handler.client.close()
        text, status = self.handler.finish()
        if status != 0:
            raise Failure(f"status {status}: {text}")
        return text


def datagrams(program):
    a = Association(program, (
        f"allow udp at {S4} mark 7", "allow udp at 192.0.2.81 " + BOTH,
        f"allow udp at {S6} source {NET}", f"allow udp {AT}"))
    try:
        six = [a.seen(S6), a.seen(S6)]
        got = [a.seen(host) for host in (S4, "192.0.2.81", "192.0.2.82")]
        text = a.end()
    finally:
        a.handler.kill()
    if got != ["198.51.100.1", "192.0.2.3", "192.0.2.1"]:
        raise Failure(f"seen {got}")
    # One association, one address.
    if six[0] != six[1] or ipaddress.ip_address(six[0]) not in NET:
        raise Failure(f"seen {six}")
    for local in (*got, rf"\[{six[0]}\]"):
        if not re.search(rf"peer client.* local={local}:[1-9]", text):
            raise Failure(f"no record of {local}: {text}")


def ways(program):
    """A sixth way has no socket: what would go by it is dropped."""
    a = Association(program, [
        f"allow udp at {S4} port {80 + i} mark {70 + i}" for i in range(6)])
    try:
        for port in range(85, 79, -1):
            a.send(S4, port)
        # The last one has an answer: those before it are done.
        a.sock.recv(1000)
        text = a.end()
    finally:
        a.handler.kill()
    if "datagrams=5/1/1" not in text:
        raise Failure(text)


def source_of_rule(program):
    """The source of the directives is gone; that of a rule is not."""
    a = Association(program, (
        "source 192.0.2.99", "prefer ipv4-only",
        f"allow udp at {S4} source 192.0.2.3", "allow udp at 192.0.2.81"))
    try:
        a.send("192.0.2.81", 80)
        if a.seen(S4) != "192.0.2.3":
            raise Failure("seen another source")
        text = a.end()
    finally:
        a.handler.kill()
    if "datagrams=1/1/1" not in text:
        raise Failure(text)


def interface_data(program):
    """The address out of the net that the peer will see, and the port."""
    inside = f"{S6},2001:db8:ff::/48"
    a = Association(program, (f"allow udp at {inside} source {NET}",
                              f"allow udp at {S4} mark 7"), flag=1)
    try:
        # There is no route.
        expect_reply(a, "2001:db8:ff::1", 3)
        for host, wanted in ((S4, "198.51.100.1"), (S6, None)):
            ask_interface(a, host)
            told, _ = reply_of(a.handler)
            if told != (wanted or a.seen(host)):
                raise Failure(f"told {told}")
        a.end()
    finally:
        a.handler.kill()


def look_ups(program):
    """Four names at eight silent name servers, in both families: there are
    descriptors for all of them, and one to ask for a route."""
    servers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
               for _ in range(8)]
    for server in servers:
        server.bind(("127.0.0.1", 0))
        server.settimeout(30)
    resolver = " ".join("127.0.0.1:%d" % server.getsockname()[1]
                        for server in servers)
    a = Association(program, (f"resolver {resolver}", "connect-timeout 2s",
                              f"allow udp at {S4}"))
    try:
        for number in range(4):
            a.send(f"name{number}.test", 80, "name")
        for server in servers:
            asked = {server.recv(512)[12:] for _ in range(8)}
            while len(asked) < 8:
                asked.add(server.recv(512)[12:])
        a.seen(S4)
        a.end()
    finally:
        a.handler.kill()
        for server in servers:
            server.close()


def check_unasked(program, report):
    """Where the kernel has no descriptor for the question whose an address is,
    no rule opens it, and nobody is blamed for that."""
    report.run("a datagram", unasked_datagram, program)
    for call, error, words in (
            ("socket", errno.EMFILE, "no descriptor"),
            ("connect", errno.EAGAIN, "no local port"),
            ("connect", errno.ENOBUFS, "no memory")):
        for rule, host, no in (
                # A rule opens what is this host's, and the server is not.
                ("self", S4, f"denied .*{S4} is for documentation"),
                # A rule opens all but what is this host's.
                ("2001:db8::/32", "2001:db8::1", "denied ")):
            report.run(f"CONNECT to {host}, {call}", unasked_connect,
                       program, ((f"allow all at {rule}",), host, no),
                       (call, error, words))
        # With a source it is asked twice: what is this host's, and the way.
        report.run(f"CONNECT from a source, {call}", unasked_connect, program,
                   (("source 192.0.2.3", "allow all at self"), S4, "denied "),
                   (call, error, words))
        report.run(f"BIND, {call}", unasked_bind, program, (call, error))
    report.run("the client", unasked_client, program)
    report.run("the links", unread_links, program)
    report.run("hosts", unread_hosts, program)


def calls_of(call, told):
    """How many of them a session made under INJECT."""
    calls = re.findall(rf"^call 0 {call} (\d+)$", told.read().decode(), re.M)
    if not calls:
        raise Failure("the kernel was never asked")
    return int(calls[-1])


def unasked_datagram(program):
    """It is dropped, and not by a rule; the next one is not."""
    with tempfile.NamedTemporaryFile() as told:
        a = Association(program, (f"allow udp at {S4}",),
                        wrapper=(INJECT, told.name))
        try:
            a.seen(S4)
            a.end()
        finally:
            a.handler.kill()
        plan = f"socket:{calls_of('socket', told)}:error={errno.EMFILE}"
        a = Association(program, (f"allow udp at {S4}",),
                        wrapper=(INJECT, told.name, plan))
        try:
            a.send(S4, 80)
            a.seen(S4)
            text = a.end()
        finally:
            a.handler.kill()
    if "datagrams=1/1/1" not in text:
        raise Failure(text)


def unasked_connect(program, request, fault):
    """What is denied else is not opened by any call that fails."""
    lines, host, no = request
    call, error, words = fault
    with tempfile.NamedTemporaryFile() as told:
        expect(program, lines, host, (2, no), "ip", (INJECT, told.name))
        for number in range(1, calls_of(call, told) + 1):
            plan = f"{call}:{number}:error={error}"
            expect(program, lines, host, (1, f"connect-failed .*{words}"),
                   "ip", (INJECT, told.name, plan))


def unasked_bind(program, fault):
    """The peer of a BIND is not this host's, as the rule wants it."""
    call, error = fault
    with tempfile.NamedTemporaryFile() as told:
        reply = bind_reply(program, (INJECT, told.name))
        if reply != 2:
            raise Failure(f"REP {reply}")
        for number in range(1, calls_of(call, told) + 1):
            plan = f"{call}:{number}:error={error}"
            reply = bind_reply(program, (INJECT, told.name, plan))
            if reply != 1:
                raise Failure(f"{plan}: REP {reply}")


def bind_reply(program, wrapper):
    argv = [*wrapper, program, *options("allow bind at self")]
    handler = Handler(argv[0], argv[1:])
    try:
        handler.let_go()
        handler.send(socks.GREETING + socks.request(S4, 0,
                                                    command=socks.BIND))
        reply = streams.receive_exactly(handler.client, 4)[3]
        handler.client.close()
        handler.finish()
        return reply
    finally:
        handler.kill()


def unasked_client(program):
    """A rule asks whether the client is of this host."""
    lines = (f"allow from self at {S4}",)
    with tempfile.NamedTemporaryFile() as told:
        plan = f"socket:1:error={errno.ENFILE}"
        told_client, text, _ = said(
            [INJECT, told.name, plan, program, *options(*lines)],
            socks.request(S4, 80))
    if told_client[:4] != b"\5\0\5\1" or ": error " not in text:
        raise Failure(f"{told_client.hex()}: {text}")


def unread_links(program):
    """A rule asks whether the server is on a link, which it is."""
    lines = ("deny all at on-link", "allow all at any")
    with tempfile.NamedTemporaryFile() as told:
        expect(program, lines, S4, (2, "denied "), "ip", (INJECT, told.name))
        plan = f"pread64:{calls_of('pread64', told)}:error={errno.EIO}"
        expect(program, lines, S4, (1, "connect-failed .*routes cannot be read"),
               "ip", (INJECT, told.name, plan))


def unread_hosts(program):
    """No server is asked for a name that may be in hosts."""
    argv, to = [program, *options(DNS)], socks.request("only4.test", 80,
                                                       "name")
    with tempfile.NamedTemporaryFile() as told:
        _, text, _ = said([INJECT, told.name, *argv], to)
        if ": ok " not in text:
            raise Failure(text)
        texts = [said([INJECT, told.name, f"pread64:{number}:error={errno.EIO}",
                       *argv], to)[1]
                 for number in range(1, calls_of("pread64", told) + 1)]
    if not any(re.search(r": error .*/etc/hosts could not be read", text)
               for text in texts):
        raise Failure(texts)


HOP4, HOP6 = "via 192.0.2.80:1080", "via [2001:db8::80]:1080"


def check_via(program, report):
    """To the next gateway by the way of the rule: whence, the hop tells."""
    for lines in ((f"allow {AT} {HOP4} source 192.0.2.3",),
                  (f"allow {AT} {HOP4} mark 7",),
                  (f"allow {AT} {HOP6} source {NET}",)):
        report.run(str(lines), passed_on, program, lines)
    report.run("datagrams", datagrams_passed_on, program)
    report.run("many ways to one", ways_passed_on, program)
    report.run("INTERFACE DATA", only_the_last_knows, program)


def passed_on(program, lines):
    reply, _, _, text = ask(program, lines, S4)
    if reply != 0:
        raise Failure(f"REP {reply}: {text}")


def datagrams_passed_on(program):
    """An association at the hop for each way."""
    a = Association(program, (
        f"allow udp at {S4} {HOP4} source 192.0.2.3",
        f"allow udp at 192.0.2.81 {HOP4}",
        f"allow udp at {S6} {HOP6} source {NET}"))
    try:
        for host in (S4, "192.0.2.81", S6):
            a.seen(host)
        a.end()
    finally:
        a.handler.kill()


def only_the_last_knows(program):
    """The address that the hop sends from is the hop's."""
    a = Association(program, (f"allow udp at {S4} {HOP4}",), flag=1)
    try:
        expect_reply(a, S4, 1)
        a.seen(S4)
        a.end()
    finally:
        a.handler.kill()


def ask_interface(a, host):
    """INTERFACE DATA: RSV, SUB 01, FLAG, and the destination, host:80."""
    a.handler.client.sendall(b"\0\1\0" + socks.request(host, 80)[3:])


def expect_reply(a, host, reply):
    """The no to it."""
    ask_interface(a, host)
    head = streams.receive_exactly(a.handler.client, 10)
    if head[1] != reply:
        raise Failure(f"told {head.hex()}")


def ways_passed_on(program):
    """More ways to a next gateway than there is room for leave room for the
    next one."""
    a = Association(program, (
        *(f"allow udp at {S4} port {80 + i} {HOP4} mark {70 + i}"
          for i in range(6)), f"allow udp at {S6} {HOP6}"))
    try:
        a.seen(S6)
        # The first three of the others.
        for port in range(85, 79, -1):
            a.send(S4, port)
        a.sock.recv(1000)
        text = a.end()
    finally:
        a.handler.kill()
    if "datagrams=4/2/3" not in text:
        raise Failure(text)


def meet(ours, host, port):
    """Connects to a BIND, from the peer's namespace."""
    socket.create_connection((host, int(port)), 30, (ours, 0)).close()


def serve(addresses):
    """On port 80 of each: tells the client who it is, and ends.  A datagram's
    answer says the same."""
    def run(listener):
        while True:
            connection, peer = listener.accept()
            connection.sendall(peer[0].encode() + b"\n")
            connection.shutdown(socket.SHUT_WR)
            threading.Thread(target=drain, args=(connection,),
                             daemon=True).start()

    def answer(sock):
        while True:
            _, peer = sock.recvfrom(100)
            sock.sendto(peer[0].encode(), peer)

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
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.bind((address, 80))
        threading.Thread(target=answer, args=(sock,), daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


def main():
    if sys.argv[1] == "serve":
        serve(sys.argv[2:])
    if sys.argv[1] == "meet":
        meet(*sys.argv[2:])
        return
    report = Report()
    globals()["check_" + sys.argv[2]](sys.argv[1], report)
    report.end()


if __name__ == "__main__":
    main()

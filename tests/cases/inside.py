#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Names and addresses that must not lead inside, through the handler.

    inside.py names
    inside.py check HANDLER CHECK LOG

The first prints the rules for dns.py.  The second runs in the gateway's
namespace of inside.bats, where every address there is answers on port 80,
so that whatever is dialled succeeds: only judgement keeps a session out.
LOG is what dns.py prints.  Each CHECK prints a line for every case that
failed, then how many there were.
"""
import ipaddress
import os
import re
import socket
import struct
import subprocess
import sys

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "peers"))
import handshake
import socks
import streams
from handshake import Failure, Handler, Report

RESOLVER = "resolver 10.9.0.2"
GOOD4, GOOD6 = "9.9.9.9", "2620:fe::9"
# Of the gateway; .3 is secondary, the global ones are on lo, the last ones
# each one of a whole net.
SELF = ("10.9.0.1", "10.9.0.3", "8.7.6.5", "2600:2::1", "2600:1::5",
        "8.7.5.9", "2600:5::9", "2600:6::9")
DENIED = """
    127.0.0.1 127.255.255.254 0.0.0.0 0.1.2.3 10.0.0.5 172.16.0.1
    172.31.255.255 192.168.1.1 100.64.0.1 100.127.255.255 169.254.1.1
    169.254.169.254 100.100.100.200 168.63.129.16 192.0.0.1 192.0.0.9
    192.0.0.170 192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1 192.175.48.1
    198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1
    255.255.255.255
    ::1 :: ::ffff:127.0.0.1 ::ffff:10.0.0.5 ::ffff:169.254.169.254 ::127.0.0.1
    ::8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b::10.0.0.5
    64:ff9b::127.0.0.1 64:ff9b:1::7f00:1 64:ff9b:1::8.8.8.8 2002:7f00:1::
    2002:a00:1:: 2002:808:808:: 2001:0:4136:e378:8000:63bf:3f57:fefe fe80::1
    fec0::1 fd00::1 fc00::1 fd00:ec2::254 ff02::1 ff0e::1
    2606:4700:1:2:0:5efe:a00:1 2606:4700:1:2:200:5efe:7f00:1
    2606:4700:1:2:0:5efe:808:808 100::1 100:0:0:1::1 3fff::1 5f00::1
    2001:1ff::1 2001:db8::1 2001:2::1 2001:10::1 2001:20::1 2620:4f:8000::1
    4000::1 8000::1 e000::1 1::1
""".split()
PASSED = """
    172.15.255.255 172.32.0.0 100.63.255.255 100.128.0.0 8.8.8.8 9.255.255.255
    11.0.0.0 126.255.255.255 128.0.0.0 223.255.255.255 ::ffff:8.8.8.8
    2001:200::1 2606:4700::1111 2003::1 64:ff9b::808:808
    2606:4700:1:2:400:5efe:a00:1
""".split()
METADATA = ("169.254.169.254", "100.100.100.200", "168.63.129.16",
            "fd00:ec2::254", "64:ff9b::a9fe:a9fe", "::ffff:169.254.169.254",
            "169.254.169.252", "169.254.170.2", "169.254.170.23",
            "169.254.0.23", "169.254.42.42", "fd00:ec2::23", "fd20:ce::254")
# On the gateway's links: in the net of an address, in a net that a router
# announced; and beside them.
ON_LINK = "7.7.7.9", "2600:2::2", "2600:7::9"
BESIDE = "7.7.8.9", "8.8.8.8", "2600:8::9"


def kind_of(address):
    return "AAAA" if ":" in address else "A"


def embedded(address, prefix="64:ff9b::"):
    number = int(ipaddress.IPv4Address(address))
    return str(ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) +
                                     number))


def spellings(address):
    """Itself, and for IPv4 the same inside IPv6."""
    if ":" in address:
        return [address]
    return [address, f"::ffff:{address}", embedded(address),
            embedded(address, "2600:64::")]


OWN = [s for address in SELF for s in spellings(address)]


def label(address):
    return "a-" + re.sub(r"[.:]", "-", address) + "-z.test"


# NAME: (A, AAAA, the address that is reached or none)
MIXED = {
    "mixed4.test": (["10.0.0.5", GOOD4], [], GOOD4),
    "mixed4-last.test": (["127.0.0.1", "10.0.0.1", "169.254.169.254",
                          "192.168.0.1", "0.0.0.0", "224.0.0.1", "10.9.0.1",
                          GOOD4], [], GOOD4),
    "mixed6.test": ([], ["::1", "fd00::1", "64:ff9b::a00:5", GOOD6], GOOD6),
    "bad6-good4.test": ([GOOD4], ["::1", "fe80::1"], GOOD4),
    "bad4-good6.test": (["127.0.0.1", "10.0.0.5"], [GOOD6], GOOD6),
    "bad-both.test": (["10.0.0.5", "127.0.0.1"], ["::1", "fd00::5"], None),
    "self-both.test": (["10.9.0.1", "8.7.6.5"], ["2600:1::5"], None),
    "mapped.test": ([], ["::ffff:10.0.0.5", "::ffff:127.0.0.1"], None),
}


# More than are tried: what is denied takes no place of the others, however
# many there are.
PRIVATE4 = [f"10.{i // 250}.1.{i % 250 + 1}" for i in range(2000)]
PRIVATE6 = [f"fd00::{i:x}" for i in range(1, 1200)]
MORE4 = [f"9.9.8.{i}" for i in range(1, 100)]
MORE6 = [f"2620:fe::1:{i:x}" for i in range(1, 100)]
CROWDS = {
    "crowd4.test": (PRIVATE4[:200] + [GOOD4] + MORE4, [], GOOD4),
    "crowd6.test": ([], PRIVATE6[:200] + [GOOD6] + MORE6, GOOD6),
    "crowds.test": (PRIVATE4[:300], PRIVATE6[:200] + [GOOD6], GOOD6),
    "crowd4-last.test": (PRIVATE4 + [GOOD4], [], GOOD4),
    "crowd6-last.test": ([], PRIVATE6 + [GOOD6], GOOD6),
    "crowd4-bad.test": (PRIVATE4, PRIVATE6, None),
}


def print_names():
    for address in sorted({*DENIED, *PASSED, *OWN, *METADATA, *ON_LINK,
                           *BESIDE, "64:ff9b::", "127.0.0.1", "::1"}):
        print(label(address), kind_of(address), address)
        print(label(address), "A" if ":" in address else "AAAA")
    for name, (ipv4, ipv6, _) in MIXED.items():
        print(name, "A", *ipv4)
        print(name, "AAAA", *ipv6)
    for name, (ipv4, ipv6, _) in CROWDS.items():
        print(name, "A tc", *ipv4)
        print(name, "AAAA tc", *ipv6)
    print("turns4.test A turns", GOOD4, "127.0.0.1")
    print("turns4.test AAAA")
    print("turns6.test AAAA turns fd00::1", GOOD6)
    print("turns6.test A")
    print("late.test A after=200 10.0.0.5")
    print("late.test AAAA", "::1")


def options(*lines):
    return [word for line in (RESOLVER, *lines) for word in ("-o", line)]


def ask(program, lines, octets):
    """A request: (REP, record)."""
    handler = Handler(program, options(*lines))
    try:
        handler.let_go()
        handler.send(socks.GREETING + octets)
        answer = streams.receive_exactly(handler.client, 6)
        streams.close_by_reset(handler.client)
        text, status = handler.finish()
        if status != 0 or answer[:3] != b"\5\0\5":
            raise Failure(f"{status} {answer.hex()}: {text}")
        return answer[3], text
    finally:
        handler.kill()


def expect(program, lines, octets, reply, said=""):
    got, text = ask(program, lines, octets)
    if got != reply or not re.search(said, text):
        raise Failure(f"REP {got}, not {reply} {said!r}: {text}")


def ways(address):
    """Every way to ask for an address: (name, octets of the request)."""
    yield "ATYP", socks.request(address, 80)
    yield "text", socks.request(address, 80, "name")
    yield "DNS", socks.request(label(address), 80, "name")
    if ":" in address:
        yield "brackets", socks.request(f"[{address}]", 80, "name")
        whole = ipaddress.IPv6Address(address).exploded.upper()
        yield "exploded", socks.request(whole, 80, "name")
        return
    yield "trailing dot", socks.request(label(address).upper() + ".", 80,
                                        "name")
    mapped = b"\0" * 10 + b"\xff\xff" + ipaddress.ip_address(address).packed
    yield "mapped", b"\5\1\0\4" + mapped + struct.pack("!H", 80)


def check_denied(program, report):
    for address in DENIED:
        for way, octets in ways(address):
            report.run(f"{address} by {way}", expect, program, (), octets, 2,
                       "^.*denied .* peer=- local=- .*reason=")


def check_passed(program, report):
    for address in PASSED:
        reached = ipaddress.ip_address(address)
        reached = getattr(reached, "ipv4_mapped", None) or reached
        for way, octets in ways(address):
            report.run(f"{address} by {way}", expect, program, (), octets, 0,
                       re.escape(f" peer={socks.text_of((str(reached), 80))} "))


def explained(program, name, good):
    """-e judges the same addresses."""
    result = subprocess.run([program, "-f", "/dev/null", *options(), "-e",
                             "connect", "127.0.0.1", f"{name}:80"],
                            stdout=subprocess.PIPE, text=True, check=False)
    allowed = re.findall("^([^ ]+) allowed", result.stdout, re.MULTILINE)
    if good is None and (allowed or result.returncode != 1) or \
            good is not None and good not in allowed:
        raise Failure(f"-e: {result.returncode} {result.stdout[:300]}")


def check_mixed(program, report):
    for name, (_, _, good) in CROWDS.items():
        report.run(f"-e {name}", explained, program, name, good)
    for name, (_, _, good) in (MIXED | CROWDS).items():
        octets = socks.request(name, 80, "name")
        if good is None:
            report.run(name, expect, program, (), octets, 2, "peer=-")
        else:
            report.run(name, expect, program, (), octets, 0,
                       re.escape(f" peer={socks.text_of((good, 80))} "))
    report.run("late.test", expect, program, (),
               socks.request("late.test", 80, "name"), 2)
    # Opened by its number, a bad one is good.
    report.run("opened", expect, program, ("allow at 10.0.0.0/8",),
               socks.request("mixed4.test", 80, "name"), 0,
               r" peer=10\.0\.0\.5:80 ")


def queries(log):
    with open(log, encoding="ascii") as lines:
        return [line.split()[2:] for line in lines if " " in line]


def check_changing(program, report, log):
    """Each session asks once, and judges what it was told then."""

    def turn(name, replies):
        for reply in replies:
            before = len(queries(log))
            expect(program, (), socks.request(name, 80, "name"), reply)
            asked = sorted(queries(log)[before:])
            if asked != [["A", name], ["AAAA", name]]:
                raise Failure(f"asked {asked}")

    report.run("good, then bad", turn, "turns4.test", (0, 2, 0, 2))
    report.run("bad, then good", turn, "turns6.test", (2, 0, 2, 0))


def check_onlink(program, report):
    """Global addresses of this host's own links are inside."""
    for address in ON_LINK:
        for way, octets in ways(address):
            report.run(f"{address} by {way}", expect, program, (), octets, 2,
                       "is on-link and no rule opens it")
    for address in BESIDE:
        report.run(address, expect, program, (), socks.request(address, 80),
                   0)
        report.run(f"inside {address}", expect, program,
                   (f"inside {address}",), socks.request(address, 80), 2,
                   "is inside and no rule opens it")
    for address in ON_LINK[:2]:
        for lines in (("inside none",), ("inside 192.0.2.1",),
                      ("allow at on-link",), (f"allow at {address}",)):
            report.run(f"{lines}: {address}", expect, program, lines,
                       socks.request(address, 80), 0)
    # What is private is opened by that word, too, where it is on a link.
    report.run("a private one", expect, program, ("allow at on-link",),
               socks.request("10.9.0.2", 80), 0)
    report.run("another one", expect, program, ("allow at on-link",),
               socks.request("10.0.0.5", 80), 2)


def check_self(program, report):
    """What is of this host, whatever is opened around it."""
    wide = ("nat64-prefix 2600:64::/96",
            "allow all at any,global,special,private,0.0.0.0/0,::/0,10.9.0.0/31")
    for address in OWN:
        for way, octets in ways(address):
            report.run(f"{address} by {way}", expect, program, wide, octets,
                       2, "an address of this host and no rule opens it")
    for address in METADATA:
        for way, octets in ways(address):
            report.run(f"{address} by {way}", expect, program, wide, octets,
                       2, "a metadata service and no rule opens it")
    for address in ("0.0.0.0", "::", "64:ff9b::"):
        for way, octets in ways(address):
            report.run(f"{address} by {way}", expect, program,
                       ("allow at self,any,0.0.0.0,::",), octets, 2,
                       "the unspecified address is no destination")
    for address in SELF:
        for rule in ("allow at self", f"allow at {address}"):
            report.run(f"{rule}: {address}", expect, program, (rule,),
                       socks.request(address, 80), 0)
    for address in METADATA[:3]:
        for rule in ("allow at metadata", f"allow at {address}/32"):
            report.run(f"{rule}: {address}", expect, program, (rule,),
                       socks.request(address, 80), 0)


def check_listener(program, report):
    """The own listener through every address of the host."""
    open_all = ("nat64-prefix 2600:64::/96",
                "allow all at any,self,metadata,loopback")
    port = Handler.port(program, options(*open_all))
    loops = [*spellings("127.0.0.1"), *spellings("127.9.9.9"), "::1",
             "0.0.0.0", "::", "::ffff:0.0.0.0"]
    for address in (*OWN, *loops):
        for form in ("ip", "name"):
            report.run(f"{address} as {form}", expect, program, open_all,
                       socks.request(address, port, form), 2,
                       "the port of this gateway itself")
    for address in (*OWN, "127.0.0.1", "::1"):
        report.run(f"{address} by DNS", expect, program, open_all,
                   socks.request(label(address), port, "name"), 2,
                   "the port of this gateway itself")
    for address in SELF:
        report.run(f"another port of {address}", expect, program, open_all,
                   socks.request(address, 80), 0)


def check_odd(program, report, log):
    """Port 0, and spellings that are no address and must not become one."""
    wide = ("allow all at any,self,metadata",)
    for host, form in ((GOOD4, "ip"), (GOOD6, "ip"), (GOOD4, "name"),
                       (label("8.8.8.8"), "name"), ("127.0.0.1", "ip")):
        report.run(f"{host}:0", expect, program, wide,
                   socks.request(host, 0, form), 2,
                   "port 0 is no destination")
    for name in ("127.1", "127.0.1", "0x7f.1", "0x7f000001", "2130706433",
                 "017700000001", "0177.0.0.1", "127.0.0.01", "0x7f.0.0.0x1",
                 "127.0.0.1.", "127.0.0.256", "1.2.3", "1", "::1%lo",
                 "fe80::1%lo", "[::1%1]", "[::1", "::1]", "[127.0.0.1]",
                 "::ffff:127.1", "0:0:0:0:0:0:0:0:1", "%31", "127.0.0.1:80",
                 "127.0.0.1\0.test", "user@127.0.0.1", "127.0.0.1/8"):
        report.run(f"spelling {name!r}", misspelt, program, wide, name, log)
    for name in ("localhost", "LOCALHOST.", "x.localhost", "localhost."):
        report.run(name, expect, program, (),
                   socks.request(name, 80, "name"), 2, "is loopback")


def misspelt(program, wide, name, log):
    before = len(queries(log))
    expect(program, wide, socks.request(name, 80, "name"), 1, "bad-request")
    if len(queries(log)) != before:
        raise Failure("it was looked up")


def main():
    if sys.argv[1:] == ["names"]:
        print_names()
        return
    _, _, program, name, log = sys.argv
    for family, address in ((socket.AF_INET, "0.0.0.0"),
                            (socket.AF_INET6, "::")):
        sock = socket.socket(family, socket.SOCK_STREAM)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, 80))
        sock.listen(4096)
        globals().setdefault("keep", []).append(sock)
    report = Report()
    function = globals()["check_" + name]
    if name in ("changing", "odd"):
        function(program, report, log)
    else:
        function(program, report)
    report.end()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A name server that answers as its script says, and nothing else.

dns.py ADDRESS[:PORT] RULES

A line of RULES:  NAME TYPE ACTION...   (TYPE is A, AAAA or *)

    an address      a record of TYPE
    alias=NAME      a CNAME before them; the records are then NAME's.  Any
                    octet of a label may be written as \\DDD, in decimal
    last            the records stand before their aliases
    after=MS        answer so late
    held=FILE       not before FILE is there
    drop            never answer
    drop=N          not the first N queries
    turns           of its addresses one in each answer, in turns
    tc              by UDP truncated and empty, whole by TCP
    mute            never answer by TCP
    narrow          only the first query of each port
    edns            only queries with EDNS (RFC 6891)
    plain           FORMERR to a query with EDNS
    servfail, refused, nxdomain
    lame            nothing, as one who neither owns the name nor looks it up
    reflect         the query itself
    forged=WHAT     before the real answer one that must not be believed: with
                    another id, to another question, from elsewhere; or an
                    address of another owner in the answer itself

Without an action: no data.  A name without a rule: nxdomain.  Every query is
a line on stdout: PROTOCOL ID TYPE NAME.  The first line is `ready`.
"""

import ipaddress
import os
import re
import socket
import struct
import sys
import threading
import time

TYPES = {1: "A", 28: "AAAA"}
CNAME = 5
RCODES = {"servfail": 2, "nxdomain": 3, "refused": 5}
RA = 0x0080


def encode_name(name):
    labels = [re.sub(rb"\\(\d{3})", lambda found: bytes([int(found[1])]),
                     label.encode())
              for label in name.split(".") if label]
    return b"".join(bytes([len(l)]) + l for l in labels) + b"\0"


def decode_question(query):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += 1 + query[at]
    kind = struct.unpack("!H", query[at + 1:at + 3])[0]
    return ".".join(labels), TYPES.get(kind, str(kind)), query[12:at + 5]


def record(owner, kind, data):
    return (encode_name(owner) + struct.pack("!HHIH", kind, 1, 60, len(data))
            + data)


class Script:
    def __init__(self, path):
        self.rules = {}
        self.asked = {}
        self.ports = set()
        self.lock = threading.Lock()
        with open(path, encoding="ascii") as lines:
            for words in map(str.split, lines):
                if words and not words[0].startswith("#"):
                    self.rules[words[0], words[1]] = words[2:]

    def actions(self, name, kind):
        for key in ((name, kind), (name, "*")):
            if key in self.rules:
                return self.rules[key]
        return ["nxdomain"]

    def count(self, key):
        with self.lock:
            self.asked[key] = self.asked.get(key, 0) + 1
            return self.asked[key]

    def is_new(self, client):
        with self.lock:
            new = client not in self.ports
            self.ports.add(client)
            return new

    def drops(self, action, query, count, client):
        """Is this an action by which no answer goes?  client: None by TCP."""
        word, _, value = action.partition("=")
        return (word == "mute" and client is None or
                word == "drop" and (not value or count <= int(value)) or
                word == "narrow" and not self.is_new(client) or
                word == "edns" and query[10:12] == b"\0\0")

    def answers(self, query, protocol, client=None):
        """What to send: (seconds or a file's name, octets, from another
        port?) each."""
        name, kind, question = decode_question(query)
        number = struct.unpack("!H", query[:2])[0]
        # In one piece: threads write at once.
        sys.stdout.write(f"{protocol} {number} {kind} {name}\n")
        sys.stdout.flush()
        owner, records, rcode, after, truncated = name, [], 0, 0.0, False
        count, forged, turns = self.count((name, kind)), None, False
        flags = 0x8180
        for action in self.actions(name, kind):
            word, _, value = action.partition("=")
            if self.drops(action, query, count, client):
                return []
            if word == "reflect":
                return [(0, query, False)]
            if word == "after":
                after = int(value) / 1000
            elif word == "held":
                after = value
            elif word == "alias":
                records.append(record(owner, CNAME, encode_name(value)))
                owner = value
            elif word == "tc":
                truncated = protocol == "udp"
            elif word == "turns":
                turns = True
            elif word == "last":
                records.reverse()
            elif word == "forged":
                forged = value
            elif word in RCODES:
                rcode = RCODES[word]
            elif word == "lame":
                flags &= ~RA
            elif word == "plain":
                rcode = 0 if query[10:12] == b"\0\0" else 1
            elif word not in ("drop", "narrow", "edns", "mute"):
                address = ipaddress.ip_address(action)
                records.append(record(owner, 1 if address.version == 4 else 28,
                                      address.packed))
        if truncated:
            records = []
        false = ipaddress.ip_address(
            "192.0.2.66" if kind == "A" else "2001:db8::66").packed
        number_of_kind = 1 if kind == "A" else 28
        if forged == "owner":
            records.insert(0, record("forged.example", number_of_kind, false))
        if turns:
            records = [records[(count - 1) % len(records)]]
        flags |= rcode | (0x0200 if truncated else 0)
        head = struct.pack("!HHHHH", flags, 1, len(records), 0, 0)
        body = head + question + b"".join(records)
        sent = [(after, struct.pack("!H", number) + body, False)]
        if forged in ("id", "question", "elsewhere"):
            if forged == "question":
                name = "forged.example"
                question = encode_name(name) + question[-4:]
            sent.insert(0, (0, struct.pack(
                "!H", number ^ (forged == "id")) + head[:4] +
                b"\0\1\0\0\0\0" + question +
                record(name, number_of_kind, false), forged == "elsewhere"))
        return sent


def send_at(when, send, *arguments):
    """when: so many seconds from now, or once that file is there."""
    if isinstance(when, str):
        while not os.path.exists(when):
            time.sleep(0.01)
    else:
        time.sleep(when)
    send(*arguments)


def later(when, send, *arguments):
    if when:
        threading.Thread(target=send_at, args=(when, send, *arguments),
                         daemon=True).start()
    else:
        send(*arguments)


def receive(connection, length):
    octets = b""
    while len(octets) < length:
        more = connection.recv(length - len(octets))
        if not more:
            raise EOFError
        octets += more
    return octets


def serve_connection(connection, script):
    with connection:
        try:
            while True:
                length = struct.unpack("!H", receive(connection, 2))[0]
                for when, answer, _ in script.answers(
                        receive(connection, length), "tcp"):
                    send_at(when, connection.sendall,
                            struct.pack("!H", len(answer)) + answer)
        except (EOFError, OSError):
            pass


def serve_tcp(listener, script):
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve_connection, args=(connection, script),
                         daemon=True).start()


def main():
    where, path = sys.argv[1:]
    host, _, port = where.rpartition(":") if "]" in where or \
        where.count(":") == 1 else (where, "", "")
    host, port = host.strip("[]"), int(port or 53)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    script = Script(path)
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    udp = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.bind((host, port))
    listener.listen()
    udp.bind((host, port))
    threading.Thread(target=serve_tcp, args=(listener, script),
                     daemon=True).start()
    other = socket.socket(family, socket.SOCK_DGRAM)
    other.bind((host, 0))
    print("ready", flush=True)
    while True:
        query, client = udp.recvfrom(4096)
        for when, answer, elsewhere in script.answers(query, "udp", client):
            later(when, (other if elsewhere else udp).sendto, answer, client)


if __name__ == "__main__":
    main()

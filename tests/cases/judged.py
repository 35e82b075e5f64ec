#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The truth table of the rules, asked by -e and by live sessions.

    judged.py HANDLER TABLE

TABLE is tests/vectors/policy/rules.table.  Runs in a network namespace where
no address is reachable, so that what is allowed fails at once with a REP
that is not 02, and with a /run of its own, where it is the journal.  Each
row's client is brought by a PROXY header (or is a unix-domain peer of that
uid), its user by a login, its candidate by DNS, `self` by an address on lo,
`on-link` by a route to its net, of IPv4, without a gateway; `unknown`, which is
a kernel that cannot answer, is left out (egress.py unasked).

Prints a line for each row on which table, -e and session do not agree, then
how many rows each of the two answered; status 1 when one did not.
"""
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "peers"))
import dns
import hashes
import proxied
import socks
import streams

JOURNAL = "/run/systemd/journal/socket"
PASSWORD = b"x"
GLOBAL = "9.9.9.9"
COMMANDS = {"connect": socks.CONNECT, "bind": socks.BIND,
            "udp": socks.UDP_ASSOCIATE}


class Row:
    """ask COMMAND CLIENT DESTINATION USER [more] => DECISION RULE [REASON]"""

    def __init__(self, rules, line, number):
        asked, _, said = line.partition(" => ")
        _, self.command, self.client, self.destination, self.user, *more = \
            asked.split()
        self.rules = rules
        self.number = number
        self.more = dict(word.partition("=")[::2] for word in more
                         if word[0] != "@")
        self.candidate = next((w[1:] for w in more if w[0] == "@"), None)
        self.decision, self.rule, *reason = said.split(" ", 2)
        self.reason = reason[0] if reason else ""
        # UDP ASSOCIATE without an address: its datagrams have theirs.
        self.associates = self.destination == "-"
        self.host, _, self.port = (
            "0.0.0.0:0" if self.associates else
            self.destination).rpartition(":")
        self.host = self.host.strip("[]")
        self.is_name = not re.fullmatch(r"[0-9.]+|.*:.*|", self.host)

    def told(self):
        """What the table says, where it decides the whole session."""
        if self.is_name and "request" in self.more and \
                self.decision == "allowed":
            return None
        return self.decision, self.rule, self.reason


def rows_of(path):
    rules, fresh = [], True
    with open(path, encoding="ascii") as lines:
        for number, line in enumerate(lines, 1):
            line = line.rstrip("\n")
            word, _, rest = line.partition(" ")
            if word == "rules":
                rules, fresh = [], True
            elif word == "rule":
                if not fresh:
                    raise ValueError(f"{path}:{number}: a rule behind ask")
                rules = rules + [rest]
            elif word == "ask":
                fresh = False
                yield Row(rules, line, number)


class Names(threading.Thread):
    """A name server on loopback: every name has the address of now."""

    def __init__(self):
        super().__init__(daemon=True)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.address = GLOBAL
        self.start()

    def run(self):
        while True:
            query, client = self.sock.recvfrom(4096)
            name, kind, question = dns.decode_question(query)
            address = dns.ipaddress.ip_address(self.address)
            records = b""
            if kind == ("A" if address.version == 4 else "AAAA"):
                records = dns.record(name, 1 if kind == "A" else 28,
                                     address.packed)
            self.sock.sendto(
                query[:2] + dns.struct.pack(
                    "!HHHHH", 0x8180, 1, 1 if records else 0, 0, 0) +
                question + records, client)


class Stage:
    """Everything that the rows share."""

    def __init__(self, program, rows):
        self.program = program
        self.names = Names()
        os.makedirs(os.path.dirname(JOURNAL))
        self.journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.journal.bind(JOURNAL)
        os.chmod(JOURNAL, 0o666)
        self.journal.settimeout(30)
        self.directory = tempfile.mkdtemp(dir="/run")
        os.chmod(self.directory, 0o755)
        self.passwords = os.path.join(self.directory, "passwords")
        hashed = hashes.crypt(PASSWORD, "$1$salt")
        with open(self.passwords, "w", encoding="ascii") as file:
            for user in sorted({row.user for row in rows} - {"-"}):
                file.write(f"{user}:{hashed}\n")
        self.listeners = {
            1080: socket.create_server(("127.0.0.1", 1080)),
            0: socket.create_server(("127.0.0.1", 0)),
        }
        self.local = socket.socket(socket.AF_UNIX)
        self.local.bind(os.path.join(self.directory, "socket"))
        os.chmod(os.path.join(self.directory, "socket"), 0o777)
        self.local.listen()

    def options(self, row):
        """The rules come first: their numbers are the table's."""
        lines = [*row.rules, f"resolver 127.0.0.1:{self.names.port}"]
        if "on-link" in row.more:
            lines.append("connect-timeout 100ms")  # nobody is there
        return [word for line in lines for word in ("-o", line)]

    def connect(self, row):
        """The client's end and the handler's."""
        if row.client.startswith("unix:"):
            client = socket.socket(socket.AF_UNIX)
            os.seteuid(int(row.client[5:]))
            try:
                client.connect(self.local.getsockname())
            finally:
                os.seteuid(0)
            listener = self.local
        else:
            listener = self.listeners[int(row.more.get("listener", 0))]
            client = socket.create_connection(listener.getsockname())
        client.settimeout(30)
        return client, listener.accept()[0]

    def header(self, row):
        if row.client.startswith("unix:"):
            return b""
        there, port = ("2001:db8:ffff::1" if ":" in row.client else
                       "203.0.113.254"), 1080
        if "proxied" in row.more:
            there, port = socks.parse_endpoint(row.more["proxied"])
        return proxied.version_1(row.client, there, target=port)

    def session(self, row):
        """(decision, rule, reason) of a live session."""
        client, ours = self.connect(row)
        options = self.options(row) + [
            "-o", "user nobody", "-o", "auth password none",
            "-o", f"password-file {self.passwords}"]
        if not row.client.startswith("unix:"):
            options += ["-o", "proxy-protocol-from loopback"]
        with tempfile.TemporaryFile() as errors:
            status = os.fstat(errors.fileno())
            process = subprocess.Popen(
                [self.program, *options], stdin=ours, stdout=ours,
                stderr=errors, env={"JOURNAL_STREAM":
                                    f"{status.st_dev}:{status.st_ino}"})
            ours.close()
            octets, wanted = self.header(row), b"\5\0"
            if row.user == "-":
                octets += socks.GREETING
            else:
                user = row.user.encode()
                octets += (b"\5\1\2\1" + bytes((len(user),)) + user +
                           bytes((len(PASSWORD),)) + PASSWORD)
                wanted = b"\5\2\1\0"
            client.sendall(octets + socks.request(
                row.host, int(row.port), "name" if row.is_name else "ip",
                COMMANDS[row.command]))
            answer = streams.receive_exactly(client, len(wanted) + 4)
            client.close()
            process.wait()
        fields = dict(line.split("=", 1) for line in
                      self.journal.recv(65536).decode().splitlines())
        if answer[:-4] != wanted:
            raise ValueError(f"answer {answer.hex()}: {fields['MESSAGE']}")
        denied = answer[-3] == 2
        if denied != (fields["SOCKS64_RESULT"] == "denied") or \
                int(fields["SOCKS64_REPLY"]) != answer[-3]:
            raise ValueError(f"REP {answer[-3]}: {fields['MESSAGE']}")
        return ("denied" if denied else "allowed", fields["SOCKS64_RULE"],
                fields.get("SOCKS64_REASON", "") if denied else "")

    def explain(self, row):
        """(decision, rule, reason) of -e."""
        operands = [row.command, row.client.replace("unix:", "unix:uid="),
                    row.destination]
        if row.user != "-":
            operands.append(row.user)
        done = subprocess.run(
            [self.program, *self.options(row), "-e", *operands],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
            text=True, timeout=30)
        lines = done.stdout.splitlines()
        decision, _, rule = lines[0].partition(" ")
        if done.returncode != ("allowed", "denied").index(decision) or \
                done.stderr or len(lines) != 4 or lines[2] != "via -" or \
                not lines[3].startswith("source "):
            raise ValueError(f"-e: {done}")
        address, each, said = lines[1].split(" ", 2)
        if each != decision or (each == "allowed" and said != rule):
            raise ValueError(f"-e: {lines}")
        if row.is_name and address not in ("-", dns.ipaddress.ip_address(
                self.names.address).compressed):
            raise ValueError(f"-e: {address}, not {self.names.address}")
        return decision, rule, said if decision == "denied" else ""


def set_address(verb, address):
    if not address or dns.ipaddress.ip_address(address).is_loopback:
        return
    length = 128 if ":" in address else 32
    subprocess.run(["ip", "address", verb, f"{address}/{length}", "dev",
                    "lo", *(["nodad"] if length == 128 and verb == "add"
                            else [])], check=True)


def set_route(verb, address):
    net = dns.ipaddress.ip_interface(f"{address}/24").network
    subprocess.run(["ip", "route", verb, str(net), "dev", "lo"], check=True)


def answers(stage, row):
    """What each that can be asked says: {who: (decision, rule, reason)}."""
    said = {}
    if "unknown" in row.more:
        return said
    stage.names.address = row.candidate or GLOBAL
    ours = [row.candidate or row.host] if "self" in row.more else []
    ours += [row.client] if "client-self" in row.more else []
    links = [row.candidate or row.host] if "on-link" in row.more else []
    links += [row.client] if "client-on-link" in row.more else []
    for address in ours:
        set_address("add", address)
    for address in links:
        set_route("add", address)
    try:
        if not row.associates and not {"listener",
                                           "proxied"} & set(row.more):
            said["-e"] = stage.explain(row)
        # Datagrams are judged one by one, and leave no REP.
        if row.command != "udp" or row.associates:
            said["session"] = stage.session(row)
    finally:
        for address in ours:
            set_address("delete", address)
        for address in links:
            set_route("delete", address)
    return said


def main():
    program, table = sys.argv[1:]
    rows = list(rows_of(table))
    stage = Stage(program, rows)
    count = {"-e": 0, "session": 0}
    failed = 0
    for row in rows:
        try:
            said = answers(stage, row)
            wanted = row.told() or next(iter(said.values()), None)
            wrong = [f"{who} {what}" for who, what in said.items()
                     if what != wanted]
        except (ValueError, OSError, KeyError, IndexError) as error:
            said, wanted = {}, None
            wrong = [f"{type(error).__name__}: {error}"]
        for who in said:
            count[who] += 1
        if wrong:
            failed += 1
            print(f"{table}:{row.number}: {wanted}: {'; '.join(wrong)}")
    print(f"{count['-e']} asked, {count['session']} lived, {failed} failed")
    sys.exit(1 if failed or min(count.values()) < 100 else 0)


if __name__ == "__main__":
    main()

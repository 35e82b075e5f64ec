#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The hosts of a camp (lib/camp.bash), all of them at once.

    campers.py run NET HOSTS DIRECTORY
    campers.py records HOSTS DIRECTORY <RECORDS

run: from each host's namespace, to a server of the other family: a telnet
session on a terminal, an SSH session, an FTP session with transfers in active
and passive mode, and an HTTP download, by the programs that people have.  It
prints "in" as soon as all are logged in, goes on when the file DIRECTORY/go is
there, and checks what arrives.  A line for each session that failed; the last
line has figures.  Status 1 where one failed.

records: are the records, a line each, those of these sessions, each exactly
once?  Prints what is wrong, then figures.

DIRECTORY has sshd/key, ftp/pub (what the servers have), ftp/in (what they
get), and gets a directory for each host.
"""
import collections
import hashlib
import json
import os
import pty
import re
import subprocess
import sys
import threading
import time

DEADLINE = 150.0
GATEWAY = {4: "192.0.2.1", 6: "2001:db8:1::1"}
NUMBERS = 2000  # lines that a telnet session shows
OCTETS = 300000  # each way of an SSH session
PORTS = {"ftp": 21, "ssh": 22, "telnet": 23, "http": 80}
# Records of one host: two FTP clients; and two transfers in passive mode,
# which are sessions of their own.
SESSIONS = {"ftp": 2, "ssh": 1, "telnet": 1, "http": 1, "data": 2}


class Failure(Exception):
    """A session that did not go as it must."""


class Host:
    """One of them: its addresses, its programs' command lines."""

    def __init__(self, net, number, directory):
        self.number = number
        self.namespace = f"/run/netns/{net}-h{number}"
        self.directory = os.path.join(directory, f"h{number}")
        self.shared = directory
        self.family = 4 if number % 2 else 6
        self.server = "v6.example.com" if self.family == 4 \
            else "v4.example.com"
        gateway = GATEWAY[self.family]
        self.proxy = f"[{gateway}]:1080" if self.family == 6 \
            else f"{gateway}:1080"
        os.makedirs(self.directory, exist_ok=True)
        with open(os.path.join(self.directory, "chains"), "w",
                  encoding="ascii") as file:
            # The four seconds that it waits by itself are short where one
            # machine is the whole camp.
            file.write("strict_chain\nproxy_dns\nremote_dns_subnet 224\n"
                       f"tcp_read_time_out {DEADLINE * 1000:.0f}\n"
                       f"tcp_connect_time_out {DEADLINE * 1000:.0f}\n"
                       f"[ProxyList]\nsocks5 {gateway} 1080\n")

    def command(self, *words):
        return ["nsenter", f"--net={self.namespace}", "--", *words]

    def proxied(self, *words):
        """Of a program that knows nothing of SOCKS."""
        return self.command("proxychains4", "-q", "-f", "chains", *words)


class Program:
    """One that runs and is talked to."""

    def __init__(self, host, words, terminal=False):
        self.output = b""
        self.seen = 0
        self.changed = threading.Condition()
        self.ended = False
        if terminal:
            self.inward, slave = pty.openpty()
            self.outward = self.inward
            self.process = subprocess.Popen(
                words, stdin=slave, stdout=slave, stderr=slave,
                cwd=host.directory, start_new_session=True)
            os.close(slave)
        else:
            self.process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, cwd=host.directory)
            self.inward = self.process.stdin.fileno()
            self.outward = self.process.stdout.fileno()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        while True:
            try:
                octets = os.read(self.outward, 65536)
            except OSError:  # a terminal whose other end is closed
                octets = b""
            with self.changed:
                self.output += octets
                self.ended = not octets
                self.changed.notify_all()
            if not octets:
                return

    def say(self, octets):
        while octets:
            octets = octets[os.write(self.inward, octets):]

    def expect(self, pattern):
        """Waits until the output that nobody saw has it; the match."""
        end = time.monotonic() + DEADLINE
        with self.changed:
            while True:
                match = re.compile(pattern).search(self.output, self.seen)
                if match:
                    self.seen = match.end()
                    return match
                if self.ended or time.monotonic() > end:
                    raise Failure(f"no {pattern!r} but "
                                  f"{self.output[-800:]!r}")
                self.changed.wait(end - time.monotonic())

    def finish(self):
        """Closes its input; the exit status."""
        if self.process.stdin:
            self.process.stdin.close()
        try:
            status = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            raise Failure("it does not end") from None
        self.reader.join(DEADLINE)
        return status

    def end(self):
        """However far it got."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.reader.join(DEADLINE)
        if self.process.stdin:
            self.process.stdin.close()
            self.process.stdout.close()
        else:
            os.close(self.inward)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def same(got, wanted):
    if digest(got) != digest(wanted):
        raise Failure(f"{os.path.basename(got)} is not what was sent")


def fetch(host, name, url, *options):
    """By curl; how many octets it sent, and got."""
    program = Program(host, host.command(
        "curl", "-sS", "-m", str(DEADLINE), "-o", name, "-w",
        "%{size_request} %{size_header} %{size_download}\\n", *options,
        "--socks5-hostname", host.proxy, url))
    try:
        counts = program.expect(rb"^(\d+) (\d+) (\d+)\n")
        if program.finish() != 0:
            raise Failure("exit status of curl")
    finally:
        program.end()
    up, head, body = map(int, counts.groups())
    return up, head + body


# Each of these logs in, yields, and goes on when all are in.

def telnet(host):
    program = Program(host, host.proxied("telnet", host.server),
                      terminal=True)
    try:
        program.expect(rb"login: ")
        program.say(b"h%d\r" % host.number)
        program.expect(rb"hello h%d\r\n" % host.number)
        yield program
        program.say(b"count %d\r" % NUMBERS)
        # Behind the echo of what was said.
        shown = program.expect(rb"count \d+\r\n((?:\d+\r\n)+)counted")
        if shown[1].split() != [b"%d" % i for i in range(1, NUMBERS + 1)]:
            raise Failure("not the lines that telnetd sent")
        program.say(b"bye\r")
        program.expect(rb"Connection closed by foreign host")
        program.finish()
    finally:
        program.end()


def ssh(host):
    command = f"echo in; read -r go; sha256sum; head -c {OCTETS} /dev/zero"
    program = Program(host, host.command(
        "ssh", "-F", "none", "-i", os.path.join(host.shared, "sshd", "key"),
        "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
        "-o", "StrictHostKeyChecking=no", "-o", "IdentitiesOnly=yes",
        "-o", f"ProxyCommand=nc -X 5 -x {host.proxy} %h %p",
        f"root@{host.server}", command))
    sent = os.urandom(OCTETS)
    try:
        program.expect(rb"in\n")
        yield program
        program.say(b"go\n" + sent)
        program.process.stdin.close()
        program.expect(hashlib.sha256(sent).hexdigest().encode())
        program.expect(rb"-\n\0{%d}$" % OCTETS)
        if program.finish() != 0:
            raise Failure("exit status")
    finally:
        program.end()


def ftp(host):
    program = Program(host, host.proxied("tnftp", "-n", "-v", host.server))
    sent = os.path.join(host.directory, "sent")
    with open(sent, "wb") as file:
        file.write(os.urandom(OCTETS))
    try:
        program.say(b"user anonymous a\nbinary\n")
        program.expect(rb"(?m)^230 ")
        yield program
        if host.family == 4:
            program.say(b"passive off\nget pub/64k active\npassive on\n")
            program.expect(rb"(?m)^226 ")
        program.say(b"get pub/big passive\nput sent in/h%d\nquit\n" %
                    host.number)
        for _ in range(2):
            program.expect(rb"(?m)^226 ")
        program.expect(rb"(?m)^221 ")
        program.finish()
        # proxychains hides from programs that they have an IPv6 address,
        # so they cannot tell it to a server.
        fetch(host, "active-curl", f"ftp://{host.server}/pub/64k", "-P", "-")
    finally:
        program.end()
    public = os.path.join(host.shared, "ftp", "pub")
    for got in ("active", "active-curl")[host.family == 6:]:
        same(os.path.join(host.directory, got), os.path.join(public, "64k"))
    same(os.path.join(host.directory, "passive"), os.path.join(public, "big"))
    same(os.path.join(host.shared, "ftp", "in", f"h{host.number}"), sent)


def http(host):
    """curl tells how many octets it sent and got, which is what the record
    must say, too."""
    yield None
    up, down = fetch(host, "page", f"http://{host.server}/pub/big")
    same(os.path.join(host.directory, "page"),
         os.path.join(host.shared, "ftp", "pub", "big"))
    with open(os.path.join(host.directory, "octets"), "w",
              encoding="ascii") as file:
        json.dump([up, down], file)


class Camp:
    """All the sessions, and the moment when all are logged in."""

    def __init__(self, directory):
        self.go = os.path.join(directory, "go")
        self.changed = threading.Condition()
        self.settled = 0
        self.open = False
        self.failed = []

    def settle(self):
        with self.changed:
            self.settled += 1
            self.changed.notify_all()

    def run(self, name, session):
        settled = False
        try:
            next(session)
            settled = True
            self.settle()
            with self.changed:
                self.changed.wait_for(lambda: self.open)
            for _ in session:
                pass
        except (Failure, OSError, ValueError) as error:
            with self.changed:
                self.failed.append(f"{name}: {type(error).__name__}: {error}")
        finally:
            if not settled:
                self.settle()

    def wait_for_all(self, count):
        with self.changed:
            self.changed.wait_for(lambda: self.settled == count)
        print("in", flush=True)
        while not os.path.exists(self.go):
            time.sleep(0.02)
        with self.changed:
            self.open = True
            self.changed.notify_all()


def run(net, count, directory):
    camp = Camp(directory)
    threads = []
    began = time.monotonic()
    for number in range(1, count + 1):
        host = Host(net, number, directory)
        for session in (telnet, ssh, ftp, http):
            threads.append(threading.Thread(
                target=camp.run, args=(f"h{number} {session.__name__}",
                                       session(host))))
    for thread in threads:
        thread.start()
    camp.wait_for_all(len(threads))
    for thread in threads:
        thread.join()
    for line in sorted(camp.failed):
        print(line)
    print(f"{len(threads)} programs, {len(camp.failed)} failed, "
          f"{time.monotonic() - began:.0f} s")
    return 1 if camp.failed or not threads else 0


# ------------------------------------------------------------- the records

def address_of(number):
    return f"192.0.2.{100 + number}" if number % 2 \
        else f"[2001:db8:1::{100 + number}]"


def fields(line):
    words = line.split()
    return {"result": words[0],
            **dict(word.split("=", 1) for word in words[1:] if "=" in word)}


def kind_of(record, number):
    """telnet, ssh, ftp, http or data: by what was asked for."""
    name = "v6.example.com" if number % 2 else "v4.example.com"
    for kind, port in PORTS.items():
        if record["dest"] == f"{name}:{port}":
            return kind
    return "data"


def check_host(number, records, directory, wrong):
    server = "[2001:db8:2::80]" if number % 2 else "198.51.100.80"
    kinds = collections.Counter()
    for record in records:
        kind = kind_of(record, number)
        kinds[kind] += 1
        peer, _, port = record["peer"].rpartition(":")
        if record["result"] != "ok" or record["cmd"] != "CONNECT" or \
                peer != server or int(port) != PORTS.get(kind, int(port)):
            wrong.append(f"h{number} {kind}: {record}")
        if kind == "ftp" and "alg" not in record:
            wrong.append(f"h{number} ftp: nothing was translated: {record}")
        if kind == "http":
            with open(os.path.join(directory, f"h{number}", "octets"),
                      encoding="ascii") as file:
                octets = json.load(file)
            if [int(record["up"]), int(record["down"])] != octets:
                wrong.append(f"h{number} http: {octets} octets, {record}")
    if kinds != SESSIONS:
        wrong.append(f"h{number}: records of {dict(kinds)}")


def records(count, directory, lines):
    wrong = []
    by_address = collections.defaultdict(list)
    sessions = collections.Counter()
    for line in lines:
        record = fields(line)
        # A port that was free again may come twice.
        sessions[record["client"], record["start"]] += 1
        by_address[record["client"].rpartition(":")[0]].append(record)
    wrong += [f"{n} records of {client}, {start}"
              for (client, start), n in sessions.items() if n != 1]
    expected = [address_of(number) for number in range(1, count + 1)]
    wrong += [f"records of a stranger, {address}" for address in by_address
              if address not in expected]
    for number, address in enumerate(expected, 1):
        check_host(number, by_address[address], directory, wrong)
    every = [record for found in by_address.values() for record in found]
    for line in wrong:
        print(line)
    print(f"{len(every)} sessions, {len(wrong)} wrong, "
          f"{sum(int(r['up']) for r in every)} octets up, "
          f"{sum(int(r['down']) for r in every)} down")
    return 1 if wrong or not every else 0


def main():
    if sys.argv[1] == "run":
        sys.exit(run(sys.argv[2], int(sys.argv[3]), sys.argv[4]))
    sys.exit(records(int(sys.argv[2]), sys.argv[3], sys.stdin))


main()

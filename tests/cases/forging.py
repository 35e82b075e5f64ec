#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Users and names that try to forge or break a record, in every sink.

    syslog-dev FILE forging.py HANDLER CHECK

Runs where /dev and /run are its own, and is the journal and the syslogd.
Each CHECK prints a line for every case that failed, then how many there were.
"""
import concurrent.futures
import contextlib
import datetime
import os
import re
import socket
import sys
import tempfile
import threading
import time

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "peers"))
import handshake
import hashes
import proxied
import socks
import streams
from handshake import Failure, Handler, Report

SINKS = {"/dev/log": "syslog", "/run/systemd/journal/socket": "journal"}
NASTY = {
    "format": b"%s%n%x%1$s%999999d%%",
    "line ends": b"x\r\nok client=192.0.2.1:5 user=root auth=none\r\n",
    "a field": b"x\nMESSAGE=forged\nPRIORITY=0\nSOCKS64_RESULT=ok\n",
    "a binary field": b"x\nMESSAGE\n\x06\0\0\0\0\0\0\0forged\n",
    "a priority": b"<0>kernel: panic",
    "escape": b"\x1b[2J\x1b]0;title\x07\x9b31m\x08\x7f",
    "quotes": b"x\" reason=\"forged\" user='y' \\x20 \\",
    "keys": b"x user=root auth=password cmd=CONNECT",
    "no UTF-8": b"\xff\xfe\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80",
    "UTF-8": "\u202ealb\u00e9\u2028\U0001f980".encode(),
    "NUL": b"alice\0root",
    "dash": b"-",
    "blank": b" ",
    "all octets": bytes(range(1, 256)),
    "255 of ESC": b"\x1b" * 255,
    "255 of line ends": b"\n" * 255,
    "255 of quotes": b"\"" * 255,
    "255 of %": b"%n" * 127 + b"%",
}
DEADLINE = 30.0
STAY = 0.3  # seconds, of a session whose time is measured


def escaped(octets):
    if octets == b"-":
        return "\\x2d"
    return "".join(chr(o) if 0x21 <= o <= 0x7e and chr(o) not in "\"\\"
                   else f"\\x{o:02x}" for o in octets)


class Sinks:
    """The daemons' sockets, ours.  What is sent stays until it is taken."""

    LAST = b"the last one"

    def __init__(self):
        self.changed = threading.Condition()
        self.came = {}
        self.paths = {name: path for path, name in SINKS.items()}
        for name, path in self.paths.items():
            os.unlink(path)
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            sock.bind(path)
            os.chmod(path, 0o666)
            self.came[name] = []
            threading.Thread(target=self.read, args=(name, sock),
                             daemon=True).start()

    def read(self, name, sock):
        while True:
            octets = sock.recv(1 << 20)
            if re.search(rb"(MESSAGE=|\]: )listening on ", octets):
                continue  # the service's own, not a session's
            with self.changed:
                self.came[name].append(octets)
                self.changed.notify_all()

    def take(self, name, pattern):
        """A datagram of that sink that matches."""

        def find():
            return next((octets for octets in self.came[name]
                         if re.search(pattern, octets)), None)

        if name not in self.came:
            return b""
        with self.changed:
            if not self.changed.wait_for(find, handshake.DEADLINE):
                raise Failure(f"no datagram for {name}")
            octets = find()
            self.came[name].remove(octets)
        return octets

    def check_empty(self):
        """Nothing but what was taken: no record twice, or in two sinks."""
        for name, path in self.paths.items():
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
                sock.sendto(self.LAST, path)
            self.take(name, self.LAST)
        if any(self.came.values()):
            raise Failure(f"more datagrams: {self.came}")


def session(program, sink, octets, *lines):
    """The octets; the client's name, and the log of that session as text."""
    handler = Handler(program, [word for line in (
        f"log-to {sink}", "log-level debug", *lines)
        for word in ("-o", line)])
    try:
        handler.let_go()
        handler.send(octets)
        handler.client.shutdown(socket.SHUT_WR)
        handler.read_to_end()
        text, status = handler.finish()
        if status != 0:
            raise Failure(f"status {status}: {text!r}")
        return handler.name, text
    finally:
        handler.kill()


def journal_fields(octets):
    """KEY=VALUE lines, each key once, nothing else."""
    fields = {}
    for line in octets.decode("ascii").rstrip("\n").split("\n"):
        match = re.fullmatch(r"([A-Z][A-Z0-9_]*)=([ -~]+)", line)
        if match is None or match[1] in fields:
            raise Failure(f"no field, or twice: {line!r}")
        fields[match[1]] = match[2]
    return fields


def message_of(sinks, sink, client, text):
    """The sentence of the one record, and the journal's fields."""
    octets = sinks.take(sink, f" client={client} ".encode())
    if sink != "stderr" and text:
        raise Failure(f"on stderr, too: {text!r}")
    if sink == "journal":
        fields = journal_fields(octets)
        if fields["PRIORITY"] != "5":
            raise Failure(f"priority {fields['PRIORITY']}")
        return fields["MESSAGE"], fields
    line = octets.decode("ascii") if sink == "syslog" else text
    match = re.fullmatch(r"(?:<29>)?socks64\[\d+\]: ([ -~]*)(\n?)", line)
    if match is None or bool(match[2]) != (sink == "stderr"):
        raise Failure(f"no one line: {line!r}")
    return match[1], {}


def check_one(sinks, sink, logged, result, pairs):
    sentence, fields = message_of(sinks, sink, *logged)
    record = handshake.RECORD.fullmatch(sentence)
    if record is None or not sentence.startswith(result + " "):
        raise Failure(f"not {result}: {sentence!r}")
    for key, field, value in pairs:
        if [w for w in sentence.split(" ")
                if w.startswith(key + "=")][:1] != [f"{key}={value}"]:
            raise Failure(f"no {key}={value!r} in {sentence!r}")
        value = value.rpartition(":")[0] if key == "dest" else value
        if fields and fields.get(field) != value:
            raise Failure(f"{field}={fields.get(field)!r}, not {value!r}")
    if fields and fields["SOCKS64_RESULT"] != result:
        raise Failure(f"SOCKS64_RESULT={fields['SOCKS64_RESULT']}")


def as_user(program, sinks, sink, passwords, octets):
    logged = session(program, sink, b"\5\1\2\1" + bytes((len(octets),)) +
                     octets + b"\1x", "auth password",
                     f"password-file {passwords}", "user nobody")
    check_one(sinks, sink, logged, "auth-failed",
              [("user", "SOCKS64_USER", escaped(octets))])


def as_name(program, sinks, sink, octets):
    logged = session(program, sink, socks.GREETING + b"\5\1\0\3" +
                     bytes((len(octets),)) + octets + b"\0\x50", "deny all")
    check_one(sinks, sink, logged, "bad-request",
              [("dest", "SOCKS64_DEST", escaped(octets) + ":80")])


def as_claim(program, sinks, sink, octets):
    """USERID of SOCKS4: in the journal alone, and no user."""
    logged = session(program, sink, socks.request4(
        "192.0.2.1", 80, userid=octets), "deny all", "socks4 on")
    sentence, fields = message_of(sinks, sink, *logged)
    if handshake.RECORD.fullmatch(sentence) is None or \
            " user=- auth=socks4 cmd=CONNECT " not in sentence:
        raise Failure(f"not the record: {sentence!r}")
    if fields and (fields.get("SOCKS64_USERID") != escaped(octets) or
                   "SOCKS64_USER" in fields or
                   fields["SOCKS64_REPLY"] != "91"):
        raise Failure(f"not the fields: {fields}")


def logged_in(program, sinks, passwords, octets):
    """A user of such a name is shown by ps and status just so."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        handler = Handler(program, [word for line in (
            "auth password", f"password-file {passwords}", "user nobody",
            "allow user * at loopback") for word in ("-o", line)],
                          {"ROOM_FOR_THE_TITLE": "x" * 2048})
        try:
            handler.send(b"\5\1\2\1" + bytes((len(octets),)) + octets +
                         b"\1x" + socks.request(
                             "127.0.0.1", server.getsockname()[1]),
                         last=False)
            streams.receive_exactly(handler.client, 14)
            end = time.monotonic() + handshake.DEADLINE
            while True:
                with open(f"/proc/{handler.process.pid}/cmdline",
                          "rb") as file:
                    title = file.read().rstrip(b"\0")
                # A title may be seen half written.
                if f" {escaped(octets)} -> 127.0.0.1:" in title.decode(
                        "ascii"):
                    break
                if time.monotonic() > end:
                    raise Failure(f"title {title}")
            streams.close_by_reset(handler.client)
            text, _ = handler.finish()
            check_one(sinks, "stderr", (handler.name, text), "reset",
                      [("user", "SOCKS64_USER", escaped(octets))])
        finally:
            handler.kill()


def client_alone(program, passwords, user):
    """With `title client' ps(1) has neither user nor destination."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        handler = Handler(program, [word for line in (
            "auth password", f"password-file {passwords}", "user nobody",
            "allow user * at loopback", "title client")
                                    for word in ("-o", line)])
        try:
            handler.send(b"\5\1\2\1" + bytes((len(user),)) + user + b"\1x" +
                         socks.request("127.0.0.1",
                                       server.getsockname()[1]), last=False)
            streams.receive_exactly(handler.client, 14)
            end = time.monotonic() + handshake.DEADLINE
            title = b""
            while title != handler.name.encode():
                if time.monotonic() > end:
                    raise Failure(f"title {title}")
                with open(f"/proc/{handler.process.pid}/cmdline",
                          "rb") as file:
                    title = file.read().rstrip(b"\0")
        finally:
            handler.kill()


def password_file(*users):
    directory = tempfile.mkdtemp(dir="/run")
    os.chmod(directory, 0o755)
    path = os.path.join(directory, "passwords")
    with open(path, "wb") as file:
        for user in users:
            file.write(user + b":" + hashes.crypt(b"x", "$1$salt").encode() +
                       b"\n")
    return path


def check_users(program, report, sinks):
    passwords = password_file(b"somebody")
    # Side by side: each is refused late.
    with concurrent.futures.ThreadPoolExecutor(len(NASTY)) as pool:
        for sink in ("stderr", "syslog", "journal"):
            for name, octets in NASTY.items():
                pool.submit(report.run, f"{name}, {sink}", as_user, program,
                            sinks, sink, passwords, octets)


def check_names(program, report, sinks):
    for name, octets in NASTY.items():
        if name == "dash":
            continue  # a host name, if an odd one
        for sink in ("stderr", "syslog", "journal"):
            report.run(f"{name}, {sink}", as_name, program, sinks, sink,
                       octets)


def check_claims(program, report, sinks):
    for name, octets in NASTY.items():
        if b"\0" in octets:
            continue  # the end of a USERID
        for sink in ("stderr", "syslog", "journal"):
            report.run(f"{name}, {sink}", as_claim, program, sinks, sink,
                       octets)


def check_titles(program, report, sinks):
    users = [o for o in NASTY.values() if not set(o) & set(b"\n\0:#")]
    passwords = password_file(*users)
    for octets in users:
        report.run(f"{octets[:20]}", logged_in, program, sinks, passwords,
                   octets)
    report.run("title client", client_alone, program, passwords, users[0])


def check_fields(program, report, sinks):
    """Rule, reason, attempts, proxy: what a record must tell."""

    def fields_of(octets, *lines, said=None):
        """said: whom the PROXY header names."""
        client, text = session(program, "journal", octets, *lines)
        return message_of(sinks, "journal", said or client, text)[1]

    def expect(fields, **wanted):
        for key, value in wanted.items():
            got = fields.get(f"SOCKS64_{key}")
            if got is None or not re.fullmatch(value, got):
                raise Failure(f"{key}: {got!r}, not {value!r}")

    def refused():
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
            expect(fields_of(
                socks.GREETING + socks.request("127.0.0.1", port),
                "deny port 1", "allow at loopback"),
                   RESULT="connect-failed", RULE="-o:4", REPLY="5",
                   ATTEMPTS=rf"127\.0\.0\.1:{port} refused",
                   REASON=rf"127\.0\.0\.1:{port} .*", DIAL_USEC=r"\d+",
                   AUTH="none", COMMAND="CONNECT",
                   LISTEN=r"127\.0\.0\.1:\d+")

    def reached():
        sink = handshake.Sink()
        fields = fields_of(
            proxied.version_2("192.0.2.7", "192.0.2.1") + socks.GREETING +
            socks.request("127.0.0.1", sink.port) + b"abc",
            "proxy-protocol-from loopback",
            "allow all from 192.0.2.7 at loopback", said="192.0.2.7:4711")
        sink.close()
        expect(fields, RESULT="ok", RULE="-o:4", REPLY="0", UP="3", DOWN="9",
               CLIENT=r"192\.0\.2\.7", CLIENT_PORT="4711", FAMILIES="4>4",
               PROXY=r"127\.0\.0\.1:\d+",
               ATTEMPTS=rf"127\.0\.0\.1:{sink.port} ok")

    def denied():
        fields = fields_of(socks.GREETING + socks.request("10.0.0.5", 22),
                           "deny at private", "allow")
        expect(fields, RESULT="denied", RULE="-o:3", REPLY="2",
               REASON="denied by -o:3", ATTEMPTS=r"10\.0\.0\.5:22 denied")

    def met():
        """A BIND: a stranger, and then the peer."""
        handler = Handler(program, [word for line in (
            "log-to journal", "allow bind at loopback")
            for word in ("-o", line)])
        try:
            handler.let_go()
            handler.send(socks.GREETING + socks.request(
                "127.0.0.1", 0, "ip", socks.BIND))
            octets = streams.receive_exactly(handler.client, 12)
            where = ("127.0.0.1", int.from_bytes(octets[10:], "big"))
            with socket.create_connection(
                    where, DEADLINE, ("127.0.0.2", 0)) as stranger:
                other = socks.text_of(stranger.getsockname())
                with contextlib.suppress(ConnectionError):
                    streams.receive_octets(stranger)
            with socket.create_connection(where, DEADLINE) as peer:
                name = socks.text_of(peer.getsockname())
                streams.receive_exactly(handler.client, 10)
            text, _ = handler.finish()
        finally:
            handler.kill()
        fields = message_of(sinks, "journal", handler.name, text)[1]
        expect(fields, RESULT="ok", COMMAND="BIND",
               ATTEMPTS=re.escape(f"{other} stranger, {name} ok"),
               PEER=r"127\.0\.0\.1", FAMILIES="4>4")

    report.run("refused", refused)
    report.run("met", met)
    report.run("reached behind a proxy", reached)
    report.run("denied", denied)


def check_times(program, report, sinks):
    """When a session began, and how long it and its dial took."""

    def times(sink):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            before = time.time()
            handler = Handler(program, [
                "-o", f"log-to {sink}", "-o", "allow all at loopback"])
            handler.let_go()
            handler.send(socks.GREETING + socks.request(
                *listener.getsockname()))
            streams.receive_exactly(handler.client, 12)
            begun = time.time()
            server, _ = listener.accept()
        time.sleep(STAY)  # not for order: the time that is measured
        ending = time.time()
        server.close()
        text, status = handler.finish()
        after = time.time()
        if status != 0:
            raise Failure(f"status {status}")
        sentence, fields = message_of(sinks, sink, handler.name, text)
        said = re.search(r" start=(\S+)Z seconds=(\S+)", sentence)
        start = datetime.datetime.fromisoformat(
            said[1] + "+00:00").timestamp()
        within("start", start, before, begun)
        within("seconds", float(said[2]), ending - begun, after - before)
        if fields:
            micro = {key: int(fields[f"SOCKS64_{key}_USEC"]) / 1e6
                     for key in ("START", "DURATION", "DIAL")}
            within("START_USEC", micro["START"], before, begun)
            within("DURATION_USEC", micro["DURATION"], ending - begun,
                   after - before)
            within("DIAL_USEC", micro["DIAL"], 0, begun - before)

    for sink in ("stderr", *sinks.paths):
        report.run(sink, times, sink)


def within(what, seconds, least, most):
    """Milliseconds are cut off."""
    if not least - 0.001 <= seconds <= most + 0.001:
        raise Failure(f"{what}: {seconds}, not {least} to {most}")


def main():
    if len(sys.argv) != 3 or "check_" + sys.argv[2] not in globals():
        sys.exit("usage: forging.py HANDLER "
                 "users|names|claims|titles|fields|times")
    report = Report()
    sinks = Sinks()
    globals()["check_" + sys.argv[2]](sys.argv[1], report, sinks)
    report.run("each in its sink", sinks.check_empty)
    report.end()


if __name__ == "__main__":
    main()

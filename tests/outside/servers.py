#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Servers for programs that nobody here wrote: server.py with more modes.

    servers.py ADDRESS MODE[:ARGUMENT...]=PORT...
    servers.py tokens N          the first N tokens

What they hand out and take are tokens, lines of 64 hexadecimal digits that
both ends can make: a program that shows a page in its own way shows them whole
all the same.

  page N               HTTP: any path is N tokens, as what its suffix says
  tree N DIRECTORY     HTTP: the files below DIRECTORY, which have N tokens
  first FILE           writes what comes first, as hexadecimal digits, to FILE
                       and says nothing
  irc N                a server of RFC 2812: N tokens, each a private message
  xmpp N               RFC 3921's Jabber without TLS and SASL: N tokens, each
                       a message, to who is present
  smtp FILE            takes one message into FILE
  late FILE            the same, but its greeting comes two seconds later
  pop N                RFC 1939: one message of N tokens
  imap N               RFC 3501: one message of N tokens
  mqtt N               MQTT 3.1.1: one message of N tokens to who subscribes
  banner N             N tokens at once, then reads to the FIN
"""
import mimetypes
import os
import sys
import time
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "peers"))
# pylint: disable=wrong-import-position
import server  # noqa: E402
import streams  # noqa: E402

SEED = 64


def tokens(count):
    octets = b"".join(streams.stream(SEED, 32 * int(count)))
    return [octets[i:i + 32].hex() for i in range(0, len(octets), 32)]


def message(count):
    return ["From: a@example.com", "To: b@example.com", "Subject: tokens",
            "Date: Thu, 26 Nov 2026 07:00:00 +0000",
            "Message-ID: <1@example.com>", ""] + tokens(count)


class Connection(server.Connection):
    """Each mode is one dialogue."""

    def lines(self):
        """What the client sends, line by line, to its end."""
        for line in self.sock.makefile("rb"):
            yield line.decode("utf-8", "replace").rstrip("\r\n")

    def tell(self, *lines):
        self.sock.sendall("".join(line + "\r\n" for line in lines).encode())

    def finish(self):
        self.sock.shutdown(1)
        streams.receive_all(self.sock)

    def request(self):
        """An HTTP request: its method and the path that it asks for."""
        words = None
        for line in self.lines():
            if words is None:
                words = line.split()
            if not line:
                break
        return (words[0], unquote(urlsplit(words[1]).path)) if words else None

    def answer(self, octets, kind):
        self.sock.sendall(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: %s\r\n"
            b"Content-Length: %d\r\n\r\n" % (kind.encode(), len(octets)))

    def mode_page(self, count):
        asked = self.request()
        if asked is None:
            return
        page = ("\n".join(tokens(count)) + "\n").encode()
        self.answer(page, mimetypes.guess_type(asked[1])[0] or "text/plain")
        if asked[0] != "HEAD":
            self.sock.sendall(page)
        self.finish()

    def mode_tree(self, count, directory):
        asked = self.request()
        if asked is None:
            return
        path = os.path.join(directory, asked[1].lstrip("/"))
        if os.path.isdir(path):
            path = os.path.join(path, "index.html")
        if not os.path.isfile(path):
            self.sock.sendall(b"HTTP/1.1 404 Not Found\r\nConnection: close"
                              b"\r\nContent-Length: 0\r\n\r\n")
            self.finish()
            return
        with open(path, "rb") as file:
            octets = file.read()
        self.answer(octets, mimetypes.guess_type(path)[0] or "text/plain")
        if asked[0] != "HEAD":
            self.sock.sendall(octets)
        self.finish()

    def mode_first(self, path):
        got = self.sock.recv(4096)
        with open(path, "a", encoding="ascii") as file:
            file.write(got.hex() + "\n")
        streams.receive_all(self.sock)

    def mode_banner(self, count):
        self.tell(*tokens(count))
        streams.receive_all(self.sock)

    def mode_mqtt(self, count):
        text = "\n".join(tokens(count)).encode()
        packet = b"\0\1t" + text
        while True:
            head = streams.receive_exactly(self.sock, 2)
            if len(head) < 2 or head[0] >> 4 == 14:
                return
            body = streams.receive_exactly(self.sock, head[1])
            if head[0] >> 4 == 1:
                self.sock.sendall(b"\x20\x02\0\0")
            elif head[0] >> 4 == 8:
                self.sock.sendall(
                    b"\x90\x03" + body[:2] + b"\0\x30" +
                    bytes((len(packet) % 128 | 128, len(packet) // 128)) +
                    packet)

    def mode_irc(self, count):
        nick = user = None
        for line in self.lines():
            word, _, rest = line.partition(" ")
            if word == "NICK":
                nick = rest.lstrip(":")
            elif word == "USER":
                user = rest
            elif word == "PING":
                self.tell(f":irc.example.com PONG irc.example.com {rest}")
            elif word == "CAP" and rest.startswith("LS"):
                self.tell(":irc.example.com CAP * LS :")
            if nick and user:
                user = None
                self.tell(f":irc.example.com 001 {nick} :Welcome",
                          f":irc.example.com 376 {nick} :End of MOTD.",
                          *(f":a!b@example.com PRIVMSG {nick} :{token}"
                            for token in tokens(count)))

    def mode_xmpp(self, count):
        parser = ElementTree.XMLPullParser(("start", "end"))
        depth = 0
        while octets := self.sock.recv(4096):
            parser.feed(octets)
            for event, element in parser.read_events():
                depth += 1 if event == "start" else -1
                if depth == 1:
                    self.tell(*self.xmpp_answers(element, count))

    @staticmethod
    def xmpp_answers(element, count):
        """To the beginning of a stream, or to a stanza that is whole."""
        tag = element.tag.rpartition("}")[2]
        if tag == "stream":
            yield ("<stream:stream xmlns='jabber:client' xmlns:stream="
                   "'http://etherx.jabber.org/streams' id='1' "
                   "from='example.com'>")
        elif tag == "iq":
            space = element[0].tag[1:].partition("}")[0]
            fields = "<username/><password/><resource/>" * ("auth" in space)
            yield (f"<iq type='result' id='{element.get('id')}'>"
                   f"<query xmlns='{space}'>{fields}</query></iq>")
        elif tag == "presence":
            for token in tokens(count):
                yield ("<message from='b@example.com/b' type='chat'>"
                       f"<body>{token}</body></message>")

    def mode_smtp(self, path):
        self.tell("220 smtp.example.com ESMTP")
        lines = self.lines()
        for line in lines:
            word = line[:4].upper()
            if word == "DATA":
                self.tell("354 go on")
                with open(path, "a", encoding="utf-8") as file:
                    for part in lines:
                        if part == ".":
                            break
                        file.write(part + "\n")
                self.tell("250 taken")
            elif word == "QUIT":
                self.tell("221 bye")
                return
            else:
                self.tell("250 fine")

    def mode_late(self, path):
        time.sleep(2)
        self.mode_smtp(path)

    def mode_pop(self, count):
        text = message(count)
        size = sum(len(line) + 2 for line in text)
        replies = {"STAT": [f"+OK 1 {size}"], "RETR": ["+OK", *text, "."],
                   "LIST": ["+OK", f"1 {size}", "."],
                   "UIDL": ["+OK", "1 one", "."], "TOP": ["+OK", *text, "."],
                   "CAPA": ["+OK", "USER", "UIDL", "."]}
        self.tell("+OK ready")
        for line in self.lines():
            word, *rest = line.upper().split()
            reply = replies.get(word, ["+OK"])
            if word in ("LIST", "UIDL") and rest:
                reply = ["+OK " + reply[1]]
            self.tell(*reply)
            if word == "QUIT":
                return

    def mode_imap(self, count):
        text = "".join(line + "\r\n" for line in message(count))
        self.tell("* OK [CAPABILITY IMAP4rev1] ready")
        for line in self.lines():
            tag, word, *rest = line.split()
            self.imap_command(tag, word.upper(), rest, text)
            if word.upper() == "LOGOUT":
                return

    def imap_command(self, tag, word, rest, text):
        if word == "UID":
            word = rest[0].upper()
        if word == "CAPABILITY":
            self.tell("* CAPABILITY IMAP4rev1")
        elif word in ("LIST", "LSUB"):
            self.tell('* LIST () "/" INBOX' if rest[-1] != '""'
                      else '* LIST (\\Noselect) "/" ""')
        elif word in ("SELECT", "EXAMINE"):
            self.tell("* 1 EXISTS", "* FLAGS (\\Seen)",
                      "* OK [UIDVALIDITY 7] x", "* OK [UIDNEXT 2] x")
        elif word == "SEARCH":
            self.tell("* SEARCH 1")
        elif word == "FETCH":
            if "BODY" in " ".join(rest).upper():
                self.tell(f"* 1 FETCH (UID 1 FLAGS () BODY[] {{{len(text)}}}"
                          f"\r\n{text})")
            else:
                self.tell("* 1 FETCH (UID 1 FLAGS ())")
        elif word == "LOGOUT":
            self.tell("* BYE bye")
        self.tell(f"{tag} OK done")


if __name__ == "__main__":
    if sys.argv[1] == "tokens":
        print("\n".join(tokens(sys.argv[2])))
    else:
        server.main(Connection)

#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""An FTP server of the nineties, by pyftpdlib.

    old-ftpd.py ADDRESS DIRECTORY COMMAND...

Does not know the COMMANDs (EPSV, EPRT, PASV, PORT), but LPSV and LPRT (RFC
1639) for its family.
"""
import logging
import socket
import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, proto_cmds
from pyftpdlib.servers import FTPServer


def numbers(octets):
    return ",".join(str(octet) for octet in octets)


class OldHandler(FTPHandler):
    """LPSV and LPRT on top of what EPSV and EPRT do."""

    answer_long = False

    def respond(self, resp, logfun=logging.getLogger("x").debug):
        if self.answer_long and resp.startswith("229"):
            port = int(resp.split("|||")[1].split("|")[0])
            host = self.socket.getsockname()[0]
            six = ":" in host
            packed = socket.inet_pton(
                socket.AF_INET6 if six else socket.AF_INET, host)
            resp = "228 Entering Long Passive Mode (%s,%s,2,%s)" % (
                "6,16" if six else "4,4", numbers(packed),
                numbers(divmod(port, 256)))
        super().respond(resp, logfun)

    def ftp_LPSV(self, _):
        self.answer_long = True
        self.ftp_EPSV("")
        self.answer_long = False

    def ftp_LPRT(self, line):
        n = [int(word) for word in line.split(",")]
        host = bytes(n[2:2 + n[1]])
        port = n[-2] * 256 + n[-1]
        text = socket.inet_ntop(
            socket.AF_INET6 if n[0] == 6 else socket.AF_INET, host)
        self.ftp_EPRT(f"|{2 if n[0] == 6 else 1}|{text}|{port}|")


def main():
    address, directory, *unknown = sys.argv[1:]
    for name in ("LPSV", "LPRT"):
        proto_cmds[name] = dict(proto_cmds["EPSV" if name == "LPSV"
                                           else "EPRT"])
    for name in unknown:
        del proto_cmds[name]
    users = DummyAuthorizer()
    users.add_anonymous(directory, perm="elradfmwMT")
    OldHandler.authorizer = users
    OldHandler.proto_cmds = proto_cmds
    logging.basicConfig(level=logging.ERROR)
    FTPServer((address, 21), OldHandler).serve_forever()


if __name__ == "__main__":
    main()

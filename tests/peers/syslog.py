#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A syslog daemon and a journal for a test, and the program that logs to it.

    syslog.py FILE COMMAND...

Binds /dev/log and the journal's socket (in a mount namespace with a /dev and
a /run of its own: syslog-dev makes one), writes each datagram to FILE as a
line (of the journal: "journal: FIELD|FIELD|..."), and runs COMMAND until it
ends or this is told to end (SIGTERM); SIGHUP restarts the daemons: the
sockets go away and come back as others.  Ends with COMMAND's status.
"""
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading

SYSLOG = "/dev/log"
JOURNAL = "/run/systemd/journal/socket"
PR_SET_PDEATHSIG = 1


class Daemon:
    """One socket, whose datagrams become lines."""

    def __init__(self, path, out, line):
        self.path = path
        self.out = out
        self.line = line
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.sock = self.bind()
        threading.Thread(target=self.run, daemon=True).start()

    def bind(self):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sock.bind(self.path)
        os.chmod(self.path, 0o666)
        return sock

    def restart(self):
        os.unlink(self.path)
        old = self.sock
        self.sock = self.bind()
        old.shutdown(socket.SHUT_RDWR)

    def run(self):
        while True:
            sock = self.sock
            octets = sock.recv(65536)
            if octets:
                self.out.write(self.line(octets))
            elif sock is not self.sock:
                sock.close()


def syslog_line(octets):
    return octets.rstrip(b"\n\0") + b"\n"


def journal_line(octets):
    return b"journal: " + octets.rstrip(b"\n").replace(b"\n", b"|") + b"\n"


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main():
    out = open(sys.argv[1], "ab", buffering=0)
    daemons = [Daemon(SYSLOG, out, syslog_line),
               Daemon(JOURNAL, out, journal_line)]

    def restart(*_):
        for daemon in daemons:
            daemon.restart()
        out.write(b"syslog: restarted\n")

    signal.signal(signal.SIGHUP, restart)
    child = subprocess.Popen(sys.argv[2:], preexec_fn=die_with_parent)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    sys.exit(child.wait() & 0xff)


if __name__ == "__main__":
    main()

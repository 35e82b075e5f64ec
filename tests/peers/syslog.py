#!/usr/bin/python3
"""A syslog daemon for a test, and the program that logs to it.

    syslog.py FILE COMMAND...

Binds /dev/log (in a mount namespace with a /dev of its own: syslog-dev
makes one), writes each datagram to FILE as a line, and runs COMMAND until it
ends or this is told to end (SIGTERM); SIGHUP restarts the daemon: the socket
goes away and comes back as another one.  Ends with COMMAND's status.
"""
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading

PATH = "/dev/log"
PR_SET_PDEATHSIG = 1


def bind():
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(PATH)
    os.chmod(PATH, 0o666)
    return sock


class Daemon:
    def __init__(self, path):
        self.out = open(path, "ab", buffering=0)
        self.sock = bind()

    def restart(self):
        os.unlink(PATH)
        old = self.sock
        self.sock = bind()
        self.out.write(b"syslog: restarted\n")
        old.shutdown(socket.SHUT_RDWR)

    def run(self):
        while True:
            sock = self.sock
            octets = sock.recv(65536)
            if octets:
                self.out.write(octets.rstrip(b"\n\0") + b"\n")
            elif sock is not self.sock:
                sock.close()


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main():
    daemon = Daemon(sys.argv[1])
    threading.Thread(target=daemon.run, daemon=True).start()
    signal.signal(signal.SIGHUP, lambda *_: daemon.restart())
    child = subprocess.Popen(sys.argv[2:], preexec_fn=die_with_parent)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    sys.exit(child.wait() & 0xff)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: ISC
"""What the program does beside sessions: -t, -T, -e, --index, --check.

COMMANDS has the kinds, as sessions.KINDS has those of sessions.  What fails is
told by a sentence and the exit status; a command that ends as it does where
nothing fails has done and said the same.
"""
import contextlib
import os
import shutil
import subprocess
import tempfile

from place import NAME, make_file
from sessions import (DEADLINE, LIST, OPTIONS, Case, in_background, index_list,
                      release)

INDEX = "/run/index"  # of that list, as it is made where nothing fails


class Command(Case):
    """One command, and what it left."""

    def ask(self, *words, said):
        """Runs it; said: the pattern of what it says then."""
        self.view.wanted = (0, said)
        self.handler.words = words
        self.out = tempfile.TemporaryFile(dir="/run")
        with open("/dev/null", "rb") as nothing:
            self.handler.start(self.options, nothing,
                               self.inherited.fileno(), out=self.out)

    def finish(self, was_reset):
        view = self.view
        view.hangs = not self.handler.wait()
        self.out.seek(0)
        view.said = self.out.read().decode(errors="replace")
        for sock in self.closing:
            release(sock)
        for thread in self.threads:
            thread.join(DEADLINE)
        self.out.close()
        view.text = self.handler.text() + self.place.take()
        view.files = sorted(os.listdir(self.state))
        self.handler.read_report(view)
        self.look_at_index()

    def look_at_index(self):
        """Half of one denies half of what the list has."""
        path = os.path.join(self.state, "list.cdb")
        if not os.path.exists(path) or not os.path.exists(INDEX):
            return
        if os.path.getsize(path) != os.path.getsize(INDEX):
            self.view.wrong = "another index"


def with_files(case):
    """A configuration that reads files of all kinds."""
    listed = case.own_file("list", LIST)
    make_index(case, listed)
    hops = case.own_file("passwords", "alice:secret\n")
    case.options = [option for option in case.options
                    if not option.startswith(("log-level", "allow"))]
    case.options += [f"allow connect to @{listed} at loopback",
                     "allow all to via.test via 127.0.0.1:1081",
                     f"via-password-file 127.0.0.1:1081 {hops}"]


def make_index(case, path):
    """Beside the list, and once for all where commands look for one."""
    if not os.path.exists(INDEX):
        with tempfile.TemporaryDirectory(dir="/run") as directory:
            own = make_file(os.path.join(directory, "list"), LIST)
            index_list(case, own)
            shutil.copy(own + ".cdb", INDEX)
    index_list(case, path)


def test(case):
    with_files(case)
    case.ask("-t", said="built-in defaults: ok\n")


def dump(case):
    with_files(case)
    case.ask("-T", said="auth none\n.*\nallow all to via.test via [^ ]*\n")


def explain(case):
    with_files(case)
    case.ask("-e", "connect", "127.0.0.1", f"{NAME}:80",
             said="allowed -o:8\n::1 allowed .*\n")


def index(case):
    case.options = []
    make_index(case, case.own_file("other", LIST))
    os.unlink(os.path.join(case.state, "other.cdb"))
    listed = case.own_file("list", LIST)
    case.ask("--index", listed,
             said="3 entries, 0 lines not understood\n")


def check(case):
    """A gateway of ours, to which nothing happens, is probed."""
    listener, port = case.listener()
    gate, gate_port = case.listener()

    def run():
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            connection, _ = gate.accept()
            with connection:
                case.handler.run_once(connection,
                                      (*OPTIONS, "log-to stderr"))

    case.threads.append(in_background(run))
    case.options = []
    case.ask("--check", f"127.0.0.1:{gate_port}", f"127.0.0.1:{port}",
             said=r"127\.0\.0\.1:[0-9]+: ok, [0-9]+ ms\n")


COMMANDS = {kind.__name__: kind for kind in (
    test, dump, explain, index, check)}

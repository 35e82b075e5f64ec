# SPDX-License-Identifier: ISC
"""What may be wrong from a session's start on, or happen at any moment of it.

A setting is a text: a word of SETTINGS, or one with a number: `SIGKILL at
0.012', `allocation 7', `allocations from 7'.
"""
import errno
import fcntl
import os
import shutil
import signal
import socket
import struct
import time

from place import (FULL, MS_BIND, NOBODY, READ_ONLY, make_file, mount,
                   unmount)

TABLE = "/run/table"  # one that a session has made
TOP, SLOTS, AN_ID = 60, 4096, 1
STARVE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                      "build", "tests", "probe", "starve.so")


def limited(option):
    """By prlimit(1)."""

    def apply(case):
        case.handler.prefix = ["prlimit", option]

    return apply


def state_in(directory):
    def apply(case):
        case.options = [option for option in case.options
                        if not option.startswith("state-dir")]
        case.options.append(f"state-dir {directory}")

    return apply


def passwords(how):
    """The password file is none."""

    def apply(case):
        path = os.path.join(case.state, "other")
        case.login_file = "other"
        if how == "directory":
            os.mkdir(path)
        elif how == "unreadable":
            make_file(path, "alice:x\n", 0)
        case.undo.append(lambda: None)

    return apply


def covered(path, how):
    """A file of the system is hidden by something that cannot be read."""

    def apply(case):
        other = make_file("/run/covering", "", 0 if how == "unreadable" else
                          0o644)
        if how == "full of zeros":
            with open(other, "wb") as file:
                file.write(bytes(70000))
        mount(other, path, flags=MS_BIND)
        case.undo.append(lambda: unmount(path))

    return apply


def slow_signals(case):
    """As under an emulator, or a tracer of a busy machine."""
    case.handler.environment["SIGNALS_TAKE"] = "2"


def full_log(case):
    case.handler.stderr = open("/dev/full", "wb", 0)
    case.undo.append(case.handler.stderr.close)


def make_table(case):
    """One that is whole; made by a session of its own."""
    path = os.path.join(case.state, "associations")
    if not os.path.exists(TABLE):
        os.mkdir(TABLE)
        os.chown(TABLE, NOBODY, NOBODY)
        a, b = socket.create_server(("127.0.0.1", 0)), None
        with a:
            b = socket.create_connection(a.getsockname())
            ours, _ = a.accept()
        b.close()
        with ours:
            case.handler.run_once(ours, [f"state-dir {TABLE}", "user nobody",
                                         "address-id on"])
    shutil.copy(os.path.join(TABLE, "associations"), path)
    put_entry(path)
    os.chown(path, NOBODY, NOBODY)
    os.chmod(path, 0o600)
    return path


def put_entry(path):
    """Of somebody else, for an hour: nobody waits for an empty table
    (share/layout.h)."""
    now = int(time.monotonic() * 1000)
    with open(path, "r+b") as file:
        file.seek(TOP)
        file.write(struct.pack("=I", 1))
        file.seek(SLOTS)
        file.write(struct.pack("=IIqqqq", AN_ID, 1, now, now, now + 3600000,
                               now))


def locked_table(case):
    """By a process that does not go on: this one."""
    file = open(make_table(case), "r+b")
    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)  # octet 0
    case.undo.append(file.close)


def short_table(case):
    with open(make_table(case), "r+b") as file:
        file.truncate(100)


def foreign_table(case):
    os.chown(make_table(case), 0, 0)


SETTINGS = {
    **{f"{count} descriptors": limited(f"--nofile={count}")
       for count in range(3, 17)},
    **{f"{size} MiB of memory": limited(f"--as={size << 20}")
       for size in (2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 20, 24, 28)},
    "files of nothing": limited("--fsize=0"),
    "files of 100 octets": limited("--fsize=100"),
    "files of 4 KiB": limited("--fsize=4096"),
    "files of 4 MiB": limited(f"--fsize={4 << 20}"),
    "a core of everything": limited("--core=unlimited"),
    "no more processes": limited("--nproc=1"),
    "a stack of 64 KiB": limited("--stack=65536"),
    "no locked memory": limited("--memlock=0"),
    "no pending signals": limited("--sigpending=0"),
    "a full state directory": state_in(FULL),
    "a read-only state directory": state_in(READ_ONLY),
    "no state directory": state_in("/run/none"),
    "a file for a state directory": state_in("/run/hosts"),
    "a foreign state directory": state_in("/run"),
    "a locked table": locked_table,
    "a short table": short_table,
    "a foreign table": foreign_table,
    "no hosts to be read": covered("/etc/hosts", "unreadable"),
    "hosts of zeros": covered("/etc/hosts", "full of zeros"),
    "no resolv.conf to be read": covered("/etc/resolv.conf", "unreadable"),
    "resolv.conf of zeros": covered("/etc/resolv.conf", "full of zeros"),
    "an empty resolv.conf": covered("/etc/resolv.conf", "empty"),
    "no passwd": covered("/etc/passwd", "empty"),
    "a full log": full_log,
    "slow signals": slow_signals,
    "no password file": passwords("none"),
    "a password file not to be read": passwords("unreadable"),
    "a directory for a password file": passwords("directory"),
}
# These concern one kind of session alone.
OF_ONE_KIND = {"no password file": "login",
               "a password file not to be read": "login",
               "a directory for a password file": "login"}
SIGNALS = {number.name: number for number in (
    signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP)}


def arrange(case, setting):
    """Before the session starts."""
    words = setting.split()
    if setting in SETTINGS:
        SETTINGS[setting](case)
    elif words and words[0] in SIGNALS:
        case.handler.traced = False
        case.handler.signal = (SIGNALS[words[0]], float(words[-1]))
    elif words and words[0].startswith("allocation"):
        case.handler.prefix = [
            "env", f"LD_PRELOAD={STARVE}", f"STARVE={words[-1]}",
            *(["STARVE_ALL=1"] if words[0] == "allocations" else [])]
    elif setting == "untraced":
        case.handler.traced = False
    elif setting:
        raise ValueError(setting)

# SPDX-License-Identifier: ISC
"""The handler with a process for each connection, as an inetd has it, and in
the listening mode; and what came of its sessions: records and exit statuses,
by the address of the client, "127.0.0.1:1234" or "[::1]:1234"."""
import collections
import contextlib
import multiprocessing
import os
import re
import select
import signal
import socket
import subprocess
import time

NOBODY = 65534
RECORD = re.compile(r"socks64\[(\d+)\]: ([a-z-]+) client=(\S+)(.*)")

# pid is None in the listening mode, status too.
Session = collections.namedtuple("Session", "result status text")


def text_of(address):
    """As a record has it."""
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def words(handler, options):
    argv = [handler]
    for option in options:
        argv += ["-o", option]
    return argv


def results_of(log):
    """client -> (result, line) of each session's record."""
    found = collections.defaultdict(list)
    log.seek(0)
    for line in log.read().decode(errors="replace").splitlines():
        match = RECORD.search(line)
        if match and match[2] not in ("open", "peer"):
            found[match[3]].append((match[2], line))
    return found


class Inetd:
    """Serves addresses until it is stopped, in a process of its own."""

    def __init__(self, argv, addresses, log):
        self.listeners = [socket.create_server(
            address, backlog=4096,
            family=socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
                          for address in addresses]
        self.argv = argv
        self.log = log
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=self.run,
                                               args=(theirs,), daemon=True)
        self.process.start()
        for listener in self.listeners:
            listener.close()

    def run(self, pipe):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        children, statuses = {}, collections.defaultdict(list)
        watched = [*self.listeners, pipe]
        while True:
            ready, _, _ = select.select(watched, [], [], 0.1)
            for listener in ready:
                if listener is not pipe:
                    self.start(listener, children)
            self.reap(children, statuses)
            if pipe in ready:
                break
        left = self.wait(children, statuses, pipe.recv())
        pipe.send((statuses, left))

    def start(self, listener, children):
        connection, peer = listener.accept()
        with connection:
            connection.setblocking(True)
            copies = [(os.POSIX_SPAWN_DUP2, connection.fileno(), 0),
                      (os.POSIX_SPAWN_DUP2, connection.fileno(), 1),
                      (os.POSIX_SPAWN_DUP2, self.log.fileno(), 2)]
            pid = os.posix_spawn(self.argv[0], self.argv, os.environ,
                                 file_actions=copies)
        children[pid] = text_of(peer)

    @staticmethod
    def reap(children, statuses):
        while children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            statuses[children.pop(pid)].append(
                os.waitstatus_to_exitcode(status))

    def wait(self, children, statuses, seconds):
        """Who is still there after that: they are ended."""
        end = time.monotonic() + seconds
        while children and time.monotonic() < end:
            self.reap(children, statuses)
            time.sleep(0.05)
        left = list(children.values())
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        return left

    def stop(self, patience):
        """client -> Session, and the clients whose process was left."""
        self.pipe.send(patience)
        statuses, left = self.pipe.recv()
        self.process.join()
        records = results_of(self.log)
        return {client: judge(records.get(client, []), some)
                for client, some in statuses.items()}, left


def judge(records, statuses):
    """Each session leaves one record; those of one client, whose port the
    kernel used again, count as one where they agree."""
    status = next(filter(None, statuses), 0 if statuses else None)
    if len({result for result, _ in records}) != 1 or \
            len(records) != len(statuses or records):
        return Session(f"{len(records)} records", status, repr(records))
    return Session(records[0][0], status, records[0][1])


class Listening:
    """A handler in the listening mode."""

    def __init__(self, argv, addresses, log):
        self.log = log
        for address in addresses:
            argv = [*argv, "-l", text_of(address)]
        self.process = subprocess.Popen(
            argv, stderr=log, stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL)
        for address in addresses:
            wait_for_listener(address, self.process)

    def sessions(self):
        """How many processes it has besides parent and gate."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(path, encoding="ascii") as file:
            return len(file.read().split()) - 1

    def stop(self, patience):
        end = time.monotonic() + patience
        while self.sessions() > 0 and time.monotonic() < end:
            time.sleep(0.1)
        left = ["a session"] * self.sessions()
        self.process.terminate()
        status = self.process.wait()
        if status != 0:
            left.append(f"the parent, with status {status}")
        return {client: judge(records, [])
                for client, records in results_of(self.log).items()}, left


def wait_for_listener(address, process):
    """Until somebody accepts there; a probe asks for nothing and is not in
    the log."""
    while process.poll() is None:
        with contextlib.suppress(OSError):
            socket.create_connection(address, 1).close()
            return
        time.sleep(0.05)
    raise SystemExit(f"the handler ended with {process.returncode}")

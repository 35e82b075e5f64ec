#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Faults, injected into sessions of every kind, and judged.

    faults.py [--table FILE] [--share N] [--only KIND[:FAULT]] [--jobs N]
              [--kept FILE] [--results FILE [--again]] INJECT HANDLER...

A session of each kind (sessions.py) is run once to see which system calls it
makes.  Then it is run again for each call and each thing that may happen there
(plans() below): an errno, less than was asked for, a signal, a pause; and with
each thing that may be wrong all along, at any moment or with its memory
(settings.py).  --share N takes every Nth of these alone, the same each time.

Peers behave; what came of a session is judged by rules.py.  One line for each
case that broke a rule; status 1 if there was one.  --table writes what was
injected and what came out into a page (tests/lib/page.py).  Needs root: each
of its processes has namespaces of its own.

--results keeps what came of each case; --again runs only those of that file
that have no result or broke a rule.  --kept FILE runs the cases of that file
alone, a kind and a fault in each line, and each call must have been made.
"""
import argparse
import collections
import concurrent.futures
import errno
import json
import os
import random
import signal
import sys
import time

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "lib"))
import page
import rules
from commands import COMMANDS, Command
from place import Place
from sessions import KINDS, Case, Handler
from settings import OF_ONE_KIND, SETTINGS, SIGNALS

# What a call may plausibly fail with.
ERRORS = {
    "accept4": "EMFILE ENOMEM ECONNABORTED",
    "access": "EACCES",
    "bind": "EADDRINUSE EACCES",
    "brk": "ENOMEM",
    "capget": "EPERM",
    "capset": "EPERM",
    "clone": "EAGAIN ENOMEM",
    "close": "EIO",
    "connect": "ECONNREFUSED ENETUNREACH EADDRNOTAVAIL ENOBUFS",
    "dup2": "EMFILE EBUSY",
    "dup3": "EMFILE EBUSY",
    "execve": "ENOMEM ENOENT",
    "faccessat2": "EACCES",
    "fallocate": "ENOSPC EIO",
    "fcntl": "EINVAL ENOLCK",
    "fork": "EAGAIN",
    "fstat": "EIO",
    "ftruncate": "EIO ENOSPC",
    "getpeername": "ENOTCONN ENOBUFS",
    "getrandom": "ENOSYS EAGAIN",
    "getsockname": "ENOBUFS",
    "getsockopt": "ENOBUFS EINVAL",
    "ioctl": "EINVAL",
    "kill": "EPERM ESRCH",
    "landlock_add_rule": "ENOMEM",
    "landlock_create_ruleset": "ENOSYS ENOMEM",
    "landlock_restrict_self": "E2BIG",
    "linkat": "ENOSPC EPERM",
    "listen": "EADDRINUSE",
    "madvise": "EINVAL ENOMEM",
    "memfd_create": "EMFILE ENOMEM",
    "mkdir": "EACCES",
    "mmap": "ENOMEM",
    "mprotect": "ENOMEM",
    "munmap": "EINVAL",
    "newfstatat": "EIO EACCES",
    "openat": "EACCES EMFILE EIO",
    "pipe2": "EMFILE ENFILE",
    "ppoll": "ENOMEM EINTR",
    "prctl": "EINVAL EPERM",
    "pread64": "EIO",
    "prlimit64": "EPERM",
    "pwrite64": "ENOSPC",
    "read": "EIO",
    "recvfrom": "ENOMEM ECONNRESET ETIMEDOUT",
    "recvmsg": "ENOMEM EAGAIN",
    "rt_sigaction": "EINVAL",
    "seccomp": "ENOMEM EINVAL",
    "sendmsg": "ENOBUFS ECONNREFUSED ENOENT",
    "sendto": "ENOBUFS EPIPE ECONNRESET",
    "setgid": "EPERM",
    "setgroups": "EPERM",
    "setitimer": "EINVAL",
    "setresgid": "EPERM",
    "setresuid": "EAGAIN",
    "setsockopt": "ENOBUFS",
    "setuid": "EAGAIN",
    "shutdown": "ENOTCONN",
    "socket": "EMFILE ENFILE ENOBUFS",
    "socketpair": "EMFILE",
    "splice": "ENOMEM EIO",
    "statx": "EIO",
    "unlinkat": "EACCES",
    "write": "ENOSPC EIO",
    "writev": "EPIPE",
}
# What goes on failing: from each call on, or from the first.
LASTING = {"brk", "mmap", "ppoll"}
LASTING_ALL_ALONG = {"socket", "openat", "seccomp", "setsockopt", "fcntl",
                     "recvfrom", "pipe2", "splice", "clone", "accept4"}
SHORT = {"recvfrom", "sendto", "sendmsg", "read", "pread64", "splice",
         "write"}
PAUSED = {"ppoll", "connect", "sendto", "shutdown", "accept4", "clone"}
PAUSE = 100  # milliseconds
MOMENTS = 25  # of each signal and kind

SCRIPTS = {**KINDS, **COMMANDS}


# ---------------------------------------------------------- one process's

HERE = {}


def take_place():
    """In a process that runs cases."""
    HERE["place"] = Place()


def make_case(kind, program, inject, plan, setting):
    make = Command if kind in COMMANDS else Case
    return make(HERE["place"], kind, Handler(inject, program, plan), setting)


def run_case(kind, program, inject, plan, setting="", usual=()):
    case = make_case(kind, program, inject, plan, setting)
    view = case.run(SCRIPTS[kind])
    view.usual = list(usual)
    view.program = os.path.basename(program)
    view.complaints = rules.judge(view)
    return view


def run_untrusted(job):
    """What the harness itself stumbles over is a complaint, too."""
    try:
        view = run_case(*job)
    except Exception as error:  # pylint: disable=broad-except
        view = rules.View()
        view.kind, view.program = job[0], os.path.basename(job[1])
        view.plan, view.setting = job[3], job[4]
        view.complaints = [f"the harness: {type(error).__name__}: {error}"]
    view.up = view.down = view.client = view.server = b""  # judged already
    return view


def allocations(kind, program, inject):
    """How many there are in such a session: the first that is not reached."""

    def reaches(number):
        case = make_case(kind, program, inject, "", f"allocation {number}")
        said = []
        text_of = case.handler.text
        case.handler.text = lambda: said.append(case.handler.said()) or \
            text_of()
        case.run(SCRIPTS[kind])
        return "starved" in said[0]

    low, high = 1, 2
    while reaches(high):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if reaches(middle) else (low, middle)
    return low


def is_dynamic(program):
    return not program.endswith("-static")


def explore(job):
    """What may happen to sessions of a kind: (plan, setting) of each, or what
    is wrong with one to which nothing happened."""
    kind, program, inject = job
    view = run_case(kind, program, inject, "")
    wanted = rules.EXPECTED.get(kind, {"ok"})
    if kind in COMMANDS:
        wanted = {view.status == 0 and None}
    if view.record not in wanted or view.complaints:
        raise RuntimeError(f"{view.program} {kind}, without a fault: "
                           f"{view.record} {view.complaints} {view.text}")
    took = run_case(kind, program, inject, "", "untraced").took
    found = [(plan, "") for plan in plans(kind, view.calls)]
    found += [("", setting) for setting in SETTINGS
              if OF_ONE_KIND.get(setting, kind) == kind]
    found += [("", setting) for setting in moments(kind, took)]
    if is_dynamic(program) and kind not in rules.SERVICES:
        for number in range(1, allocations(kind, program, inject) + 1):
            found += [("", f"allocation {number}"),
                      ("", f"allocations from {number}")]
    return [(kind, program, inject, plan, setting, view.held if plan else ())
            for plan, setting in found]


# ------------------------------------------------------------------ plans

def plans(kind, calls):
    """Everything that may happen at the calls of a session.  (The kernel cuts
    no datagram short.)"""
    for process, call, nth in calls:
        if int(process) > 2:
            continue  # the next session of a service
        at = f"{call}:{nth}" if process == "0" else f"{process}/{call}:{nth}"
        lasts = call in LASTING or (call in LASTING_ALL_ALONG and nth == "1")
        for word in ERRORS.get(call, "").split():
            yield f"{at}:error={getattr(errno, word)}"
            if lasts and word != "EINTR":
                yield f"{at}:errors={getattr(errno, word)}"
        if call in SHORT and not (
                kind.startswith("udp") and call in ("sendto", "recvfrom")):
            yield f"{at}:short=1"
        for number in (signal.SIGTERM, signal.SIGKILL):
            yield f"{at}:signal={int(number)}"
        if call in PAUSED:
            yield f"{at}:pause={PAUSE}"


def moments(kind, took):
    """Of a session that lasts about so long."""
    chance = random.Random(kind)
    for word in SIGNALS:
        for _ in range(MOMENTS):
            yield f"{word} at {chance.random() * took:.4f}"


def is_chosen(index, options):
    return index % options.share == 0


# ------------------------------------------------------------------ table

def fault_of(view):
    if view.plan:
        how = view.plan.split(":")[2].split("=")
        if how[0] == "signal":
            return f"{signal.Signals(int(how[1])).name} at a call"
        return {"error": "errno", "errors": "errno, and ever after",
                "short": "fewer octets", "pause": "pause"}[how[0]]
    word = view.setting.split()[0]
    if word in SIGNALS:
        return f"{word} at a moment"
    if word in ("allocation", "allocations"):
        return "no memory for " + (
            "an allocation" if word == "allocation" else "any behind one")
    return "limits" if view.setting.split()[-1] in (
        "descriptors", "memory", "nothing", "octets", "KiB", "MiB",
        "everything", "processes", "signals") else "files and directories"


def rows_of(counts, what):
    """counts: (kind, fault, program, outcome); what: which of these."""
    rows = collections.defaultdict(collections.Counter)
    for key, count in counts.items():
        rows[key[what]][key[3]] += count
    return rows


def table_of(title, rows):
    outcomes = sorted({outcome for row in rows.values() for outcome in row})
    yield f"| {title} | cases | " + " | ".join(outcomes) + " |"
    yield "| --- " * (len(outcomes) + 2) + "|"
    for name, row in sorted(rows.items()):
        yield (f"| {name} | {sum(row.values())} | " +
               " | ".join(str(row[o] or "") for o in outcomes) + " |")
    yield ""


def write_table(options, results):
    counts, share = results.counts(), options.share
    lines = [page.heading("make faults." if share == 1 else
                          f"make faults FAULTS={share}: one of {share} "
                          "faults."), ""]
    for what, title in enumerate(("session", "fault", "program")):
        lines += table_of(title, rows_of(counts, what))
    mended = len(results.kept) - results.before if results.before else 0
    lines += [f"{len(results.kept)} cases in {results.seconds:.0f} s; " +
              (f"{mended} of them once more; " if mended else "") +
              f"{results.broken()} broke a rule."]
    page.replace(options.table, "faults", "\n".join(lines))


# ---------------------------------------------------------------- results

class Results:
    """What came of each job, in a file of lines if there is a path."""

    def __init__(self, path, again):
        self.jobs = []
        self.kept = {}
        self.seconds = 0.0
        if again:
            self.read(path)
        self.file = open(path or os.devnull, "w", encoding="ascii")
        self.before = len(self.kept)

    def read(self, path):
        with open(path, encoding="ascii") as file:
            self.jobs = [tuple(job) for job in json.loads(file.readline())]
            for line in file:
                if line.startswith("{"):
                    self.seconds += json.loads(line)["seconds"]
                    continue
                number, result = json.loads(line)
                if not result[4]:
                    self.kept[number] = result

    def begin(self, jobs):
        """Returns those that are to be run, as (number, job)."""
        self.jobs = self.jobs or jobs
        print(json.dumps(self.jobs), file=self.file)
        for number, result in self.kept.items():
            self.write(number, result)
        return [(number, job) for number, job in enumerate(self.jobs)
                if number not in self.kept]

    def write(self, number, result):
        print(json.dumps([number, result]), file=self.file, flush=True)

    def add(self, number, view):
        self.kept[number] = [view.kind, fault_of(view), view.program,
                             view.record or "none", view.complaints]
        self.write(number, self.kept[number])

    def end(self, seconds):
        self.seconds += seconds
        print(json.dumps({"seconds": self.seconds}), file=self.file,
              flush=True)

    def counts(self):
        return collections.Counter(tuple(result[:4])
                                   for result in self.kept.values())

    def broken(self):
        return sum(bool(result[4]) for result in self.kept.values())


# ------------------------------------------------------------------ main

def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--table")
    parser.add_argument("--share", type=int, default=1)
    parser.add_argument("--only")
    parser.add_argument("--kept")
    parser.add_argument("--results")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--jobs", type=int, default=10 * os.cpu_count())
    parser.add_argument("inject")
    parser.add_argument("handlers", nargs="+")
    return parser.parse_args()


def kept_of(options):
    """The cases of a file: KIND FAULT."""
    with open(options.kept, encoding="ascii") as file:
        words = [line.split(None, 1) for line in file
                 if line.strip() and not line.startswith("#")]
    for program in options.handlers:
        for kind, fault in words:
            plan = fault.strip() if ":" in fault else ""
            yield (kind, program, options.inject, plan,
                   "" if plan else fault.strip(), ())


def jobs_of(pool, options):
    if options.again:
        return []
    if options.kept:
        return list(kept_of(options))
    only, _, part = (options.only or "").partition(":")
    kinds = [(kind, program, options.inject) for program in options.handlers
             for kind in SCRIPTS if only in ("", kind)]
    found = [job for jobs in pool.map(explore, kinds) for job in jobs]
    return [job for i, job in enumerate(found)
            if is_chosen(i, options) and (part in job[3] or part in job[4])]


def was_made(view):
    """The call of the plan."""
    at = view.plan.split("/")[-1].split(":")[:2]
    return not view.plan or at in [list(call[1:]) for call in view.calls]


def complain(view):
    print(f"{view.program} {view.kind} {view.plan or view.setting}: "
          f"{'; '.join(view.complaints)} (stage {view.stage}, REP {view.rep}, "
          f"record {view.record}, status {view.status}) "
          f"{view.text[-3000:]!r}", flush=True)


def main():
    options = arguments()
    began = time.monotonic()
    results = Results(options.results, options.again)
    with concurrent.futures.ProcessPoolExecutor(
            options.jobs, initializer=take_place) as pool:
        jobs = results.begin(jobs_of(pool, options))
        views = pool.map(run_untrusted, [job for _, job in jobs])
        for (number, _), view in zip(jobs, views):
            if options.kept and not was_made(view):
                view.complaints.append("the call was not made")
            results.add(number, view)
            if view.complaints:
                complain(view)
    results.end(time.monotonic() - began)
    broken = results.broken()
    print(f"{len(results.kept)} cases in {results.seconds:.0f} s, "
          f"{broken} broken")
    if options.table:
        write_table(options, results)
    sys.exit(broken != 0)


main()

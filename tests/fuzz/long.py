#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Many executions of fuzz targets, in pieces, and a table of what came of it.

    long.py [--prefix COMMAND] --runs N --page FILE DIRECTORY 'TARGET CORPUS...'...

Each TARGET, a program of libFuzzer, gets a share of the N executions: as many
as its speed says, so that all take the same time.  A piece lasts a minute at
most and is a process of its own, begun by COMMAND; DIRECTORY keeps what the
pieces found and how far they came, so that a run that was stopped (SIGTERM)
goes on where it was.  The table goes between two marks of the page.
"""
import argparse
import json
import os
import re
import resource
import shlex
import signal
import subprocess
import sys

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "lib"))
import page

TRIAL_SECONDS, PIECE_SECONDS, CRASHES_MAX = 2, 60, 5
TRIAL_PREFIX = ["nice", "-n", "15"]
FLAGS = ["-timeout=25", "-rss_limit_mb=4096", "-max_len=4096",
         "-print_final_stats=1", "-verbosity=1"]


class Target:
    """One target: its program, its corpora, and what is known of it."""

    def __init__(self, words, directory):
        self.program, *self.seeds = words.split()
        self.name = os.path.basename(self.program)
        self.directory = directory
        self.corpus = os.path.join(directory, self.name)
        self.known = {"executions": 0, "seconds": 0, "crashes": 0,
                      "coverage": 0, "features": 0}

    def command(self, seconds, runs):
        return [self.program, *FLAGS, f"-max_total_time={seconds}",
                f"-runs={runs}",
                f"-artifact_prefix={self.directory}/{self.name}-",
                self.corpus, *self.seeds]

    def run(self, prefix, seconds, runs):
        """One piece, and what its output says."""
        os.makedirs(self.corpus, exist_ok=True)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [*prefix, *self.command(seconds, runs)], check=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        text = done.stderr.decode("utf-8", "replace")
        known = self.known
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        known["seconds"] += after.ru_utime - before.ru_utime + \
            after.ru_stime - before.ru_stime
        known["executions"] += number(
            r"stat::number_of_executed_units:\s*(\d+)", text)
        known["coverage"] = max(known["coverage"], number(
            r"cov: (\d+) ft:", text))
        known["features"] = max(known["features"], number(
            r" ft: (\d+) ", text))
        if done.returncode != 0:
            known["crashes"] += 1
            print(f"{self.name}: status {done.returncode}\n{text[-3000:]}",
                  flush=True)

    def speed(self):
        return self.known["executions"] / max(self.known["seconds"], 0.1)


def number(pattern, text):
    """The last one; 0: there is none."""
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


class State:
    """What is kept from piece to piece."""

    def __init__(self, directory, targets):
        self.path = os.path.join(directory, "state.json")
        self.targets = targets
        self.shares = {}
        if os.path.exists(self.path):
            with open(self.path, encoding="ascii") as file:
                kept = json.load(file)
            self.shares = kept["shares"]
            for target in targets:
                target.known = kept["known"].get(target.name, target.known)

    def keep(self):
        with open(self.path + ".new", "w", encoding="ascii") as file:
            json.dump({"shares": self.shares, "known": {
                t.name: t.known for t in self.targets}}, file)
        os.rename(self.path + ".new", self.path)

    def share_out(self, runs):
        speeds = {t.name: t.speed() for t in self.targets}
        total = sum(speeds.values())
        self.shares = {name: int(runs * speed / total) + 1
                       for name, speed in speeds.items()}

    def left(self, target):
        if target.known["crashes"] >= CRASHES_MAX:
            return 0
        return self.shares[target.name] - target.known["executions"]


def run_all(state, prefix, runs):
    if not state.shares:
        for target in state.targets:
            target.run(TRIAL_PREFIX, TRIAL_SECONDS, -1)
        state.share_out(runs)
        state.keep()
    while any(state.left(target) > 0 for target in state.targets):
        for target in state.targets:
            if state.left(target) > 0:
                target.run(prefix, PIECE_SECONDS, state.left(target))
                state.keep()


def table(targets, runs):
    """The lines between the marks."""
    yield page.heading(
        f"make fuzz-long RUNS={runs}, of which "
        f"{sum(t.known['executions'] for t in targets)} were made.\n")
    yield "| target | executions | processor seconds | edges | features | crashes |"
    yield "| --- " * 6 + "|"
    total = {key: sum(t.known[key] for t in targets)
             for key in targets[0].known}
    rows = [(t.name, t.known) for t in targets] + [("all", total)]
    for name, known in rows:
        yield (f"| {name} | {known['executions']} | {known['seconds']:.0f} | "
               f"{known['coverage']} | {known['features']} | "
               f"{known['crashes']} |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--prefix", default="nice -n 15")
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--page")
    parser.add_argument("directory")
    parser.add_argument("targets", nargs="+")
    options = parser.parse_args()
    targets = [Target(word, options.directory) for word in options.targets]
    os.makedirs(options.directory, exist_ok=True)
    state = State(options.directory, targets)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run_all(state, shlex.split(options.prefix), options.runs)
    except KeyboardInterrupt:
        state.keep()
    lines = list(table(targets, options.runs))
    print("\n".join(lines))
    if options.page:
        page.replace(options.page, "fuzz-long", "\n".join(lines))
    sys.exit(any(target.known["crashes"] for target in targets))


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: ISC
"""What a unit costs under a real systemd (tests/systemd-sandbox): from
connect(2) to the answer to the greeting, one connection after the other, and
the CPU of systemd and of the sessions."""

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time

CONNECTS = 200
TURNS = 7

FIRST_ANSWER = """
import socket, statistics, time
times = []
for _ in range(%d):
    start = time.perf_counter()
    with socket.create_connection(("127.0.0.1", 1080)) as s:
        s.sendall(b"\\5\\1\\0")
        assert s.recv(2) == b"\\5\\0"
    times.append(time.perf_counter() - start)
print(statistics.median(times) * 1000)
"""

BARE_UNIT = """
[Unit]
CollectMode=inactive-or-failed
[Service]
ExecStart=/usr/local/sbin/socks64-handler
User=socks64
"""
UNITS = {  # how each is set up, one after the other
    "a bare unit": f"echo '{BARE_UNIT}' >socks64@.service",
    "socks64@.service": "rm socks64@.service",
    "with hardened.conf": "mkdir socks64@.service.d && cp "
                          "/usr/local/share/doc/socks64-handler/examples/"
                          "hardened.conf socks64@.service.d",
}

# Each by itself on top of the unit; several lines are one wall.
DIRECTIVES = (
    "", "AmbientCapabilities=", "SupplementaryGroups=",
    "KeyringMode=private", "RemoveIPC=yes", "DevicePolicy=closed",
    "IPAddressDeny=any\nIPAddressAllow=0.0.0.0/0 ::/0",
    "PrivateUsers=yes", "PrivateIPC=yes", "PrivateMounts=yes",
    "SystemCallArchitectures=native",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
    "RestrictNamespaces=yes", "RestrictRealtime=yes", "RestrictSUIDSGID=yes",
    "LockPersonality=yes", "MemoryDenyWriteExecute=yes", "ProtectClock=yes",
    "ProtectHostname=yes", "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "SystemCallFilter=~@clock @debug @module @mount @raw-io @reboot @swap "
    "@cpu-emulation @obsolete",
    "ProtectSystem=strict\nReadWritePaths=-/run/socks64",
    "ProtectHome=yes", "PrivateTmp=yes", "PrivateDevices=yes",
    "ProtectProc=invisible", "ProtectControlGroups=yes",
    "ProtectKernelTunables=yes",
)


class System:
    """A systemd with our units installed, at `place`."""
    sandbox = os.path.join("tests", "systemd-sandbox")

    def __init__(self, place):
        self.place = place
        self.inside("make", "-s", "-C", "/src", "-o", "all", "install")
        self.inside("systemctl", "start", "socks64.socket")

    def inside(self, *command):
        return subprocess.run([self.sandbox, "exec", self.place, *command],
                              text=True, stdout=subprocess.PIPE,
                              check=True).stdout

    def change(self, command):
        self.inside("sh", "-c", "cd /etc/systemd/system && "
                    f"{command} && systemctl daemon-reload")

    def ticks(self):
        """Of pid 1 and of all that it reaped, once no session is left."""
        while self.inside("systemctl", "list-units", "--all", "--plain",
                          "--no-legend", "socks64@*"):
            time.sleep(0.1)
        return sum(map(int, self.inside("cat",
                                        "/proc/1/stat").split()[13:17]))

    def measure(self):
        """The first answer and the CPU of a connection, milliseconds."""
        before = self.ticks()
        took = float(self.inside(sys.executable, "-c",
                                 FIRST_ANSWER % CONNECTS))
        cpu = (self.ticks() - before) * 1000 / os.sysconf("SC_CLK_TCK")
        return took, cpu / CONNECTS

    def score(self):
        """What `systemd-analyze security` says of the unit."""
        said = self.inside("systemd-analyze", "security", "--no-pager",
                           "socks64@score.service")
        return said.split("Overall exposure level for")[1].split(":")[1].split(
            )[0]


@contextlib.contextmanager
def booted():
    """A System, or None where this machine cannot have one."""
    if subprocess.run([System.sandbox, "check"],
                      check=False).returncode != 0:
        yield None
        return
    with tempfile.TemporaryDirectory() as directory:
        place = os.path.join(directory, "systemd")
        subprocess.run([System.sandbox, "up", place, f"{os.getcwd()}:/src"],
                       check=True)
        try:
            yield System(place)
        finally:
            subprocess.run([System.sandbox, "down", place], check=True)


def print_units():
    with booted() as system:
        if system is None:
            return
        print(f"{CONNECTS} connections under systemd, milliseconds\n"
              f"  {'':26} {'first answer':>12} {'CPU each':>12}")
        for name, command in UNITS.items():
            system.change(command)
            took, cpu = system.measure()
            print(f"  {name:26} {took:12.1f} {cpu:12.1f}")


def print_directives():
    """In turns, so that what else the machine does is dear for all; a row is
    the median of what each turn adds to the unit of that turn."""
    with booted() as system:
        if system is None:
            return
        rows = {lines: [] for lines in DIRECTIVES}
        scores = {}
        for _ in range(TURNS):
            for lines in DIRECTIVES:
                system.change(
                    "mkdir -p socks64@.service.d && printf '[Service]\\n"
                    f"{lines}\\n' >socks64@.service.d/one.conf")
                rows[lines].append(system.measure())
                scores[lines] = scores.get(lines) or system.score()
    print("a directive on top of socks64@.service, milliseconds more\n"
          f"  {'':40} {'first answer':>12} {'CPU each':>9} {'score':>6}")
    for lines, turns in rows.items():
        took, cpu = (statistics.median(
            turn[i] - plain[i] for turn, plain in zip(turns, rows[""]))
                     for i in (0, 1))
        name = lines.split("\n")[0][:40] or "(the unit itself)"
        print(f"  {name:40} {took:12.2f} {cpu:9.2f} {scores[lines]:>6}")

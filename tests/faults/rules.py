# SPDX-License-Identifier: ISC
"""What must hold of a session, whatever failed in it.

Each rule looks at a View and says what is wrong, or None.  rules.py run by
itself shows that each can fail.
"""
import collections
import errno
import re
import signal
import sys

# Of a session whose peers behave, the record may not blame them.
BLAMES = {"auth-failed", "bad-request", "not-socks", "bad-proxy-header",
          "handshake-timeout", "denied"}
# Nor any peer for what this host lacks.
OUR_WANT = [f"={number}" for number in (errno.ENOMEM, errno.ENOBUFS,
                                        errno.EMFILE, errno.ENFILE)]
OF_CONNECTIONS = {"recvfrom", "recvmsg", "sendto", "sendmsg", "splice",
                  "ppoll", "socket"}
BLAMES_PEERS = {"client-gone", "reset", "upstream-failed"}
SERVED = {"ok", "reset", "timeout", "stopped", "error"}
EXPECTED = {"refused": {"denied"}, "idle": {"timeout"},
            "unreached": {"connect-failed"}}
# A service and its sessions are several processes: one status for all.
SERVICES = ("listening", "wait")
# A unix-domain socket knows no reset but of what was not read.
OF_UNIX_CLIENTS = ("proxied-unix", "unix-client")
# Who has the table's lock and stops is waited for a second in all, a tick of a
# millisecond at a time, by who needs the table; by others a tenth of that.
NEED_THE_TABLE = ("associate", "by-id", "bind", "bind-name", "ftp-translated",
                  "ftp-watched", "ftp-active")
TICKS, TICKS_OF_NEED = 120, 1020
# What the program opens, by its descriptors at the end.
KNOWN = re.compile(
    r"socket:|pipe:|/dev/(null|urandom|full|pts/)|/etc/(hosts|resolv.conf)|"
    r"/run/(hosts|resolv.conf|full|read-only)|/proc/[0-9]+/net/(ipv6_)?route|"
    r"/run/faults-[^/]+(/(associations|passwords|inherited|other|list(\.cdb)?))?$|"
    r"/memfd:socks64-sessions|anon_inode:|.*\(deleted\)$")


class View:
    """What was seen of one session."""

    def __init__(self):
        self.kind = ""
        self.stage = ""        # how far the client came, as it sees it
        self.rep = None        # of the last reply
        self.client = b""      # what it got behind that
        self.client_end = ""   # fin, reset, open
        self.server = None     # what the server got; None: nobody came
        self.server_end = ""
        self.up = b""          # what was meant to arrive there
        self.down = b""        # and here
        self.plan = ""         # a call and what happened there
        self.setting = ""      # or what holds all along
        self.status = None     # of the exit; minus the signal
        self.record = None     # its result
        self.records = 0
        self.text = ""
        self.hangs = False
        self.files = []
        self.calls = []        # (process, name, nth)
        self.held = []         # descriptors at the end, by their targets
        self.usual = []        # where nothing happens
        self.next = ""         # how the next session of a service ended
        self.took = 0.0        # seconds
        self.wrong = ""        # what a peer saw that nobody sent
        self.wanted = None     # of a command: its status, the pattern of what
                               # it says then
        self.said = ""         # on standard output


def is_cut(got, whole, end):
    """Octets are missing, and the end says that all was there."""
    return (got is not None and whole is not None and end == "fin" and
            len(got) < len(whole))


def was_sent(view, number):
    """Such a signal."""
    return (view.plan.endswith(f"signal={int(number)}") or
            view.setting.startswith(signal.Signals(number).name))


def killed(view):
    """A command is ended by SIGTERM, too."""
    return was_sent(view, signal.SIGKILL) or (
        view.wanted is not None and was_sent(view, signal.SIGTERM))


def call_of(view):
    """The call of the plan, without its process."""
    return view.plan.split(":")[0].split("/")[-1]


def of_the_log(view):
    """Was it the record's own call that failed, or one that looks whether
    there is a log?"""
    if view.setting in ("files of nothing", "files of 100 octets",
                        "a full log"):
        return True
    if view.kind.startswith(("to-", "systemd")) and (
            view.setting.endswith(("descriptors", "memory")) or
            view.setting.startswith("allocation")):
        return True
    if view.kind.startswith(("to-", "systemd")) and call_of(view) in (
            "sendto", "sendmsg", "socket", "access", "connect", "fstat",
            "getpid", "getsockopt", "faccessat2", "setsockopt", "dup2", "openat", "close"):
        return True
    # Standard error is looked at first of all.
    if view.plan.split(":")[:2] in (["fcntl", n] for n in "123"):
        return True
    return call_of(view) in ("write", "setitimer", "newfstatat")


def of_lingering(view):
    return call_of(view) == "setsockopt"


def is_service(view):
    return view.kind in SERVICES


def came_early(view):
    """A signal that came before main() did: one that was sent, or the kernel's
    where there is no room for the program."""
    return (view.status is not None and view.status < 0 and view.setting and
            view.rep is None and not view.calls and not view.text.strip() and
            (view.setting.endswith("memory") or
             was_sent(view, signal.SIGTERM)))


def ends(view):
    if view.hangs:
        return "it hangs"
    if came_early(view):
        return None
    if view.status is not None and view.status < 0 and not killed(view):
        return f"killed by signal {-view.status}"
    return None


def says(view):
    if killed(view) or of_the_log(view) or view.hangs or came_early(view):
        return None
    if view.records > 1:
        return f"{view.records} records"
    if is_service(view) and view.rep is None:
        return None
    if view.record is None and view.status in (0, None) and (
            view.wanted is None):
        return "no record"
    if not view.text.strip() + view.said.strip():
        return f"status {view.status}, and it says nothing"
    return None


def agrees(view):
    if killed(view) or of_the_log(view) or view.record is None or view.hangs:
        return None
    if not is_service(view) and (view.record == "error") != (
            view.status == 71):
        return f"record {view.record}, status {view.status}"
    if view.rep == 0 and view.record not in SERVED:
        return f"the client was told of success, the record says {view.record}"
    if view.rep and view.record in ("ok", "reset"):
        return f"the client was refused, the record says {view.record}"
    return None


def is_whole(view):
    if view.record != "ok" or view.up is None:
        return None
    if view.server is not None and view.server != view.up:
        return f"ok, and the server got {len(view.server)} of {len(view.up)}"
    if view.rep == 0 and view.down and view.client != view.down:
        return f"ok, and the client got {len(view.client)} of {len(view.down)}"
    return None


def is_true(view):
    """No octets in the wrong place."""
    if view.wrong:
        return view.wrong
    if view.up and view.server and not view.up.startswith(view.server):
        return "other octets at the server"
    if view.rep == 0 and view.down and not view.down.startswith(view.client):
        return "other octets at the client"
    return None


def looks_cut(view):
    """What is cut does not look whole."""
    if of_lingering(view):
        return None
    if is_cut(view.server, view.up, view.server_end) and view.client_end:
        if view.rep == 0 or view.server:
            return "what was cut looks whole to the server"
    if view.kind in OF_UNIX_CLIENTS:
        return None
    if view.rep == 0 and is_cut(view.client, view.down, view.client_end):
        return "what was cut looks whole to the client"
    return None


def blames_nobody(view):
    wanted = EXPECTED.get(view.kind, set())
    if view.record in BLAMES - wanted:
        return f"the record blames the client: {view.record}"
    return None


def blames_no_peer(view):
    """For what this host lacks, or for a file that cannot be read."""
    ours = view.plan.startswith("pread64:") and ":error" in view.plan or (
        call_of(view) in OF_CONNECTIONS and
        any(view.plan.endswith(want) for want in OUR_WANT))
    if ours and view.record in BLAMES_PEERS:
        return f"the record blames a peer: {view.record}"
    return None


def answers(view):
    """A client that waits for a reply has one; but SIGTERM gives none, and a
    reset may destroy it."""
    if view.stage != "request" or view.rep is not None or view.hangs or (
            view.client_end != "fin"):
        return None
    if view.record in (None, "client-gone", "stopped") or killed(view) or (
            call_of(view) in ("sendto", "setsockopt")):
        return None
    # Behind an ADDRESS ASSOCIATE a client may leave.
    if view.record == "ok" and view.plan.startswith("recvfrom:"):
        return None
    return "the client has no reply"


def stops_for_sigterm(view):
    if view.record == "stopped" and not was_sent(view, signal.SIGTERM):
        return "stopped, though nobody sent SIGTERM"
    return None


def leaves_nothing(view):
    left = [file for file in view.files
            if file not in ("associations", "passwords", "inherited",
                            "other", "list", "list.cdb")]
    # The next one takes that one away.
    if left == ["list.cdb.next"] and (
            call_of(view) in ("rename", "linkat") or " at " in view.setting):
        return None
    if left and call_of(view) != "unlinkat":
        return f"left behind: {left}"
    return None


def holds_nothing(view):
    """Descriptors that it has no use for."""
    if call_of(view) == "close" or of_the_log(view) or view.wanted:
        return None
    strange = [target for target in view.held if not KNOWN.match(target) or
               (target.endswith("/inherited") and view.record)]
    if strange:
        return f"holds {strange}"
    more = collections.Counter(kinds_of(view.held))
    more.subtract(kinds_of(view.usual) or kinds_of(view.held))
    if view.record == "ok" and view.rep == 0 and not is_service(view) and (
            max(more.values(), default=0) > 0):
        return f"holds {+more} more than usual"
    return None


def kinds_of(targets):
    """Without what differs from session to session."""
    return [re.sub(r"\d+|faults-[^/]+", "N", target) for target in targets]


def serves_the_next(view):
    """A service that goes on serves whoever comes next."""
    if not is_service(view) or view.hangs or view.status != 0:
        return None
    if view.plan.startswith("getsockopt:"):
        return None  # is it a listener? no: another process may be
    for_ever = ":errors=" in view.plan and not view.plan.startswith("2/")
    ended = was_sent(view, signal.SIGTERM) and "/" not in view.plan
    if view.next != "ok" and not for_ever and not ended:
        return f"the next session: {view.next or 'none'}"
    return None


def waits_little(view):
    """For the table's lock; each try of a session is a call."""
    if view.setting != "a locked table":
        return None
    tries = max(collections.Counter(
        number for number, call, *_ in view.calls
        if call == "fcntl").values(), default=0)
    limit = TICKS_OF_NEED if view.kind in NEED_THE_TABLE else TICKS
    return f"{tries} tries at the table's lock" if tries > limit else None


def does_it(view):
    """A command that ends as it does where nothing fails."""
    if view.wanted is None or view.status != view.wanted[0]:
        return None
    if view.kind == "check" and re.match(r"sendto:\d+:error", view.plan):
        return "it checked what it could not send"
    if not re.fullmatch(view.wanted[1], view.said, re.DOTALL):
        return f"ends with {view.status} and says {view.said!r}"
    return None


RULES = (ends, says, agrees, is_whole, is_true, looks_cut, blames_nobody,
         blames_no_peer, answers, stops_for_sigterm, leaves_nothing,
         holds_nothing, serves_the_next, waits_little, does_it)


def judge(view):
    return [complaint for complaint in (rule(view) for rule in RULES)
            if complaint]


# ------------------------------------------------------ rules can fail

def right(**fields):
    """A session in which all is right, but for these."""
    view = View()
    view.__dict__.update(
        {"kind": "connect", "stage": "relay", "rep": 0, "client": b"down",
         "client_end": "fin", "server": b"up", "server_end": "fin",
         "up": b"up", "down": b"down", "status": 0, "record": "ok",
         "records": 1, "text": "ok", "files": ["associations"],
         "held": ["socket:[1]", "pipe:[2]", "/run/faults-x/associations"],
         "usual": ["socket:[7]", "pipe:[8]", "/run/faults-y/associations"],
         "plan": "read:1:error=5"})
    view.__dict__.update(fields)
    return view


WRONG = (
    (ends, {"hangs": True}),
    (ends, {"status": -11}),
    (says, {"record": None, "records": 0}),
    (says, {"records": 2}),
    (says, {"status": 78, "record": None, "records": 0, "text": ""}),
    (agrees, {"record": "error"}),
    (agrees, {"status": 71}),
    (agrees, {"record": "connect-failed"}),
    (agrees, {"rep": 1}),
    (is_whole, {"server": b"u"}),
    (is_whole, {"client": b"dow"}),
    (is_true, {"server": b"UP"}),
    (is_true, {"client": b"down!"}),
    (is_true, {"wrong": "another datagram"}),
    (looks_cut, {"record": "reset", "client": b"d"}),
    (looks_cut, {"record": "reset", "server": b"u"}),
    (looks_cut, {"plan": "ppoll:2:signal=9", "status": -9, "record": None,
                 "records": 0, "client": b"d"}),
    (blames_nobody, {"record": "auth-failed", "rep": None}),
    (blames_no_peer, {"record": "client-gone", "rep": None,
                      "plan": "recvfrom:1:error=12"}),
    (answers, {"record": "error", "status": 71, "rep": None,
               "stage": "request"}),
    (does_it, {"wanted": (0, "done\n"), "said": "do"}),
    (stops_for_sigterm, {"record": "stopped"}),
    (leaves_nothing, {"files": ["associations", "associations.x1"]}),
    (holds_nothing, {"held": ["/run/x/inherited"]}),
    (holds_nothing, {"held": ["/etc/shadow"]}),
    (holds_nothing, {"held": ["socket:[1]"] * 2, "usual": ["socket:[7]"]}),
    (serves_the_next, {"kind": "listening", "next": "reset"}),
    (waits_little, {"plan": "", "setting": "a locked table",
                    "calls": [("0", "fcntl", "1")] * 300}),
)


def show():
    """Status 1 where a rule lets pass what it is for."""
    wrong = [f"complains of nothing: {judge(right())}"] if judge(
        right()) else []
    for rule, fields in WRONG:
        if not rule(right(**fields)):
            wrong.append(f"{rule.__name__} lets pass {fields}")
    shown = {rule for rule, _ in WRONG}
    wrong += [f"{rule.__name__} was not shown to fail" for rule in RULES
              if rule not in shown]
    print("\n".join(wrong) or f"{len(RULES)} rules, {len(WRONG)} breaches")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    show()

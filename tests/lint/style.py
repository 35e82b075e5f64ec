#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""What a machine can see of our style in C sources.

    style.py FILE...

Prints FILE:LINE: what, status 1 if there was anything.  Checked: lines of 79
columns; functions of 50 lines and four parameters; banned functions; gotos
other than to out; assignments in conditions; a comment that opens each file;
header guards; names at column 0.  Rows of a static const table count for no
line of a function.
"""
import os
import re
import sys

SPDX = r"/\* SPDX-License-Identifier: ISC \*/\n"
COLUMNS = 79
FUNCTION_LINES = 50
PARAMETERS = 4

# function: why not.
BANNED = {
    "strcpy": "no length", "strcat": "no length", "sprintf": "no length",
    "vsprintf": "no length", "stpcpy": "no length", "strncpy": "no NUL",
    "strncat": "its length is not what it seems",
    "sscanf": "wraps on overflow", "fscanf": "wraps on overflow",
    "scanf": "wraps on overflow", "atoi": "no errors", "atol": "no errors",
    "atof": "no errors", "strtok": "hidden state", "gets": "no length",
    "alloca": "the peer sizes the stack", "system": "a shell",
    "popen": "a shell", "inet_addr": "use address_parse",
    "inet_aton": "use address_parse", "gethostbyname": "use net/resolve",
    "getaddrinfo": "NSS does not fit into a sandbox",
    "signal": "use sigaction", "longjmp": "no way back",
    "setjmp": "no way back", "rand": "guessable", "srand": "guessable", "random": "guessable",
    "tmpnam": "a race", "mktemp": "a race",
}
PRINTF = ("printf", "fprintf", "dprintf", "snprintf", "vsnprintf",
          "vfprintf", "vprintf", "asprintf", "perror", "puts", "fputs")
HEAP = ("malloc", "calloc", "realloc", "reallocarray", "strdup", "strndup")
# Where what is banned elsewhere is at home.
HEAP_ROOMS = ("policy/", "lib/socks64.c")
# Of command/ and sandbox/: in a child of -t.
EXIT_FILES = ("session/session.c", "socks64-handler.c", "lib/socks64.c",
              "command/costs.c", "command/rehearse.c", "sandbox/sandbox.c",
              "service/renew.c")
# Where a whole program ends without an end of the process.
JUMP_FILES = ("tests/fuzz/machine/kernel.c",)
RESOLVER_FILES = ("lib/gateway.c", "tests/client/calls.c",
                  "tests/client/datagrams.c", "tests/client/fetch.c",
                  "tests/bench/connections.c")
# Signatures that are libc's.
LIBC_PREFIX = "hook_"
# Built and run on the way, never installed.
TOOLS = ("sandbox/generate.c", "tests/")

# What a driver of tests may do with texts of its own.
FOR_TOOLS = ("sscanf", "strtok", "atoi", "atol")

# Contracts that need more than four: function, why.
MANY_PARAMETERS = {
    "conclude_octets": "c-ares calls it",
    "server_option": "c-ares calls it",
    "server_connect_ex": "c-ares calls it",
    "server_send_ex": "c-ares calls it",
    "server_receive": "c-ares calls it",
}

KEYWORDS = ("if", "for", "while", "switch", "return", "sizeof", "else")


def blank(text):
    """Comments and string contents become blanks; lines stay lines."""
    pattern = re.compile(
        r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'",
        re.DOTALL)

    def replace(match):
        found = match.group(0)
        if found[0] in "\"'":
            return found[0] + " " * (len(found) - 2) + found[0]
        return re.sub(r"[^\n]", " ", found)

    return pattern.sub(replace, text)


def width(line):
    return len(line.expandtabs(8))


class Source:
    def __init__(self, path):
        self.path = path
        with open(path, encoding="utf-8") as file:
            self.text = file.read()
        self.code = blank(self.text)
        self.lines = self.text.splitlines()
        self.code_lines = self.code.splitlines()
        self.is_tool = path.startswith(TOOLS)
        self.found = 0

    def say(self, number, what):
        self.found += 1
        print(f"{self.path}:{number}: {what}")

    def line_of(self, offset):
        return self.code.count("\n", 0, offset) + 1

    def check(self):
        self.check_columns()
        self.check_opening()
        self.check_bans()
        self.check_flow()
        self.check_functions()
        if self.path.endswith(".h"):
            self.check_guard()

    def check_columns(self):
        for number, line in enumerate(self.lines, 1):
            if width(line) > COLUMNS:
                self.say(number, f"{width(line)} columns")
            if line.startswith("        "):
                self.say(number, "blanks where a tab belongs")

    def check_opening(self):
        match = re.match(SPDX + r"/\*\n((?: \*.*\n)+?) \*/\n", self.text)
        if not match:
            self.say(1, "no comment opens the file")
            return
        lines = match.group(1).count("\n")
        if not 1 <= lines <= 24:
            self.say(1, f"an opening comment of {lines} lines")

    def calls(self, names):
        pattern = r"(?<![\w.>])(" + "|".join(names) + r")\s*\("
        for match in re.finditer(pattern, self.code):
            yield self.line_of(match.start()), match.group(1)

    def check_bans(self):
        for number, name in self.calls(BANNED):
            if not (self.is_tool and name in FOR_TOOLS) and not (
                    name.startswith("get") and self.path in RESOLVER_FILES
            ) and not (name.endswith("jmp") and self.path in JUMP_FILES):
                self.say(number, f"{name} is banned: {BANNED[name]}")
        if self.is_tool:
            return
        for number, name in self.calls(PRINTF):
            self.say(number, f"{name} is banned: use base/text.h")
        if not self.path.startswith(HEAP_ROOMS):
            for number, name in self.calls(HEAP):
                self.say(number, f"{name} is banned outside policy/")
        if self.path not in EXIT_FILES:
            for number, name in self.calls(("_exit", "exit", "_Exit",
                                            "quick_exit", "abort")):
                self.say(number, f"{name}: only session_end() ends us")

    def check_flow(self):
        for match in re.finditer(r"\bgoto\s+(\w+)", self.code):
            if match.group(1) != "out":
                self.say(self.line_of(match.start()),
                         f"goto {match.group(1)}")
        for match in re.finditer(r"\b(if|while)\s*\(", self.code):
            inside = self.parenthesis(match.end() - 1)
            if re.search(r"(?<![=!<>+\-*/%&|^])=(?!=)",
                         self.without_braces(inside)):
                # getopt's loop is the idiom that everybody reads.
                if "getopt" not in inside:
                    self.say(self.line_of(match.start()),
                             "an assignment in a condition")
        for match in re.finditer(r"#\s*define\s+(\w+)\(", self.code):
            if match.group(1) not in ("ARRAY_COUNT",) and \
                    self.path.endswith(".h"):
                self.say(self.line_of(match.start()),
                         f"a macro with arguments: {match.group(1)}")

    @staticmethod
    def without_braces(text):
        return re.sub(r"\{[^{}]*\}", "", text)

    def parenthesis(self, start):
        """The text from ( at start to its )."""
        depth = 0
        for i in range(start, len(self.code)):
            depth += {"(": 1, ")": -1}.get(self.code[i], 0)
            if depth == 0:
                return self.code[start:i + 1]
        return self.code[start:]

    def check_functions(self):
        for match in re.finditer(r"^([a-zA-Z_]\w*)\(", self.code,
                                 re.MULTILINE):
            name = match.group(1)
            arguments = self.parenthesis(match.end() - 1)
            rest = self.code[match.end() - 1 + len(arguments):]
            if name in KEYWORDS or not re.match(r"\s*\{", rest):
                continue
            number = self.line_of(match.start())
            count = len(self.parameters(arguments))
            if count > PARAMETERS and name not in MANY_PARAMETERS and \
                    not name.startswith(LIBC_PREFIX):
                self.say(number, f"{name}: {count} parameters")
            self.check_length(name, number)
        for match in re.finditer(r"^\w[\w *]*\b(\w+)\([^;]*\)\s*\n?\{",
                                 self.code, re.MULTILINE):
            start = self.code.rfind("\n", 0, match.start(1)) + 1
            if match.start(1) != start and "(" not in \
                    self.code[start:match.start(1)]:
                self.say(self.line_of(match.start(1)),
                         f"{match.group(1)} is not at column 0")

    @staticmethod
    def parameters(text):
        inside = text[1:-1].strip()
        if inside in ("", "void"):
            return []
        depth, parts, start = 0, [], 0
        for i, character in enumerate(inside):
            depth += {"(": 1, ")": -1, "[": 1, "]": -1}.get(character, 0)
            if character == "," and depth == 0:
                parts.append(inside[start:i])
                start = i + 1
        return parts + [inside[start:]]

    def check_length(self, name, number):
        count, table = 0, False
        begun = False
        for line in self.code_lines[number - 1:]:
            if not begun:
                begun = line.startswith("{")
                continue
            if line.startswith("}"):
                break
            if re.match(r"\t(static )?const .*=\s*\{\s*$|\t\} \w+\[\] = \{$",
                        line):
                table = True
            if not table:
                count += 1
            if table and re.match(r"\t\}( \w+.*)?;$", line):
                table = False
        if count > FUNCTION_LINES:
            self.say(number, f"{name}: {count} lines")

    def check_guard(self):
        name = os.path.splitext(self.path)[0]
        if name.startswith("tests/"):
            return
        guard = "SOCKS64_" + re.sub(r"\W", "_", name).upper() + "_H"
        guard = guard.replace("SOCKS64_SOCKS64_", "SOCKS64_")
        if f"#ifndef {guard}\n#define {guard}\n" not in self.text:
            self.say(1, f"the guard is not {guard}")


def main():
    found = 0
    for path in sys.argv[1:]:
        source = Source(path)
        source.check()
        found += source.found
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()

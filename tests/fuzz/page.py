# SPDX-License-Identifier: ISC
"""The tables that the targets of fuzzing leave in a page."""


def write(path, name, lines):
    """Replaces what `make NAME' wrote there the last time."""
    begin, end = f"<!-- make {name} -->", f"<!-- end of make {name} -->"
    with open(path, encoding="ascii") as file:
        before, mark, rest = file.read().partition(begin)
    _, _, behind = rest.partition(end)
    if not mark:
        raise SystemExit(f"{path}: there is no {begin}")
    with open(path, "w", encoding="ascii") as file:
        file.write(before + begin + "\n" + "\n".join(lines) + "\n" + end +
                   behind)

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the `pmta` command prints, read into plain data.

Columns and wordings as in the vendor's 5.0 guides. Exit codes are documented for no command: success is judged by code and text.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

_VERSION = re.compile(r"v(\d+)\.(\d+)r(\d+)")
_COUNT = re.compile(r"\A\s*(\d+)\s+of\s+(\d+)\s+virtual\s+MTAs?\b", re.IGNORECASE)
_QUEUES = re.compile(r"\A\s*(\d+)\s+of\s+(\d+)\s+queues?\b", re.IGNORECASE)
_SOURCES = re.compile(r"(?i)\A\s*(?:(\d+)(?:\s+of\s+(\d+))?|no)\s+(?:disabled\s+)?sources?\b")
_ERROR = re.compile(
    r"(?im)^.*\b(?:error|fail(?:ed|ure)?|invalid|cannot|unable|refused|denied|not running|unknown command)\b.*$"
)
_RELOADED = re.compile(r"configuration\s+(?:was\s+)?reloaded", re.IGNORECASE)
_PAUSED = re.compile(r"queue\(?s?\)?\s+paused", re.IGNORECASE)
_RESUMED = re.compile(r"queue\(?s?\)?\s+resumed", re.IGNORECASE)
NO_COMMAND = re.compile(
    r"(?i)unknown command|invalid command|unrecognized command|no such command|bad command|not a valid command|\Ausage:"
)
_UNREACHED = re.compile(
    r"(?i)\b(?:cannot|could not|unable to|failed to) (?:reach|connect|contact)|not running|connection refused"
)
_UNLIMITED_ITEMS = 1_000_000
# So many lines a list is cut at when nobody asks for more.
DEFAULT_ITEMS = 10


class Version(NamedTuple):
    """``PowerMTA v5.0r8 (...)`` as (5, 0, 8, "5.0r8")."""

    major: int
    minor: int
    release: int
    text: str

    @property
    def has_test_config(self) -> bool:
        """`pmta test config` is documented for 5.0 and not among the new commands of 4.5."""
        return self.major >= 5


class Vmta(NamedTuple):
    """One line of `show vmtas`. recipients: queued ones. kbytes: queued. connections: open ones."""

    name: str
    domains: int
    recipients: int
    kbytes: int
    connections: int


class DisabledSource(NamedTuple):
    """One address that a queue (domain/VMTA) does not use. rest: what else the line says, such as until when."""

    ip: str
    queue: str
    rest: str


class Listing(NamedTuple):
    """rows, how many the MTA says it printed and how many there are; complete when every one is here."""

    rows: list
    shown: int | None
    total: int | None

    @property
    def complete(self) -> bool:
        return self.total is not None and len(self.rows) == self.total


class Outcome(NamedTuple):
    """ok: True, False, or None when the version does not have the command. message: the product's own words."""

    ok: bool | None
    message: str


def version(output: str) -> Version | None:
    """From `pmta show version`; None if there is none in it."""
    found = _VERSION.search(output)
    if not found:
        return None
    major, minor, release = (int(number) for number in found.groups())
    return Version(major, minor, release, found.group()[1:])


def _number(word: str) -> int:
    """A count, which may be grouped (1,234) or carry a suffix (1.2K)."""
    word = word.replace(",", "").replace("'", "")
    scale = {"k": 1000, "m": 1000000, "g": 1000000000}.get(word[-1:].lower())
    return int(float(word[:-1]) * scale) if scale else int(float(word))


def _is_number(word: str) -> bool:
    return re.match(r"[0-9][0-9,']*(?:\.[0-9]+)?[kKmMgG]?\Z", word) is not None


def vmtas(output: str) -> Listing:
    """From `pmta show vmtas`: columns ``name domains #rcpt % total kbytes conn``, last line ``7 of 7 virtual MTAs.``.

    Columns are found by the header line; lines that do not fit are left out, and then `Listing.complete` is False.
    """
    rows: list[Vmta] = []
    shown = total = None
    for line in output.splitlines():
        count = _COUNT.match(line)
        if count:
            shown, total = int(count.group(1)), int(count.group(2))
            continue
        words = line.split()
        # "% total" is one column: name domains #rcpt %total kbytes conn. The share may be printed as "12.5", "12.5%" or "12.5 %".
        words = [word for word in words if word != "%"]
        if len(words) < 5:
            continue
        words[3] = words[3].rstrip("%")
        if not all(_is_number(word) for word in words[1:]):
            continue
        rows.append(Vmta(words[0], _number(words[1]), _number(words[2]), _number(words[-2]), _number(words[-1])))
    return Listing(rows, shown, total)


def queues(output: str) -> Listing:
    """From `pmta show queues`: columns ``queue #rcpt kbytes conn st retry last error``; rows are (queue, recipients).

    The last line is taken to count queues as that of `show vmtas` counts virtual MTAs.
    """
    rows: list[tuple[str, int]] = []
    shown = total = None
    for line in output.splitlines():
        count = _QUEUES.match(line)
        if count:
            shown, total = int(count.group(1)), int(count.group(2))
            continue
        words = line.split()
        if len(words) > 1 and "/" in words[0] and _is_number(words[1]):
            rows.append((words[0], _number(words[1])))
    return Listing(rows, shown, total)


def disabled_sources(output: str) -> Listing:
    """From `pmta show disabled sources`, whose form is not documented: each line with an address and a queue (domain/VMTA).

    total is None when a line, the heading apart, has neither these nor a count: then nobody can say that all were read.
    """
    rows: list[DisabledSource] = []
    shown = total = None
    strange = 0
    for index, line in enumerate(line for line in output.splitlines() if line.strip()):
        words = line.split()
        address = next((word for word in words if _is_address(word)), None)
        queue = next((word for word in words if "/" in word and not re.match(r"[\d/]+\Z", word)), None)
        count = _SOURCES.match(line)
        if count:
            found = int(count.group(1) or 0)
            shown, total = found, int(count.group(2) or found)
        elif address and queue:
            rest = " ".join(word for word in words if word not in (address, queue))
            rows.append(DisabledSource(address, queue, rest))
        elif index:
            strange += 1
    if strange:
        total = None
    elif total is None and len(rows) < DEFAULT_ITEMS:
        # No line counts them, and nothing was cut off.
        total = len(rows)
    return Listing(rows, shown, total)


def _is_address(word: str) -> bool:
    try:
        ipaddress.ip_address(word)
    except ValueError:
        return False
    return True


def settings(output: str) -> dict[str, list[str]]:
    """From `pmta show settings domain/vmta`: lines ``directive value`` as name -> values, in order (some repeat)."""
    found: dict[str, list[str]] = {}
    for line in output.splitlines():
        name, _space, value = line.strip().partition(" ")
        if re.match(r"[a-z0-9][A-Za-z0-9.-]*\Z", name):
            found.setdefault(name.lower(), []).append(value.strip())
    return found


def _said(stdout: str, stderr: str) -> str:
    return "\n".join(part.strip() for part in (stdout, stderr) if part.strip())


def judge_test(code: int, stdout: str, stderr: str, running: bool = True) -> Outcome:
    """`pmta test config`: failure prints ``Error in line N of FILE: ...``; silence or anything else with code 0 is success.

    running: whether the service runs. If not, an answer that it cannot be reached says nothing about the file: whether the
    command needs a running PowerMTA is not documented.
    """
    text = _said(stdout, stderr)
    if not running and _UNREACHED.search(text) and not re.search(r"(?i)error in line", text):
        return Outcome(None, text)
    if NO_COMMAND.search(text) and not re.search(r"(?i)error in line", text):
        return Outcome(None, text)
    wrong = _ERROR.search(re.sub(r"(?i)\b(?:no|0) errors?\b", "", text))
    if code == 0 and not wrong:
        return Outcome(True, text)
    return Outcome(False, text or f"pmta test config ended with code {code} and said nothing")


def judge_reload(code: int, stdout: str, stderr: str) -> Outcome:
    """`pmta reload`: only ``Configuration reloaded.`` is success."""
    text = _said(stdout, stderr)
    if code == 0 and _RELOADED.search(text) and not re.search(r"(?i)\berror in line\b", text):
        return Outcome(True, text)
    return Outcome(False, text or f"pmta reload ended with code {code} and said nothing")


def judge_pause(code: int, stdout: str, stderr: str) -> Outcome:
    """`pmta pause queue`: ``Queue(s) paused.``"""
    text = _said(stdout, stderr)
    return Outcome(code == 0 and _PAUSED.search(text) is not None, text or f"code {code}")


def judge_resume(code: int, stdout: str, stderr: str) -> Outcome:
    """`pmta resume queue`: ``Queue(s) resumed.``"""
    text = _said(stdout, stderr)
    return Outcome(code == 0 and _RESUMED.search(text) is not None, text or f"code {code}")


def max_items(expected: int) -> int:
    """For --maxitems: room for what is expected and for what nobody expects."""
    return max(_UNLIMITED_ITEMS, 2 * expected)

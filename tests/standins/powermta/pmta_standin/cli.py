# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pmta: the operator's command line. Exit status 0 is success, 1 a refused command or configuration, 2 no daemon."""

from __future__ import annotations

import json
import os
import sys

from . import commands, control, loader
from .errors import ConfigError
from .paths import SOCKET, Paths

_FLAGS = {"paused", "connected", "errors", "retry-recipients"}
_VALUES = {"maxitems", "vmta", "mode", "sort", "queue", "jobId", "reenable-after"}
_LOCAL = ("test config", "reload")


class Usage(Exception):
    """The command line itself is wrong."""


def command_of(words: list[str]) -> tuple[str, list[str]]:
    """The command and its arguments; each word may be abbreviated while it stays clear (``show ver``)."""
    known = [name.split() for name in (*commands.COMMANDS, *_LOCAL)]
    depth = 0
    while depth < len(words):
        fitting = [name for name in known if len(name) > depth and name[depth].startswith(words[depth])]
        exact = [name for name in fitting if name[depth] == words[depth]]
        if not fitting:
            break
        known = exact or fitting
        depth += 1
        if len({tuple(name[:depth]) for name in known}) == 1 and any(len(name) == depth for name in known):
            return " ".join(next(name for name in known if len(name) == depth)), words[depth:]
    if depth == len(words) and words and known:
        raise Usage(f"incomplete or ambiguous command: {' '.join(words)}")
    raise Usage(f"unknown command: {' '.join(words)}" if words else "no command")


def parse(argv: list[str]) -> tuple[dict[str, str], list[str], dict[str, object]]:
    """General options (before the command too), words, options of the command."""
    general: dict[str, str] = {}
    words: list[str] = []
    options: dict[str, object] = {}
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        name, equals, value = word[2:].partition("=")
        if not word.startswith("--"):
            words.append(word)
        elif name == "root":
            general["root"] = value if equals else rest.pop(0) if rest else ""
        elif name == "json" and not equals:
            general["json"] = "yes"
        elif name in ("xml", "dom"):
            raise Usage(f"--{name} is not imitated by the stand-in")
        elif name in _FLAGS and not equals:
            options[name] = True
        elif name in _VALUES and equals and value:
            options[name] = value
        else:
            raise Usage(f"unknown option: {word}")
    return general, words, options


def main(argv: list[str] | None = None) -> int:
    try:
        general, words, options = parse(sys.argv[1:] if argv is None else argv)
        command, args = command_of(words)
    except Usage as problem:
        return _say(False, f"Error: {problem}", {}, "--json" in (argv or sys.argv))
    paths = Paths(general.get("root") or os.environ.get("PMTA_STANDIN_ROOT", ""))
    as_json = "json" in general
    if command in _LOCAL and args:
        return _say(False, f"Error: too many arguments: {args[0]}", {}, as_json)
    if command == "test config":
        return _test_config(paths, as_json)
    try:
        answer = control.ask(paths.real(SOCKET), {"command": command, "args": args, "options": options})
    except OSError as problem:
        _say(False, f"Error: cannot reach PowerMTA: {problem.strerror or problem}", {}, as_json)
        return 2
    return _say(answer["ok"], answer["text"], answer["data"], as_json)


def _test_config(paths: Paths, as_json: bool) -> int:
    try:
        loader.load(paths)
    except ConfigError as problem:
        return _say(False, str(problem), {}, as_json)
    return _say(True, "Configuration is valid.", {}, as_json)


def _say(ok: bool, text: str, data: dict, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"data": data, "status": "success" if ok else "error", "message": "" if ok else text}))
    else:
        print(text, file=sys.stdout if ok else sys.stderr)
    return 0 if ok else 1

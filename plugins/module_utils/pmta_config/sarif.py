# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings as SARIF 2.1.0 (OASIS), which code review tools and editors read.

No lines of the configuration are quoted: they may hold passwords.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping

from .finding import Finding, encodable
from .rules import RULES

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
# The rule of a file that gave no text at all.
UNREAD = "file-unreadable"
# How a finding came to be silenced: by a comment in the file, or on the command line.
IN_FILE, OUTSIDE = "inSource", "external"

_BASE = "ROOT"
# RFC 3986 2.3, and the slash that parts segments.
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")
_KINDS = {"syntax": "syntax", "comment": "syntax", "host": "host", "silence": "silence"}
_KINDS.update(dict.fromkeys(("unknown", "section", "argument"), "language"))


def log(
    findings: Iterable[Finding],
    silenced: Iterable[tuple[Finding, str, str]] = (),
    unread: Iterable[tuple[str, str]] = (),
    base: str = "/",
    exit_code: int = 0,
    tool: Mapping[str, str] | None = None,
) -> dict:
    """The whole log of one run.

    silenced: finding, reason, and IN_FILE or OUTSIDE. unread: path and reason of each file that could not be read. base: absolute
    directory from which relative paths start. tool: ``version`` and ``repository`` (URL), where known.
    """
    findings, silenced, unread = list(findings), list(silenced), list(unread)
    number = {name: at for at, name in enumerate(RULES)}
    # With one result suppressed, none may leave open whether it is (3.27.23).
    results = [(found, []) for found in findings]
    results += [(found, [{"kind": kind, "justification": reason}]) for found, reason, kind in silenced]
    # Two spellings of one path are one file.
    named = [*(found.file for found, _none in results), *(path for path, _why in unread)]
    files = {tuple(place.items()): place for place in (_location(name, base) for name in named)}
    run = {
        "tool": {"driver": _driver(tool or {})},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_BASE: {"uri": _file_uri(base.rstrip("/") + "/")}},
        "invocations": [
            {
                "executionSuccessful": not unread,
                "exitCode": exit_code,
                "toolExecutionNotifications": [_notification(path, why, base) for path, why in unread],
            }
        ],
        "artifacts": [{"location": place, "roles": ["analysisTarget"]} for place in files.values()],
        "results": [_result(found, suppressions, number[found.rule], base) for found, suppressions in results],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def kind(rule: str) -> str:
    """What a rule judges: syntax, language, meaning, host (with the DNS) or silence."""
    return _KINDS.get(rule.partition("-")[0], "meaning")


def _driver(tool: Mapping[str, str]) -> dict:
    repository = tool.get("repository")
    driver: dict = {"name": "pmta-lint"}
    if tool.get("version"):
        driver["semanticVersion"] = tool["version"]
    if repository:
        driver["informationUri"] = repository
    driver["rules"] = []
    for name, rule in RULES.items():
        described = {
            "id": name,
            "shortDescription": {"text": _first_sentence(rule.explanation)},
            "fullDescription": {"text": rule.explanation},
            "help": {"text": sentence(rule.remedy)},
            "defaultConfiguration": {"level": rule.severity},
            "properties": {"tags": ["powermta", kind(name)]},
        }
        if repository:
            described["helpUri"] = f"{repository}/blob/main/docs/reference/lint-rules.md#{name}"
        driver["rules"].append(described)
    return driver


def sentence(text: str) -> str:
    """With an end, if it has none."""
    return text if text.endswith((".", "?", "!")) else text + "."


def _first_sentence(text: str) -> str:
    head, stop, _rest = text.partition(". ")
    return head + "." if stop else text


def _result(found: Finding, suppressions: list, rule: int, base: str) -> dict:
    region = {"startLine": found.line, "startColumn": found.column}
    place = {"artifactLocation": _location(found.file, base), "region": region}
    return {
        "ruleId": found.rule,
        "ruleIndex": rule,
        "level": found.severity,
        "message": {"text": encodable(f"{sentence(found.message)} {sentence(found.remedy)}")},
        "locations": [{"physicalLocation": place}],
        "suppressions": suppressions,
    }


def _notification(path: str, why: str, base: str) -> dict:
    return {
        "level": "error",
        "descriptor": {"id": UNREAD},
        "message": {"text": encodable(f"{path} cannot be read: {why}.")},
        "locations": [{"physicalLocation": {"artifactLocation": _location(path, base)}}],
    }


def _location(path: str, base: str) -> dict:
    """Below base a relative reference (which a reader resolves in its own checkout), elsewhere an absolute one."""
    whole = posixpath.normpath(posixpath.join(base, path))
    root = base.rstrip("/") + "/"
    if whole.startswith(root) and len(whole) > len(root):
        return {"uri": _encoded(whole[len(root) :]), "uriBaseId": _BASE}
    return {"uri": _file_uri(whole)}


def _file_uri(path: str) -> str:
    return "file:///" + _encoded(path.lstrip("/"))


def _encoded(path: str) -> str:
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in path.encode("utf-8", "surrogateescape"))

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine's answers mean to whoever asked: data, or problems that name the remedy."""

from __future__ import annotations

import json
import typing as t

from .problems import FleetError, Problem

_AWAY = (502, 503, 504)
_SHOWN = 300


class Away(FleetError):
    """It did not answer: asking it something else is of no use."""


def judge(url: str, question: str, status: int, body: str) -> t.Any:
    """The data of a success. question: method and path. Raises FleetError, with every problem the engine named, for any other answer."""
    found = _data(body)
    if 200 <= status < 300:
        if found is None:
            raise FleetError([_stranger(url, f"{question} was answered with no JSON")])
        return found
    problems = _listed(found)
    raise FleetError(problems or [_one(url, question, status, found, body)])


def unreachable(url: str, why: str) -> Away:
    """It did not answer. why: in the operating system's words."""
    remedy = (
        "On the engine host: systemctl status email-engine-api nginx. While an engine is configured, nothing is changed"
        " without it: its stops and statuses would not be kept."
    )
    return Away([Problem(url, f"the engine does not answer ({why})", remedy)])


def untrusted(url: str, why: str, pinned: bool) -> Away:
    """Its certificate was not accepted. pinned: one certificate was given to be trusted."""
    what = f"the engine's certificate is not trusted ({why})"
    if pinned:
        remedy = (
            "Is it the engine that answers there, by the name that stands in its certificate? If the certificate was renewed, give the"
            " new one (fleet_engine_ca_file), or leave the file out: then it is read from the engine host by ssh."
        )
    else:
        remedy = (
            "Use the name that stands in the certificate (engine_server_name, engine_url). If it is signed by nobody this computer"
            " knows, name its certificate or that of its authority: fleet_engine_ca_file."
        )
    return Away([Problem(url, what, remedy)])


def _data(body: str) -> t.Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _listed(found: t.Any) -> list[Problem]:
    """The faults a problem document lists one by one (RFC 9457, member ``errors``)."""
    errors = found.get("errors") if isinstance(found, t.Mapping) else None
    if not isinstance(errors, list):
        return []
    return [
        Problem(
            str(one.get("where", "request")),
            str(one.get("what", "is refused")),
            str(one.get("remedy") or "Collection and engine have to be of the same version: run site.yml."),
        )
        for one in errors
        if isinstance(one, t.Mapping)
    ]


def _one(url: str, question: str, status: int, found: t.Any, body: str) -> Problem:
    ours = isinstance(found, t.Mapping) and "title" in found
    said = str(found.get("detail") or found["title"])[:_SHOWN] if ours else " ".join(body.split())[:_SHOWN]
    if status == 401:
        remedy = "Set engine_admin_key to a key the engine knows; engine.yml makes that of the inventory known to it."
        return Problem(url, "the engine does not know this API key (wrong, expired or revoked)", remedy)
    if status == 403:
        return Problem(url, f"this API key may not {question}: {said}", "Set engine_admin_key to an admin's key.")
    if status in _AWAY:
        remedy = "On the engine host: systemctl status email-engine-api; journalctl -u email-engine-api."
        return Problem(url, f"its web server answers, and the engine behind it does not (status {status})", remedy)
    if not ours:
        return _stranger(
            url, f"{question} was answered with status {status} and no problem document ({said or 'empty'})"
        )
    if status >= 500:
        remedy = "On the engine host: journalctl -u email-engine-api says why."
        return Problem(url, f"the engine failed at {question} (status {status}): {said}", remedy)
    if status == 429:
        return Problem(url, f"the engine was asked too often: {said}", "Wait a minute, and run again.")
    return Problem(url, f"the engine refused {question} (status {status}): {said}", "Nothing was changed by this call.")


def _stranger(url: str, what: str) -> Problem:
    remedy = "Is it an Email-Engine, and of this collection's version? engine_url says where to look; engine.yml installs it."
    return Problem(url, what, remedy)

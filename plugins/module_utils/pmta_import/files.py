# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that an import leaves in an inventory: readable YAML, and a mark that tells whether somebody edited it since."""

from __future__ import annotations

import hashlib
import re
import typing as t

from .secret import Reference

POLICY_FILE = "group_vars/all/10_imported_policy.yml"
REPORT_FILE = "group_vars/all/10_imported_policy.md"
VAULT_FILE = "group_vars/all/20_imported_vault.yml"

_PLAIN = re.compile(r"[A-Za-z$/][A-Za-z0-9._/@$-]*\Z")
_WORDS = frozenset(("y", "n", "yes", "no", "true", "false", "on", "off", "null", "none"))
# What Ansible would take for an expression of its own.
_TEMPLATE = re.compile(r"\{[{%#]")
_MARK = re.compile(r"sha256 of the lines below: ([0-9a-f]{64})")
_NOT_TEXT = re.compile("[\ud800-\udfff]")


def policy_text(policy: t.Mapping[str, t.Any], path: str) -> str:
    """The policy as a variables file."""
    return _marked(
        [
            f"Imported from {path} by the playbook import_config. The file beside it with the ending .md says what became",
            "of each line. To change something, say it in a file that is read later (a name that sorts after this one), or",
            "change the old configuration and import again: an import does not overwrite a file that was edited.",
        ],
        "---\n" + "".join(f"{_block(name, value)}" for name, value in policy.items()),
    )


def vault_text(secrets: t.Mapping[str, str]) -> str:
    """The passwords as a variables file, to be encrypted before it is written."""
    lines = [f"{name}: !unsafe {_quoted(value)}\n" for name, value in sorted(secrets.items())]
    return _marked(["Passwords of the imported configuration."], "---\n" + "".join(lines))


def report_text(report: str) -> str:
    return f"<!-- sha256 of the lines below: {_digest(report)} -->\n{report}"


def edited(text: str) -> bool:
    """Whether a file is not as an import wrote it: changed since, or written by somebody else."""
    head, body = "", text
    while body:
        line, _newline, rest = body.partition("\n")
        head, body = line, rest
        found = _MARK.search(head)
        if found:
            return found[1] != _digest(body)
        if not line.startswith("#"):
            break
    return True


def state(known: str, wanted: str) -> str:
    """How a file is that should have the text *wanted*: "same", "new" (there is none), "outdated" or "edited"."""
    if known == wanted:
        return "same"
    if not known:
        return "new"
    return "edited" if edited(known) else "outdated"


def _marked(words: t.Sequence[str], body: str) -> str:
    head = [f"# {_text(line)}" for line in words]
    return "\n".join([*head, f"# sha256 of the lines below: {_digest(body)}", body])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _block(key: str, value: t.Any, indent: str = "") -> str:
    """A key and its value, with a newline at the end."""
    label = f"{indent}{scalar(key)}:"
    if isinstance(value, dict) and value:
        return label + "\n" + "".join(_block(name, one, indent + "  ") for name, one in value.items())
    if isinstance(value, (list, tuple)) and value:
        if (
            all(not isinstance(one, (dict, list, tuple)) for one in value)
            and sum(len(str(one)) + 4 for one in value) < 100
        ):
            return f"{label} [{', '.join(scalar(one) for one in value)}]\n"
        return label + "\n" + "".join(_entry(one, indent + "  ") for one in value)
    return (
        f"{label} {'{}' if isinstance(value, dict) else '[]' if isinstance(value, (list, tuple)) else scalar(value)}\n"
    )


def _entry(value: t.Any, indent: str) -> str:
    if not isinstance(value, dict) or not value:
        return f"{indent}- {'{}' if isinstance(value, dict) else scalar(value)}\n"
    text = "".join(_block(name, one, indent + "  ") for name, one in value.items())
    return f"{indent}- {text[len(indent) + 2 :]}"


def scalar(value: t.Any) -> str:
    """One value as YAML. A text that Ansible would template, and that is none of ours, is marked unsafe."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    text = _text(str(value))
    if _TEMPLATE.search(text) and not isinstance(value, Reference):
        return f"!unsafe {_quoted(text)}"
    return text if _PLAIN.match(text) and text.lower() not in _WORDS else _quoted(text)


def _quoted(text: str) -> str:
    text = _text(text)
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    escaped = "".join(
        "\\" + letter if letter in '"\\' else letter if letter.isprintable() else f"\\U{ord(letter):08x}"
        for letter in text
    )
    return f'"{escaped}"'


def _text(text: str) -> str:
    """Bytes that were no text cannot be written as such."""
    return _NOT_TEXT.sub("\ufffd", text)

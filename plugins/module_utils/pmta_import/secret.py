# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passwords of the old configuration: what shows of them, and the vaulted variables they go to."""

from __future__ import annotations

import re
import typing as t

from ..pmta_config import Comment, Directive, Node, Section
from ..pmta_config.embedded import embedded, masked
from ..pmta_config.tokens import SECRETS, unquote

SHOWN = "(a password, not shown)"
#: Secrets whose first word is a file, or names a method; the secret is what follows.
WITH_NAME = frozenset(
    (
        "smtp-server-tls-certificate",
        "tls-certificate",
        "smtp-client-certificate",
        "privacy-policy",
        "http-webhook-certificate",
    )
)
# Longest first: "password" is part of "auth-password".
_NAMED = re.compile(
    rf"(?i)(?<![\w-])({'|'.join(sorted((*map(re.escape, SECRETS), 'passwd', 'passphrase'), key=len, reverse=True))})(?=[\s:=\"'{{]|\Z).*"
)
_TEMPLATE = re.compile(r"\{[{%#]")
_SIMPLE = re.compile(r"[^\s\"\\/#{}][^\s\"\\#]*\Z")


def hidden(text: str) -> str:
    """A text in which nothing behind the name of a secret is left."""
    return masked(_NAMED.sub(lambda found: f"{found[1]} {SHOWN}", text), SHOWN)


def shown(node: Node, text: str, offset: int) -> str:
    """One line of a node, fit to be shown."""
    text = "".join(letter if letter.isprintable() else " " for letter in text).strip()
    if isinstance(node, Directive):
        if is_secret(node):
            return f"{node.name} {SHOWN}" if not offset else SHOWN
        if node.name[:1] == "/" or node.name.lower() == "reply":
            # What a receiver says of passwords is no password.
            code, hash_, comment = text.partition("#")
            return code + hash_ + hidden(comment)
    if isinstance(node, Comment):
        return hidden(text)
    if isinstance(node, Section) and node.brace and node.tag.lower() in SECRETS:
        return f"{node.tag} {SHOWN}"
    if isinstance(node, Section) and node.tag.lower() == "smtp-user" and text.partition(">")[2].strip():
        return f"{text.partition('>')[0]}> {SHOWN}"
    return hidden(text)


def is_secret(node: Directive) -> bool:
    return node.name.lower() in SECRETS


class Reference(str):
    """A text for the policy that names a vaulted variable. Only these may be templated: what an old file holds never is."""

    @property
    def variables(self) -> str:
        """The names of the variables, for a sentence."""
        return ", ".join(re.findall(r"\{\{ (\w+) \}\}", self))


class Vault:
    """The secrets found, by the name of their variable."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def put(self, value: str, *parts: str) -> str:
        """Keep a value; the name of its variable, made of *parts*. The same value under the same name is kept once."""
        name = "vault_imported_" + "_".join(
            slug for slug in (re.sub(r"[^a-z0-9]+", "_", part.lower()).strip("_") for part in parts) if slug
        )
        free, number = name, 1
        while free in self.values and self.values[free] != value:
            number += 1
            free = f"{name}_{number}"
        self.values[free] = value
        return free

    def reference(self, node: Directive, *parts: str) -> str:
        """The arguments of a secret directive as text for the policy, with a variable in the place of the secret.

        Without a secret (a certificate without passphrase) the arguments as they are.
        """
        args = list(node.args)
        start = 1 if node.name.lower() in WITH_NAME and not ("{{" in args[0] or "{%" in args[0]) else 0
        if len(args) <= start:
            return " ".join(args)
        words = " ".join(args[start:])
        # Quotes that protect nothing are no part of the password.
        plain = unquote(words)
        name = self.put(plain if _SIMPLE.match(plain) else words, *parts)
        return Reference(" ".join([*args[:start], f"{{{{ {name} }}}}"]))

    def without(self, text: str, *parts: str) -> str:
        """Source words of another directive, or a section's name: a secret in them goes, for a variable in its place."""
        places = embedded(text)
        if places and _TEMPLATE.search(text):
            return Reference(f"{{{{ {self.put(text, *parts)} }}}}")
        for start, end in reversed(places):
            text = Reference(f"{text[:start]}{{{{ {self.put(text[start:end], *parts)} }}}}{text[end:]}")
        return text


def plain_value(args: t.Sequence[str]) -> str:
    """A password as its user types it."""
    return " ".join(unquote(word) for word in args)

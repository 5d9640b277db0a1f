# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A message's header block, taken apart and put together without changing a byte of what stays."""

from __future__ import annotations

from email.utils import getaddresses
from typing import NamedTuple


class Header(NamedTuple):
    """``value`` is all after the colon, folds kept, without the last line end; ``raw`` is the whole field."""

    name: str
    value: bytes
    raw: bytes


class Message:
    def __init__(self, content: bytes) -> None:
        self.headers: list[Header] = []
        rest = content
        while rest and not rest.startswith(b"\r\n"):
            end = rest.find(b"\r\n")
            while end >= 0 and rest[end + 2 : end + 3] in (b" ", b"\t"):
                end = rest.find(b"\r\n", end + 2)
            field, after = (rest, b"") if end < 0 else (rest[: end + 2], rest[end + 2 :])
            name, colon, value = field.partition(b":")
            if not colon or b" " in name.rstrip() or not name:
                rest = b"\r\n" + rest
                break
            self.headers.append(Header(name.decode("latin-1").rstrip(), value.removesuffix(b"\r\n"), field))
            rest = after
        self.body = rest[2:] if rest.startswith(b"\r\n") else rest

    def all(self, name: str) -> list[Header]:
        return [header for header in self.headers if header.name.lower() == name.lower()]

    def first(self, name: str) -> str | None:
        found = self.all(name)
        return unfolded(found[0].value) if found else None

    def remove(self, names: list[str]) -> None:
        gone = {name.lower() for name in names}
        self.headers = [header for header in self.headers if header.name.lower() not in gone]

    def prepend(self, name: str, value: str) -> None:
        raw = f"{name}: {value}\r\n".encode()
        self.headers.insert(0, Header(name, raw.partition(b":")[2].removesuffix(b"\r\n"), raw))

    def content(self) -> bytes:
        return (
            b"".join(h.raw if h.raw.endswith(b"\r\n") else h.raw + b"\r\n" for h in self.headers) + b"\r\n" + self.body
        )


def unfolded(value: bytes) -> str:
    return value.replace(b"\r\n", b"").decode("utf-8", "replace").strip()


def addresses(headers: list[Header]) -> list[str]:
    """Every address of the header fields, display names dropped."""
    return [address for _, address in getaddresses([unfolded(header.value) for header in headers]) if address]

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The public half of RSA keys, read without any library: PEM and DER of PKCS#1 and PKCS#8 (RFC 8017, RFC 5958, RFC 5280).

Of a private key only modulus and exponent are looked at; no error names anything of its content.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import NamedTuple

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----((?:(?!-----).)*)-----END \1-----", re.DOTALL)
_RSA = bytes.fromhex("06092a864886f70d010101")
_INTEGER, _BITS, _OCTETS, _SEQUENCE = 0x02, 0x03, 0x04, 0x30


class Public(NamedTuple):
    """Modulus and exponent."""

    modulus: int
    exponent: int

    @property
    def bits(self) -> int:
        return self.modulus.bit_length()


def public_of_private(text: str) -> Public:
    """The public half of the first private key in a PEM file. Raises ValueError, in words, for anything else."""
    kinds = []
    for block in _BLOCK.finditer(text):
        kind = block.group(1)
        if kind in ("RSA PRIVATE KEY", "PRIVATE KEY"):
            if "ENCRYPTED" in block.group(2):
                raise ValueError("the key is encrypted, and there is nowhere to give PowerMTA its password")
            return _private(_binary(block.group(2)), kind == "PRIVATE KEY")
        kinds.append(kind)
    if "ENCRYPTED PRIVATE KEY" in kinds:
        raise ValueError("the key is encrypted, and there is nowhere to give PowerMTA its password")
    if "EC PRIVATE KEY" in kinds or "OPENSSH PRIVATE KEY" in kinds:
        raise ValueError("it is no RSA key in PEM form")
    if kinds:
        raise ValueError(f"it holds {_article(kinds[0].lower())}, and no private key")
    raise ValueError("it holds no private key in PEM form")


def public_of_base64(text: str) -> Public:
    """The key of a published ``p=``: a SubjectPublicKeyInfo, or the bare RSAPublicKey that RFC 6376 speaks of."""
    data = _binary(text)
    try:
        parts = list(_parts(_inside(data, _SEQUENCE)))
        if parts and parts[0][0] == _SEQUENCE:
            if not parts[0][1].startswith(_RSA):
                raise ValueError("it is no RSA key")
            # The first byte says how many bits of the last one do not count.
            return _numbers(_inside(_value(parts, 1, _BITS)[1:], _SEQUENCE), 0)
        return _numbers(_inside(data, _SEQUENCE), 0)
    except IndexError:
        raise ValueError("it is no public key") from None


def _private(data: bytes, pkcs8: bool) -> Public:
    try:
        body = _inside(data, _SEQUENCE)
        if pkcs8:
            parts = list(_parts(body))
            if not _value(parts, 1, _SEQUENCE).startswith(_RSA):
                raise ValueError("it is no RSA key, and PowerMTA signs with RSA only")
            body = _inside(_value(parts, 2, _OCTETS), _SEQUENCE)
        return _numbers(body, 1)
    except IndexError:
        raise ValueError("the key is damaged: it does not hold the numbers of an RSA key") from None


def _numbers(body: bytes, first: int) -> Public:
    parts = list(_parts(body))
    modulus, exponent = (int.from_bytes(_value(parts, at, _INTEGER), "big") for at in (first, first + 1))
    if modulus.bit_length() < 256 or exponent < 3:
        raise IndexError
    return Public(modulus, exponent)


def _binary(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        # Not the decoder's own words, nor its cause: they could carry what was decoded.
        raise ValueError("it is damaged: not base64") from None


def _inside(data: bytes, tag: int) -> bytes:
    return _value(list(_parts(data)), 0, tag)


def _value(parts: list[tuple[int, bytes]], at: int, tag: int) -> bytes:
    found, value = parts[at]
    if found != tag:
        raise IndexError
    return value


def _parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and value of each element that stands side by side. Raises IndexError where one is cut off."""
    at = 0
    while at < len(data):
        tag, length = data[at], data[at + 1]
        at += 2
        if length & 0x80:
            size = length & 0x7F
            if not 1 <= size <= 4 or at + size > len(data):
                raise IndexError
            length = int.from_bytes(data[at : at + size], "big")
            at += size
        if at + length > len(data):
            raise IndexError
        yield tag, data[at : at + length]
        at += length


def _article(words: str) -> str:
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that the engine has to show to somebody else, such as a key of MailWizz: in the database they are sealed.

AES-256-GCM. The key is made of the engine's pepper, which is in no dump of the database; the tenant is part of what is sealed, so that a
row copied to another tenant does not open.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

#: First byte of what is sealed so.
_FORM = b"\x01"
_NONCE = 12


class Unsealable(Exception):
    """It was sealed with another pepper, for another tenant, or was changed since."""


def _cipher(pepper: str, purpose: str) -> AESGCM:
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(pepper.encode()))


def _bound(tenant_id: int) -> bytes:
    return f"tenant {tenant_id}".encode()


def seal(secret: str, pepper: str, purpose: str, tenant_id: int) -> bytes:
    """What `unseal` opens with the same pepper, purpose and tenant."""
    nonce = os.urandom(_NONCE)
    return _FORM + nonce + _cipher(pepper, purpose).encrypt(nonce, secret.encode(), _bound(tenant_id))


def unseal(sealed: bytes, pepper: str, purpose: str, tenant_id: int) -> str:
    """Raises Unsealable."""
    nonce, text = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
    try:
        if sealed[:1] != _FORM:
            raise InvalidTag
        return _cipher(pepper, purpose).decrypt(nonce, text, _bound(tenant_id)).decode()
    except (InvalidTag, ValueError) as fault:
        raise Unsealable from fault

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A message signed with a private key file, to prove that its key and the published one belong together (RFC 6376).

Needs cryptography. The key stays where it is: what leaves is a message that anybody may read."""

from __future__ import annotations

import base64
import hashlib
import traceback
from email.utils import formatdate

CRYPTOGRAPHY_IMPORT_ERROR = None
try:
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding
except ImportError:
    CRYPTOGRAPHY_IMPORT_ERROR = traceback.format_exc()


def signed_probe(pem: bytes, domain: str, selector: str, now: float) -> str:
    """A short message from postmaster@domain to itself, signed rsa-sha256 with relaxed canonicalization.

    Written so that it is canonical already: single spaces, no white space at line ends. Raises ValueError for a file that
    holds no usable key."""
    body = f"This message proves the DKIM key {selector} of {domain}. It is not sent.\r\n"
    headers = [
        ("From", f"postmaster@{domain}"),
        ("To", f"postmaster@{domain}"),
        ("Subject", f"DKIM key {selector}"),
        ("Date", formatdate(now)),
        ("Message-ID", f"<{selector}.{int(now)}@{domain}>"),
    ]
    digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
    names = ":".join(name.lower() for name, _value in headers)
    signature = (
        f"v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s={selector}; t={int(now)}; h={names}; bh={digest}; b="
    )
    signed = "".join(f"{name.lower()}:{value}\r\n" for name, value in headers) + f"dkim-signature:{signature}"
    try:
        key = serialization.load_pem_private_key(pem, password=None)
        value = base64.b64encode(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"it does not sign ({error})") from None
    lines = [f"DKIM-Signature: {signature}{value}", *(f"{name}: {text}" for name, text in headers)]
    return "\r\n".join(lines) + "\r\n\r\n" + body

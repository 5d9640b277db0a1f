# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request to MailWizz's API: the key in a header, TLS always verified, no proxy, no redirect followed."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx2 as httpx

from . import forms
from .answers import judge
from .faults import Stranger, Unreachable, Untrusted

#: Bytes of an answer: a page of 50 subscribers with long fields is far below.
MOST = 32 * 2**20
_LOCAL = ("localhost", "127.0.0.1", "::1")
_ENTRY = "/api/index.php"


def api_address(url: str) -> str:
    """The base of the API that *url* means: of the API itself, or of the MailWizz it belongs to. Works with clean URLs and without.

    Raises ValueError, in words, for what cannot be one. The key is sent in clear to nobody but this host.
    """
    parts = urlsplit(url)
    try:
        port, host = parts.port, parts.hostname
    except ValueError as fault:
        raise ValueError(f"is no address: {fault}") from fault
    if not host or parts.scheme not in ("https", "http"):
        raise ValueError("is no https address, such as https://mailwizz.example.org/api/index.php")
    if parts.scheme == "http" and host not in _LOCAL:
        raise ValueError("is not https: the key would be sent in clear")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("has more than host, port and path")
    if not url.isascii() or any(sign <= " " for sign in url):
        raise ValueError("has signs that an address must not have")
    shown = f"[{host}]" if ":" in host else host
    path = parts.path.rstrip("/")
    path = path if path.endswith(("/api", _ENTRY)) else path + _ENTRY
    return f"{parts.scheme}://{shown}{f':{port}' if port else ''}{path}"


def trust(certificate: str | None) -> ssl.SSLContext:
    """certificate: PEM of the one to trust, its own or its authority's; None trusts this host's authorities. Raises ValueError."""
    if certificate is None:
        return ssl.create_default_context()
    if "-----BEGIN CERTIFICATE-----" not in certificate or not certificate.isascii():
        raise ValueError("is no certificate in PEM")
    try:
        context = ssl.create_default_context(cadata=certificate)
    except (ssl.SSLError, ValueError) as fault:
        raise ValueError("is no certificate in PEM") from fault
    # A server's own certificate may be trusted without its authority.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    # Demanded by newer Python only; a self-signed certificate need not name itself as its authority's key.
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    return context


class Wire:
    """url: as `api_address` takes it. timeout: seconds for each step, and for a whole answer. Raises ValueError for what cannot be."""

    def __init__(
        self,
        url: str,
        key: str,
        certificate: str | None = None,
        timeout: float = 30,
        transport: httpx.BaseTransport | None = None,
    ):
        if not key.isascii() or not key.isprintable() or not key.strip():
            raise ValueError("the key is no API key of MailWizz")
        self.url, self._key, self.timeout = api_address(url), key, timeout
        self._client = httpx.Client(
            # 2.x also takes the second one, and 1.x's clients know no other.
            headers={
                "X-API-KEY": key,
                "X-MW-PUBLIC-KEY": key,
                "Accept": "application/json",
                "User-Agent": "email-engine",
            },
            verify=trust(certificate),
            timeout=timeout,
            follow_redirects=False,
            trust_env=False,
            transport=transport,
        )

    def __repr__(self) -> str:
        return f"<MailWizz at {self.url}>"

    def close(self) -> None:
        self._client.close()

    def ask(
        self,
        method: str,
        path: str,
        form: Mapping[str, Any] | None = None,
        query: Mapping[str, str | int] | None = None,
    ) -> dict[str, Any]:
        """The whole answer of a success. path: below the API, with a leading slash. Raises MailwizzError."""
        question = f"{method} {self.url}{path}"
        headers = {} if method in ("GET", "POST") else {"X-HTTP-Method-Override": method}
        body = None
        if method in ("POST", "PUT"):
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = forms.encode(form or {})
        try:
            status, told, text = self._exchange(method, f"{self.url}{path}", headers, body, query)
        except httpx.ConnectError as fault:
            raise self._not_connected(question, fault) from None
        except httpx.TimeoutException:
            raise self._silent(question) from None
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            why = f"{question}: the answer broke off ({type(fault).__name__})"
            raise Unreachable(why, "Is it MailWizz's web server that listens there?") from None
        return judge(question, status, told, text, self._conceal)

    def _exchange(
        self, method: str, url: str, headers: dict[str, str], body: str | None, query: Mapping[str, str | int] | None
    ) -> tuple[int, Mapping[str, str], str]:
        end = time.monotonic() + self.timeout
        with self._client.stream(method, url, headers=headers, content=body, params=query) as answer:
            parts, size = [], 0
            for part in answer.iter_bytes():
                parts.append(part)
                size += len(part)
                if size > MOST:
                    what = f"{method} {url}: the answer is longer than {MOST} bytes"
                    raise Stranger(what, "Is it a MailWizz that answers there?", status=answer.status_code)
                if time.monotonic() > end:
                    raise httpx.ReadTimeout("the answer does not end")
            return answer.status_code, answer.headers, b"".join(parts).decode("utf-8", "replace")

    def _not_connected(self, question: str, fault: httpx.ConnectError) -> Unreachable | Untrusted:
        cause: BaseException | None = fault
        while cause is not None and not isinstance(cause, ssl.SSLError):
            cause = cause.__cause__ or cause.__context__
        if isinstance(cause, ssl.SSLError):
            why = getattr(cause, "verify_message", "") or cause.reason or "TLS"
            remedy = (
                "Use a name that stands in its certificate; where nobody whom this host knows signed it, give the certificate with"
                " the key (the playbook converge.yml does)."
            )
            return Untrusted(f"{question}: its certificate is not trusted ({why})", remedy)
        return Unreachable(
            f"{question}: MailWizz is not to be reached ({fault})",
            "Does its web server run, and may this host reach it? On the MailWizz host: systemctl status nginx.",
        )

    def _silent(self, question: str) -> Unreachable:
        return Unreachable(
            f"{question}: no answer within {self.timeout:g} seconds",
            "Is the MailWizz host overloaded? Its php-fpm says in its log whether all its processes are busy.",
        )

    def _conceal(self, text: str) -> str:
        return text.replace(self._key, "***")

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the engine, for the modules that talk to it: TLS always verified, the key in a header, never through a proxy."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import tempfile
import typing as t
import urllib.error
import urllib.parse

from ansible.module_utils.urls import SSLValidationError, open_url

from .. import engine_answers
from ..problems import FleetError, Problem

#: The options that these modules share, documented in the fragment ``engine``.
ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "url": {"type": "str", "required": True},
    "key": {"type": "str", "required": True, "no_log": True},
    "ca": {"type": "str"},
    "timeout": {"type": "int", "default": 30},
}


class Engine:
    """url: without a path. key: the API key. ca: certificates in PEM to trust instead of this computer's. timeout: seconds."""

    def __init__(self, url: str, key: str, ca: str | None, timeout: int):
        self.url, self.key, self.ca, self.timeout = url.rstrip("/"), key, ca or None, timeout
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme != "https" or not parts.hostname:
            raise FleetError(
                [Problem("engine_url", f"{url!r} is not an https address", "Write e.g. https://engine.example.org.")]
            )
        if self.ca and "-----BEGIN CERTIFICATE-----" not in self.ca:
            raise FleetError(
                [Problem("ca", "holds no certificate in PEM", "Give the text of the certificate, not its path.")]
            )

    def ask(self, method: str, path: str, body: t.Any = None) -> t.Any:
        """The data of the answer. Raises FleetError, with the remedy, for every other end."""
        trusted = self._trusted_file()
        try:
            status, text = self._exchange(method, f"{self.url}/api/v1{path}", body, trusted)
        except FleetError:
            raise
        except (OSError, ssl.SSLError, http.client.HTTPException, SSLValidationError) as error:
            raise self._fault(error) from error
        finally:
            if trusted:
                os.unlink(trusted)
        return engine_answers.judge(self.url, f"{method} {path}", status, text)

    def _exchange(self, method: str, url: str, body: t.Any, trusted: str | None) -> tuple[int, str]:
        try:
            answer = open_url(
                url,
                data=None if body is None else json.dumps(body),
                method=method,
                headers={"X-API-KEY": self.key, "Content-Type": "application/json", "Accept": "application/json"},
                timeout=self.timeout,
                ca_path=trusted,
                use_proxy=False,
                # The key goes where it was meant to go, and nowhere else.
                follow_redirects="none",
                use_netrc=False,
                http_agent="email_engine.fleet",
            )
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return int(answer.code), answer.read().decode("utf-8", "replace")

    def _trusted_file(self) -> str | None:
        if not self.ca:
            return None
        handle, name = tempfile.mkstemp(prefix="email-engine-ca-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(self.ca)
        return name

    def _fault(self, error: Exception) -> FleetError:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(reason, (ssl.SSLError, SSLValidationError)):
            why = getattr(reason, "verify_message", "") or getattr(reason, "reason", "") or str(reason)
            return engine_answers.untrusted(self.url, str(why), bool(self.ca))
        if isinstance(reason, TimeoutError):
            return engine_answers.unreachable(self.url, f"no answer within {self.timeout} seconds")
        return engine_answers.unreachable(self.url, str(getattr(reason, "strerror", None) or reason))


def of(params: t.Mapping) -> Engine:
    """The engine that a module's options name. Raises FleetError where no engine can be there."""
    return Engine(params["url"], params["key"], params["ca"], params["timeout"])

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Walks through MailWizz's web wizard over HTTP: one session, one step after the other, nothing sent twice."""

from __future__ import annotations

import http.client
import socket
import ssl
import typing as t
import urllib.parse
from http.cookies import CookieError, SimpleCookie

from ..mailwizz import wizard
from ..problems import FleetError, Problem

#: The wizard's own check wants a browser's headers.
HEADERS = {"Accept": "text/html,application/xhtml+xml", "User-Agent": "email_engine.fleet", "Connection": "close"}


class _Tls(http.client.HTTPSConnection):
    """Asks the certificate for the public name, wherever the connection goes."""

    def __init__(self, host: str, port: int, timeout: int, context: ssl.SSLContext, name: str):
        super().__init__(host, port, timeout=timeout)
        self.wanted_context, self.wanted_name = context, name

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), self.timeout)
        self.sock = self.wanted_context.wrap_socket(plain, server_hostname=self.wanted_name)


class Site:
    """url: where MailWizz is served. host_name: sent as Host, or None. timeout: seconds for each answer."""

    def __init__(self, url: str, host_name: str | None, timeout: int, validate_certs: bool = True):
        parts = urllib.parse.urlsplit(url if url.endswith("/") else f"{url}/")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise FleetError([Problem("url", f"{url!r} is no web address", "Write e.g. http://127.0.0.1/.")])
        self.parts, self.timeout, self.validate_certs = parts, timeout, validate_certs
        self.host_name = host_name or parts.netloc
        self.cookies: dict[str, str] = {}

    def get(self, step: str) -> tuple[int, str, str]:
        return self._exchange("GET", step, None)

    def post(self, step: str, fields: t.Mapping[str, str]) -> tuple[int, str, str]:
        return self._exchange("POST", step, urllib.parse.urlencode(fields))

    def _exchange(self, method: str, step: str, body: str | None) -> tuple[int, str, str]:
        """Status, Location and text of the answer."""
        place = f"{self.parts.path}install/index.php?route={step}"
        headers = {**HEADERS, "Host": self.host_name}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = self._connection()
        try:
            connection.request(method, place, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            raise self._fault(step, error) from error
        finally:
            connection.close()
        self._remember(answer.headers.get_all("Set-Cookie") or [])
        return answer.status, answer.headers.get("Location") or "", text

    def _connection(self) -> http.client.HTTPConnection:
        host = self.parts.hostname or ""
        if self.parts.scheme == "http":
            return http.client.HTTPConnection(host, self.parts.port or 80, timeout=self.timeout)
        context = ssl.create_default_context()
        if not self.validate_certs:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return _Tls(host, self.parts.port or 443, self.timeout, context, self.host_name.partition(":")[0])

    def _remember(self, lines: t.Iterable[str]) -> None:
        for line in lines:
            try:
                self.cookies.update({name: one.value for name, one in SimpleCookie(line).items()})
            except CookieError:
                continue

    def _fault(self, step: str, error: Exception) -> FleetError:
        url = urllib.parse.urlunsplit(self.parts)
        if isinstance(error, (socket.timeout, TimeoutError)):
            told = f"gave no answer within {self.timeout} s"
            remedy = "Look at the logs of PHP-FPM. A step that wrote half of the database leaves it so: empty it first."
        else:
            told, remedy = str(error) or type(error).__name__, "See that nginx and PHP-FPM run and serve this address."
        return FleetError([Problem(f"{url} (step {step} of MailWizz's wizard)", told, remedy)])


def walk(site: Site, answers: t.Mapping[str, t.Mapping[str, str]]) -> str:
    """Every step, each sent once; the last one reached. Raises wizard.Refused or FleetError."""
    names = [step.name for step in wizard.STEPS]
    for step, following in zip(wizard.STEPS, [*names[1:], wizard.FINISH]):
        page = wizard.must_be_a_form(step.name, *site.get(step.name))
        fields = wizard.fill(step, page, answers.get(step.name, {}))
        wizard.must_go_on(step.name, following, *site.post(step.name, fields))
    wizard.must_be_a_form(wizard.FINISH, *site.get(wizard.FINISH))
    return wizard.FINISH

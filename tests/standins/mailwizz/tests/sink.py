# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An SMTP server that keeps what it gets, and answers as a test wants."""

from __future__ import annotations

import email
import email.policy
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from instance import free_port


@dataclass
class Mail:
    """One message as it came: envelope, bytes, who had logged in, and the number of its connection."""

    sender: str
    recipient: str
    raw: bytes
    user: str
    connection: int

    @property
    def message(self) -> EmailMessage:
        return email.message_from_bytes(self.raw, policy=email.policy.default)

    def __getitem__(self, header: str) -> str:
        return str(self.message[header])

    def body(self, kind: str) -> str:
        """The part text/plain or text/html, decoded."""
        part = self.message.get_body((kind,))
        assert part is not None
        return part.get_content()


@dataclass
class Sink:
    """replies: recipient => reply to RCPT; delay: seconds before DATA is answered; users: login => password, empty: no AUTH;
    on_rcpt, on_data: called before the answer to RCPT, and when a message is kept but not answered."""

    users: dict[str, str] = field(default_factory=dict)
    replies: dict[str, str] = field(default_factory=dict)
    delay: float = 0
    tls: Any = None
    on_rcpt: Callable[[], None] = lambda: None
    on_data: Callable[[], None] = lambda: None
    mails: list[Mail] = field(default_factory=list)
    helos: list[str] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Sink:
        sink = self

        class Session(SMTP):
            def connection_made(self, transport: Any) -> None:
                sink.connections += 1
                self.number = sink.connections
                super().connection_made(transport)

        class Listener(Controller):
            def factory(self) -> SMTP:
                return Session(
                    sink,
                    hostname="sink.test",
                    authenticator=sink.check if sink.users else None,
                    auth_required=bool(sink.users),
                    auth_require_tls=False,
                    tls_context=sink.tls,
                    require_starttls=sink.tls is not None,
                    data_size_limit=None,
                )

        self.port = free_port()
        self.controller = Listener(self, hostname="127.0.0.1", port=self.port)
        self.controller.start()
        self.connections = 0  # the one that start() made
        return self

    def __exit__(self, *exc: object) -> None:
        self.controller.stop()

    def check(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and self.users.get(data.login.decode()) == data.password.decode()
        return AuthResult(success=good, handled=good, auth_data=data)

    async def handle_EHLO(
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.helos.append(hostname)
        return responses

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        self.on_rcpt()
        reply = self.replies.get(address, "250 OK")
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.delay:
            time.sleep(self.delay)
        user = session.auth_data.login.decode() if session.auth_data else ""
        self.mails += [
            Mail(envelope.mail_from, rcpt, envelope.content, user, server.number) for rcpt in envelope.rcpt_tos
        ]
        self.on_data()
        return "250 2.0.0 OK: queued"

    def recipients(self) -> list[str]:
        return [mail.recipient for mail in self.mails]

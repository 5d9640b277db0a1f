# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SMTP in: who may speak, who may relay, and what happens to a message before its 250."""

from __future__ import annotations

import asyncio
import hmac
import ssl
import time
from email.utils import formatdate, make_msgid
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from . import reports, routing
from .engine import Engine
from .headers import Message
from .model import Config, source_value
from .paths import Paths


class Protocol(SMTP):
    """aiosmtpd's server with the limits and the AUTH offer of the peer's source."""

    line_length_limit = 1001

    def __init__(self, engine: Engine, named: str, context: ssl.SSLContext | None) -> None:
        self.engine, self.named = engine, named
        host = str(engine.config.glob("host-name", "localhost"))
        super().__init__(
            Handler(engine),
            hostname=host,
            ident="ESMTP PowerMTA standin",
            authenticator=authenticate,
            auth_exclude_mechanism=[],
            data_size_limit=None,
            tls_context=context,
            timeout=300,
            loop=asyncio.get_running_loop(),
        )

    def connection_made(self, transport: Any) -> None:
        peer = transport.get_extra_info("peername")
        policy = self.engine.config.source(peer[0], (self.named,) if self.named else ())
        size = source_value(policy, "max-message-size")
        self.data_size_limit = size if isinstance(size, int) and size else None
        if not source_value(policy, "allow-starttls"):
            self.tls_context = None
        clear = source_value(policy, "allow-auth") and source_value(policy, "allow-unencrypted-plain-auth")
        clear = clear and not source_value(policy, "require-starttls-before-auth")
        self._auth_require_tls = not clear
        super().connection_made(transport)


def policy_of(server: Protocol, session: Any) -> dict[str, Any]:
    """The source's settings for this session: by address, by listener, by SMTP user."""
    config = server.engine.config
    named = [server.named] if server.named else []
    user = getattr(session, "pmta_user", "")
    if user:
        block = config.named("smtp-user", user)
        chosen = (block.get("source") if block else None) or "{auth}"
        if config.named("source", chosen):
            named.append(chosen)
    return config.source(session.peer[0], tuple(named))


def authenticate(server: Protocol, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    """PLAIN and LOGIN against ``<smtp-user>`` passwords."""
    policy = policy_of(server, session)
    if source_value(policy, "allow-auth") and isinstance(data, LoginPassword):
        user = server.engine.config.named("smtp-user", data.login.decode("utf-8", "replace"))
        password = user.get("password") if user else None
        if password and hmac.compare_digest(password.encode(), data.password):
            session.pmta_user = user.name
            return AuthResult(success=True)
        server.engine.log(f"authentication failed for {data.login!r} from {session.peer[0]}")
    return AuthResult(success=False, handled=False)


class Handler:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def handle_EHLO(
        self, server: Protocol, session: Any, envelope: Any, hostname: str, replies: list[str]
    ) -> list[str]:
        session.host_name = hostname
        if not source_value(policy_of(server, session), "allow-auth"):
            replies = [one for one in replies if not one.startswith("250-AUTH")]
        return replies

    async def handle_MAIL(self, server: Protocol, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        policy = policy_of(server, session)
        if not source_value(policy, "smtp-service"):
            return "550 5.7.1 service refused"
        if source_value(policy, "require-auth") and not getattr(session, "pmta_user", ""):
            return "530 5.7.1 authentication required"
        envelope.mail_from = address or "<>"
        envelope.mail_options.extend(options)
        return "250 2.1.0 MAIL ok"

    async def handle_RCPT(self, server: Protocol, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        policy = policy_of(server, session)
        if "@" not in address:
            return f"550 5.1.3 recipient without domain: {address}"
        if not routing.relayed(server.engine.config, policy, address):
            server.engine.log(f"relaying denied: {address} from {session.peer[0]}")
            return f"550 5.7.1 relaying denied for <{address}>"
        most = source_value(policy, "max-rcpt-per-message")
        if isinstance(most, int) and len(envelope.rcpt_tos) >= most:
            return "452 4.5.3 too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 RCPT ok"

    async def handle_DATA(self, server: Protocol, session: Any, envelope: Any) -> str:
        local = server.transport.get_extra_info("sockname")
        return await asyncio.get_running_loop().run_in_executor(None, self._accept, server, session, envelope, local[0])

    def _accept(self, server: Protocol, session: Any, envelope: Any, local_ip: str) -> str:
        config, engine = server.engine.config, self.engine
        policy = policy_of(server, session)
        message = Message(envelope.content)
        orig = "" if envelope.mail_from == "<>" else envelope.mail_from
        if len(message.all("Received")) > source_value(policy, "max-message-hops"):
            return "554 5.4.6 too many hops"
        recipients = [rcpt for rcpt in envelope.rcpt_tos if not reports.taken(engine, rcpt, message, session)]
        try:
            with engine.lock:
                vmta, pool = engine.chooser.choose(config, policy, orig, recipients, message, local_ip)
        except routing.Refused as refusal:
            engine.log(f"refused from {session.peer[0]}: {refusal}")
            return str(refusal)
        job, envid = _job(policy, message, session), _taken(policy, message, "x-envid", "X-Envid")
        if not recipients:
            return "250 2.6.0 message received"
        _edit(config, policy, message, session, recipients)
        rcpts = [
            {
                "addr": target,
                "orcpt": "" if target == rcpt else rcpt,
                "domain": _domain(target),
                "vmta": vmta,
                "pool": pool,
            }
            for rcpt in recipients
            for target in routing.aliased(config, rcpt)
        ]
        stored = engine.submit(
            {
                "queued": time.time(),
                "orig": orig,
                "rcpts": rcpts,
                "jobId": job,
                "envId": envid,
                "srcType": "smtp",
                "srcMta": f"{session.host_name} ({session.peer[0]})",
                "rcvSourceIp": session.peer[0],
                "rcvDestinationIp": local_ip,
                "rcvSmtpUser": getattr(session, "pmta_user", ""),
                "suppressDsn": bool(source_value(policy, "suppress-local-dsn")),
                "headers": {name: message.first(name) or "" for name in engine.accounting.headers()},
            },
            message.content(),
        )
        return f"250 2.6.0 message received ({stored.envelope['id']})"


def _domain(address: str) -> str:
    domain = address.rpartition("@")[2]
    return (domain if domain.isascii() else domain.encode("idna").decode()).lower().rstrip(".")


def _taken(policy: dict[str, Any], message: Message, option: str, header: str) -> str:
    """An X- header the source processes; it is removed unless it is to be retained."""
    if not source_value(policy, f"process-{option}"):
        return ""
    value = message.first(header) or ""
    if not policy.get(f"retain-{option}"):
        message.remove([header])
    return value


def _job(policy: dict[str, Any], message: Message, session: Any) -> str:
    job = _taken(policy, message, "x-job", "X-Job")
    if not job and policy.get("jobid-header"):
        job = message.first(policy["jobid-header"]) or ""
    prefix = policy.get("jobid-prefix") or ""
    return (getattr(session, "pmta_user", "") if prefix == "{auth}" else prefix) + job if job else ""


def _edit(config: Config, policy: dict[str, Any], message: Message, session: Any, recipients: list[str]) -> None:
    gone = policy.get("remove-header")
    if isinstance(gone, list):
        message.remove(gone)
    host = str(config.glob("host-name", "localhost"))
    if source_value(policy, "add-message-id-header") and not message.all("Message-ID"):
        message.prepend("Message-ID", make_msgid(domain=host))
    if source_value(policy, "add-date-header") is True and not message.all("Date"):
        message.prepend("Date", formatdate(localtime=True))
    if source_value(policy, "add-received-header"):
        hidden = source_value(policy, "hide-message-source")
        origin = "" if hidden else f"from {session.host_name} ({session.peer[0]}) "
        who = f" for <{recipients[0]}>" if len(recipients) == 1 and not hidden else ""
        message.prepend(
            "Received", f"{origin}by {host} (PowerMTA standin) with ESMTP{who}; {formatdate(localtime=True)}"
        )


def tls_context(config: Config, paths: Paths) -> ssl.SSLContext | None:
    """``smtp-server-tls-certificate FILE [PASSWORD]``: certificate and key in one PEM file."""
    found = config.top.all("smtp-server-tls-certificate")
    if not found:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    password = found[0].args[1] if len(found[0].args) > 1 else None
    context.load_cert_chain(paths.real(found[0].args[0]), password=password)
    return context

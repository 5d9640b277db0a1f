# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One outbound connection of a queue: source address, EHLO name, TLS, messages, replies and the patterns on them."""

from __future__ import annotations

import smtplib
import socket
import ssl
from typing import Any, NamedTuple

from . import resolve, rollup, signing, status
from .engine import Engine
from .headers import Message
from .model import SourceHost
from .queues import Entry, Queue
from .resolve import Target, Unroutable


class Reply(NamedTuple):
    code: int
    text: str

    @property
    def line(self) -> str:
        return f"{self.code} {self.text}"


class NextHost(Exception):
    """This host does not take mail now; try the next one."""


def _reply(answer: tuple[int, bytes]) -> Reply:
    return Reply(answer[0], " ".join(answer[1].decode("utf-8", "replace").split("\n")))


class Delivery:
    """Runs in a worker thread from ``run`` to the end of the connection."""

    def __init__(self, engine: Engine, queue: Queue) -> None:
        self.engine, self.queue, self.config = engine, queue, engine.config
        self.seen: dict[str, Any] = {}
        self.esmtp = ""
        # The one recipient domain of this connection, in a queue rolled up by IP.
        self.recipient: str | None = None

    def run(self) -> None:
        try:
            self._run()
        except Exception as problem:  # a fault of the stand-in must not lose mail or a connection slot
            self.engine.log(f"internal error in {self.queue.name}: {type(problem).__name__}: {problem}")
            self.engine.queue_failed(self.queue)
            with self.engine.lock:
                for entry in [one for one in self.queue.sending if one in getattr(self, "taken", [])]:
                    self.engine.put_back(self.queue, entry)
        finally:
            self.engine.connection_ended(self.queue)

    def _want(self, name: str) -> Any:
        return self.config.setting(self.queue.domain, self.queue.vmta, name)

    def _run(self) -> None:
        source = self._source()
        if source is False:
            self.engine.queue_trouble(self.queue, "4.4.4", "all source addresses are disabled", {})
            self.engine.queue_failed(self.queue)
            return
        if self._want("type") == "discard":
            self._discard()
            return
        self.recipient = self._leader()
        version = 6 if isinstance(source, SourceHost) and ":" in source.ip else 4
        try:
            targets = self.engine.resolver.targets(
                self.config, self.queue.domain, self.queue.vmta, version, self.recipient
            )
            if any(resolve.is_ourselves(target, self.engine.local, self.engine.listening) for target in targets):
                raise Unroutable("5.4.6", f"routing loop: {self.queue.domain} leads back to this server", True)
        except Unroutable as problem:
            self._unroutable(problem)
            return
        for target in targets[: self._want("mx-connection-attempts")]:
            try:
                self._session(target, source or None)
                return
            except NextHost:
                continue
        self.engine.queue_failed(self.queue)

    def _leader(self) -> str | None:
        if not rollup.by_ip(self.config, self.queue.domain) or self._want("smtp-hosts"):
            return None
        with self.engine.lock:
            return next((entry.recipient["domain"] for entry in self.queue.ready), None)

    def _source(self) -> SourceHost | None | bool:
        """The next source of the VMTA in turn, None for the system's choice, False when all are disabled."""
        owner = self.config.vmtas.get(self.queue.vmta)
        hosts = owner.hosts if owner and owner.hosts else self.engine.config_hosts()
        if not hosts:
            return None
        usable = [host for host in hosts if not self.engine.source_disabled(host.ip, self.queue)]
        if not usable:
            return False
        with self.engine.lock:
            self.queue.turn += 1
            return usable[self.queue.turn % len(usable)]

    def _unroutable(self, problem: Unroutable) -> None:
        if not problem.permanent:
            self.engine.queue_trouble(self.queue, problem.status, problem.text, {})
            self.engine.queue_failed(self.queue)
            return
        with self.engine.lock:
            for entry in self.queue.take_all():
                if self.recipient in (None, entry.recipient["domain"]):
                    self.engine.bounce(self.queue, entry, problem.status, problem.text)
                else:
                    self.queue.ready.append(entry)

    def _discard(self) -> None:
        while entry := self.engine.next_entry(self.queue):
            self.engine.delivered(self.queue, entry, "250 discarded", {"dlvType": "discard"})

    # -- one host --------------------------------------------------------------------------------------------------

    def _session(self, target: Target, source: SourceHost | None) -> None:
        self.seen = {
            "dsnMta": f"{target.name} ({target.ip})",
            "dlvSourceIp": source.ip if source else "",
            "dlvDestinationIp": target.ip,
        }
        client = self._connect(target, source, True)
        try:
            self._messages(client)
        finally:
            try:
                client.quit()
            except (OSError, smtplib.SMTPException):
                client.close()

    def _host(self, source: SourceHost | None) -> str:
        owner = self.config.vmtas.get(self.queue.vmta)
        if owner and owner.block.get("host-name"):
            return owner.block.get("host-name")
        if source:
            return source.host
        return self.config.glob("host-name") or socket.getfqdn()

    def _connect(self, target: Target, source: SourceHost | None, tls: bool) -> smtplib.SMTP:
        client = smtplib.SMTP(
            local_hostname=self._host(source),
            timeout=min(self._want("connect-timeout"), 120),
            source_address=(source.ip, 0) if source else None,
        )
        try:
            reply = _reply(client.connect(target.ip, target.port))
            if reply.code == 220:
                if not self.seen["dlvSourceIp"]:
                    self.seen["dlvSourceIp"] = client.sock.getsockname()[0]
                reply = _reply(client.ehlo())
                if reply.code // 100 == 5:
                    reply = _reply(client.helo())
        except (OSError, smtplib.SMTPException) as problem:
            client.close()
            self._trouble("4.4.1", f"{problem}")
            raise NextHost from None
        if reply.code // 100 != 2:
            client.close()
            if reply.code // 100 == 5 and self._want("bounce-upon-5xx-greeting"):
                with self.engine.lock:
                    for entry in self.queue.take_all():
                        self._failed(entry, reply)
                return client
            self._act(self._actions(reply), reply)
            self._trouble(status.of_reply(reply.code, reply.text), f"smtp;{reply.line}")
            raise NextHost
        return self._secured(client, target, source, tls)

    def _secured(self, client: smtplib.SMTP, target: Target, source: SourceHost | None, tls: bool) -> smtplib.SMTP:
        """Opportunistic STARTTLS, without it again when it fails; ``require-starttls`` takes no host without."""
        required = self._want("require-starttls") and self._want("use-starttls")
        if tls and self._want("use-starttls") and client.has_extn("starttls"):
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            # smtplib takes the server's name from its constructor only, where it would connect without saying EHLO.
            client._host = target.name or target.ip  # type: ignore[attr-defined]
            try:
                client.starttls(context=context)
                client.ehlo()
                version, cipher = client.sock.version(), client.sock.cipher()[0]  # type: ignore[union-attr]
                self.seen.update(dlvTlsProtocol=version, dlvTlsCipher=cipher)
            except (OSError, smtplib.SMTPException) as problem:
                client.close()
                self._trouble("4.7.0", f"STARTTLS failed: {problem}")
                if required:
                    raise NextHost from None
                return self._connect(target, source, False)
        elif required:
            client.close()
            self._trouble("4.7.0", "STARTTLS required but not offered")
            raise NextHost
        self.seen["dlvEsmtpAvailable"] = ",".join(sorted(name.upper() for name in client.esmtp_features))
        user = self._want("auth-username")
        if user:
            try:
                client.login(user, self._want("auth-password") or "")
            except smtplib.SMTPException as problem:
                client.close()
                self._trouble("4.7.0", f"authentication failed: {problem}")
                raise NextHost from None
        return client

    def _trouble(self, code: str, text: str) -> None:
        self.engine.queue_trouble(self.queue, code, text, self.seen)

    # -- messages --------------------------------------------------------------------------------------------------

    def _messages(self, client: smtplib.SMTP) -> None:
        limit, sent = self._want("max-msg-per-connection"), 0
        self.taken: list[Entry] = []
        while (not limit or sent < limit) and client.sock is not None:
            entry = self.engine.next_entry(self.queue, self.recipient)
            if entry is None:
                return
            self.taken = [entry]
            sent += 1
            try:
                reply = self._send(client, entry)
            except (OSError, smtplib.SMTPException) as problem:
                client.close()
                self.engine.transient(self.queue, entry, "4.4.2", f"connection lost: {problem}", self.seen)
                return
            if not self._outcome(client, entry, reply):
                return

    def _send(self, client: smtplib.SMTP, entry: Entry) -> Reply:
        content = self._content(entry)
        options = []
        if client.has_extn("size"):
            options.append(f"size={len(content)}")
        if client.has_extn("8bitmime"):
            options.append("body=8bitmime")
        reply = _reply(client.mail(entry.message.envelope["orig"], options))
        if reply.code // 100 == 2:
            reply = _reply(client.rcpt(entry.recipient["addr"]))
            if reply.code // 100 == 2:
                try:
                    return _reply(client.data(content))
                except smtplib.SMTPDataError as problem:
                    error = problem.smtp_error
                    reply = _reply((problem.smtp_code, error if isinstance(error, bytes) else error.encode()))
        if reply.code != 421:
            client.rset()
        return reply

    def _content(self, entry: Entry) -> bytes:
        message = Message(entry.message.content())
        gone = self._want("remove-header")
        if gone and isinstance(gone, list):
            message.remove(gone)
        return signing.signed(message.content(), self.config, self.queue.domain, self.queue.vmta)

    def _outcome(self, client: smtplib.SMTP, entry: Entry, reply: Reply) -> bool:
        """Record one reply; False ends the connection."""
        if reply.code // 100 == 2:
            self.engine.delivered(self.queue, entry, reply.line, self.seen)
            return True
        actions = self._actions(reply)
        go_on = self._act(actions, reply)  # first: a change of mode decides when this recipient is tried again
        if reply.code // 100 == 5 or "bounce-rcpt" in actions or "bounce-queue" in actions:
            self._failed(entry, reply)
        else:
            code = status.of_reply(reply.code, reply.text)
            self.engine.transient(self.queue, entry, code, f"smtp;{reply.line}", self.seen)
        return go_on and reply.code != 421

    def _failed(self, entry: Entry, reply: Reply) -> None:
        code = status.of_reply(reply.code, reply.text)
        self.engine.bounce(self.queue, entry, code, f"smtp;{reply.line}", self.seen)

    # -- smtp-pattern-list -----------------------------------------------------------------------------------------

    def _actions(self, reply: Reply) -> dict[str, Any]:
        wanted = self._want("smtp-pattern-list")
        block = self.config.named("smtp-pattern-list", wanted) if wanted else None
        for setting in block.all("reply") if block else []:
            if setting.args[0].search(reply.line):
                return setting.args[1]
        return {}

    def _act(self, actions: dict[str, Any], reply: Reply) -> bool:
        engine, queue = self.engine, self.queue
        if "mode" in actions:
            engine.set_mode(queue, actions["mode"], actions.get("backoff-to-normal-after"))
        if "disable-source-ip" in actions:
            after = actions.get("reenable-after", self._want("reenable-source-ip-after"))
            after = None if after in (None, "never") else after
            engine.disable_source(self.seen["dlvSourceIp"], queue.domain, queue.vmta, after)
        if "bounce-queue" in actions:
            with engine.lock:
                for entry in queue.take_all():
                    self._failed(entry, reply)
        if "defer-queue" in actions:
            engine.queue_failed(queue)
        return not {"disable-source-ip", "bounce-queue", "defer-queue", "skip-mx"} & set(actions)

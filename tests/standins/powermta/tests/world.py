# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests act in: Root (files), Daemon (pmtad as a process), Sink (a remote mail server)."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable

from aiosmtpd.controller import Controller
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

HERE = Path(__file__).parent
BASE = """postmaster ops@example.com
log-file /var/log/pmta/log
run-as-root yes
<spool /var/spool/pmta>
</spool>
"""
RELAY = """<source 127.0.0.1>
    always-allow-relaying yes
</source>
"""


def new_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def until(done: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Wait for a truth; the last value comes back."""
    end = time.time() + seconds
    while time.time() < end:
        found = done()
        if found:
            return found
        time.sleep(0.05)
    return done()


class Root:
    def __init__(self, path: Path, key: bytes) -> None:
        self.path = path
        for one in ("etc/pmta/dkim", "var/log/pmta", "var/spool/pmta", "var/lib/pmta", "run/pmta"):
            (path / one).mkdir(parents=True, exist_ok=True)
        self.write("etc/pmta/license", (HERE.parent / "license.sample").read_text())
        self.write("etc/pmta/config-defaults", (HERE.parent / "debian" / "config-defaults").read_text())
        (path / "etc/pmta/dkim/mail1.pem").write_bytes(key)

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text)

    def config(self, text: str) -> None:
        self.write("etc/pmta/config", text)

    def load(self, text: str | None = None) -> Any:
        from pmta_standin.loader import load
        from pmta_standin.paths import Paths

        if text is not None:
            self.config(text)
        return load(Paths(str(self.path)))

    def records(self, stem: str = "acct") -> list[dict[str, str]]:
        """Every accounting record, by header name."""
        found = []
        for path in sorted((self.path / "var/log/pmta").glob(f"{stem}-*.csv")):
            with open(path, encoding="utf-8", newline="") as source:
                found += list(csv.DictReader(source))
        return found

    def spooled(self) -> list[Path]:
        return sorted((self.path / "var/spool/pmta").rglob("*.msg"))


class Daemon:
    def __init__(self, root: Root) -> None:
        self.root, self.port = root, free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}

    def configure(self, text: str, relay: str = RELAY) -> None:
        self.root.config(f"{BASE}smtp-listener 127.0.0.1:{self.port}\n{text}\n{relay}")

    def start(self) -> None:
        command = [sys.executable, "-m", "pmta_standin", "pmtad", "--root", str(self.root.path)]
        self.process = subprocess.Popen(command, env=self.environment, stderr=subprocess.PIPE)
        if not until(lambda: self.process.poll() is not None or self.pmta("show", "version").returncode == 0):
            raise AssertionError("pmtad did not come up")
        if self.process.poll() is not None:
            raise AssertionError(self.process.stderr.read().decode())

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)

    def kill(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process and self.process.stderr:
            self.process.stderr.close()

    def pmta(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pmta_standin", "pmta", "--root", str(self.root.path), *words]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True)

    def json(self, *words: str) -> Any:
        return json.loads(self.pmta("--json", *words).stdout)["data"]

    def send(
        self,
        rcpt: str | list[str] = "u@isp.test",
        orig: str = "b@bounce.test",
        sender: str = "contact@mail1.sos.test",
        headers: str = "",
        login: tuple[str, str] | None = None,
        body: str = "hello",
    ) -> None:
        with smtplib.SMTP("127.0.0.1", self.port, timeout=10) as client:
            if login:
                client.login(*login)
            text = f"From: Someone <{sender}>\r\nTo: u@isp.test\r\nSubject: test\r\n{headers}\r\n{body}\r\n"
            client.sendmail(orig, rcpt, text.encode())


class Sink:
    """Listens on 127.0.0.9; ``answers[recipient]`` is the reply to RCPT, ``most`` the messages it saw at once."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.attempts: list[str] = []
        self.answers: dict[str, str] = {}
        self.delay = 0.0
        self.now = self.most = 0
        self.port = free_port()
        self.host = f"[127.0.0.9]:{self.port}"
        self._controller = Controller(self, hostname="127.0.0.9", port=self.port)
        self._controller.start()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        self.attempts.append(address)
        answer = self.answers.get(address) or self.answers.get("*")
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(self.delay)
        self.now -= 1
        self.received.append(
            {
                "ip": session.peer[0],
                "ehlo": session.host_name,
                "orig": envelope.mail_from,
                "rcpt": envelope.rcpt_tos[0],
                "content": envelope.content,
            }
        )
        return "250 2.0.0 taken"

    def stop(self) -> None:
        self._controller.stop()

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real receivers of alerts on 127.0.0.1: a web service that takes JSON, a mail server, and a port where nobody ever answers."""

from __future__ import annotations

import json
import socket
import threading
import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller

TOKEN = "T0k3n-of-the-web-service-91"
PASSWORD = "Pa55word-of-the-mail-account"


class Web:
    """got: (path, JSON) of each request. status: what it answers with. seconds: that it takes for it."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict]] = []
        self.status, self.seconds = 200, 0.0
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(web.seconds)
                if web.status == 200:
                    web.got.append((self.path, json.loads(body)))
                self.send_response(web.status)
                self.end_headers()

            def log_message(self, *_said: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"json://127.0.0.1:{self._server.server_port}/hooks/{TOKEN}"

    def titles(self) -> list[str]:
        return [body["title"] for _path, body in self.got]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Mail:
    """got: the messages."""

    def __init__(self) -> None:
        self.got: list[EmailMessage] = []
        mail = self

        class Handler:
            async def handle_DATA(self, _server: object, _session: object, envelope: object) -> str:
                mail.got.append(message_from_bytes(envelope.content, policy=policy.default))
                return "250 OK"

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._controller = Controller(Handler(), hostname="127.0.0.1", port=port, auth_require_tls=False)
        self._controller.start()
        self.url = f"mailto://127.0.0.1:{port}/?from=engine@operator.test&to=ops@operator.test&mode=insecure"

    def close(self) -> None:
        self._controller.stop()


class Dead:
    """Takes connections, and never says anything."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"json://127.0.0.1:{self._socket.getsockname()[1]}/hooks/{TOKEN}?rto=2&cto=2"

    def close(self) -> None:
        self._socket.close()

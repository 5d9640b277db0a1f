# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pmtahttpd: the monitor's read-only pages as JSON, for those ``http-access`` lets in. Plain HTTP only."""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import pwd
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from . import control, loader, machine
from .errors import ConfigError
from .model import Config
from .paths import SOCKET, Paths

_PAGES = {
    "/status": "show status",
    "/queues": "show queues",
    "/domains": "show domains",
    "/vmtas": "show vmtas",
    "/jobs": "show jobs",
}


def level(config: Config, peer: str) -> str:
    """The first matching ``http-access`` line decides; no line, no access."""
    address = ipaddress.ip_address(peer)
    for setting in config.top.all("http-access"):
        network, access = setting.args
        if network.version == address.version and address in network:
            return access
    return "none"


class Page(BaseHTTPRequestHandler):
    server_version = "PowerMTA-standin"
    config: Config
    paths: Paths

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        keys = {setting.args[0] for setting in self.config.top.all("http-api-key")}
        if self.headers.get("X-API-Key") not in keys and level(self.config, self.client_address[0]) == "none":
            return self._answer(403, "access denied")
        if self.config.glob("http-redirect-to-https", True) is not False:
            self.send_response(301)
            self.send_header("Location", f"https://{self.headers.get('Host', '')}{self.path}")
            self.end_headers()
            return None
        if url.path not in _PAGES:
            return self._answer(404, "no such page")
        if parse_qs(url.query).get("format") != ["json"]:
            return self._answer(404, "only format=json is imitated")
        try:
            said = control.ask(self.paths.real(SOCKET), {"command": _PAGES[url.path], "args": [], "options": {}})
        except OSError as problem:
            return self._answer(503, f"cannot reach pmtad: {problem}")
        return self._answer(200 if said["ok"] else 400, "" if said["ok"] else said["text"], said["data"])

    def _answer(self, code: int, message: str, data: dict | None = None) -> None:
        status = "success" if code == 200 else "error"
        body = json.dumps({"data": data or {}, "status": status, "message": message}).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Access is not logged."""


def main(argv: list[str] | None = None) -> int:
    options = argparse.ArgumentParser(prog="pmtahttpd")
    options.add_argument("--root", default="")
    paths = Paths(options.parse_args(argv).root)
    try:
        config = loader.load(paths)
        port = config.glob("http-mgmt-port", 8080)
        if not port:
            return 0
        Page.config, Page.paths = config, paths
        server = ThreadingHTTPServer(("", port), Page)
        if os.geteuid() == 0 and config.glob("run-as-root", True) is False:
            account = pwd.getpwnam(machine.USER)
            os.initgroups(machine.USER, account.pw_gid)
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)
    except (ConfigError, OSError) as problem:
        print(problem, file=sys.stderr)
        return 1
    server.serve_forever()
    return 0

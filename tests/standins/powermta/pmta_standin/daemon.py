# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pmtad: start, listeners, signals, reload, the clean stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from . import VERSION_LINE, commands, control, licence, loader, localaddr, machine, privileges, smtp_in, table, values
from .accounting import Accounting
from .engine import STANDARD_LICENCE, Engine
from .errors import ConfigError
from .model import Config
from .paths import CONFIG, SOCKET, STARTUP_ERRORS, Paths
from .pmtalog import Log
from .smtp_out import Delivery
from .spool import Spool


class Daemon:
    def __init__(self, paths: Paths, debug: bool = False) -> None:
        self.paths, self.log = paths, Log()
        self.log.debug = debug
        fields = licence.read(paths)
        self.config = loader.load(paths)
        self.log.open(paths.real(self.config.top.get("log-file")), bool(self.config.top.get("log-file-world-readable")))
        directories = [block.name for block in self.config.top.inside("spool")]
        directories += [setting.args[0] for setting in self.config.top.all("spool")]
        accounting = Accounting(paths)
        accounting.configure(self.config)
        self.engine = Engine(self.config, Spool([paths.real(one) for one in directories]), accounting, self.log)
        self.engine.outbound = int(fields.get("outbound", STANDARD_LICENCE))
        self.engine.local = localaddr.addresses()
        self.licence = fields
        self._servers: dict[tuple[str, int], asyncio.AbstractServer] = {}
        self._sources: dict[tuple[str, int], str] = {}
        self._pool = ThreadPoolExecutor(max_workers=min(self.engine.outbound, 200), thread_name_prefix="out")
        self._awake = asyncio.Event()
        self._stop = asyncio.Event()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(max_workers=16, thread_name_prefix="in"))
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        self.engine.wake = lambda: loop.call_soon_threadsafe(self._awake.set) and None
        self.engine.start_delivery = lambda queue: self._pool.submit(Delivery(self.engine, queue).run) and None
        await self._listen(self.config)
        os.makedirs(os.path.dirname(self.paths.real(SOCKET)), exist_ok=True)
        door = await control.serve(self.paths.real(SOCKET), self._command)
        self._drop_privileges()
        recovered = 0
        for message in self.engine.spool.recover():
            self.engine.enqueue(message)
            recovered += len(message.open)
        self.log(f"{VERSION_LINE} started, {recovered} recipients in the spool")
        self._tell_what_is_not_imitated()
        _notify("READY=1")
        while not self._stop.is_set():
            self._awake.clear()
            await loop.run_in_executor(None, self.engine.tick)
            waits = [asyncio.ensure_future(self._awake.wait()), asyncio.ensure_future(self._stop.wait())]
            await asyncio.wait(waits, timeout=0.2, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
        await self._shut(door)

    def _tell_what_is_not_imitated(self) -> None:
        rows = table.rows()
        used = {(block.tag, setting.name) for block in self.config.top.walk() for setting in block.settings}
        idle = sorted(f"{name} in {section}" for section, name in used if not rows[section, name].acted)
        if idle:
            self.log(f"accepted but without effect in the stand-in: {', '.join(idle)}")

    async def _shut(self, door: asyncio.AbstractServer) -> None:
        _notify("STOPPING=1")
        self.log("stopping")
        self.engine.stopping = True
        door.close()
        for server in self._servers.values():
            server.close()
        deadline = time.time() + 10
        while time.time() < deadline and any(queue.connections for queue in self.engine.queues.values()):
            await asyncio.sleep(0.1)
        self.engine.accounting.close()
        with contextlib.suppress(OSError):
            os.unlink(self.paths.real(SOCKET))
        self.log("stopped")

    def _drop_privileges(self) -> None:
        if os.geteuid() != 0 or self.config.glob("run-as-root", True) is not False:
            return
        socket_path = self.paths.real(SOCKET)
        log = self.paths.real(self.config.top.get("log-file"))
        privileges.drop(machine.USER, [os.path.dirname(socket_path), socket_path, log])

    # -- listeners -------------------------------------------------------------------------------------------------

    async def _listen(self, config: Config) -> None:
        """Open what is new, close what is gone; a listener that stays is not interrupted."""
        wanted: dict[tuple[str, int], str] = {}
        known = self.engine.local = localaddr.addresses()
        found = [(s.args[0], s.args[1] if len(s.args) > 1 else "") for s in config.top.all("smtp-listener")]
        found += [
            (values.listener(block.name), block.get("source") or "") for block in config.top.inside("smtp-listener")
        ]
        for (network, port), source in found:
            for ip in loader.bindable(network, known):
                wanted.setdefault((ip, port), source)
        opened = {}
        try:
            for key in wanted.keys() - self._servers.keys():
                opened[key] = await self._bind(*key)
        except OSError as problem:
            for server in opened.values():
                server.close()
            raise ConfigError(f"cannot listen: {problem}", CONFIG) from None
        for key in self._servers.keys() - wanted.keys():
            self._servers.pop(key).close()
        self._servers.update(opened)
        self._sources = wanted
        self.engine.listening = list(wanted)

    async def _bind(self, ip: str, port: int) -> asyncio.AbstractServer:
        loop = asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in ip else socket.AF_INET

        def protocol() -> smtp_in.Protocol:
            context = smtp_in.tls_context(self.engine.config, self.paths)
            return smtp_in.Protocol(self.engine, self._sources.get((ip, port), ""), context)

        return await loop.create_server(protocol, ip, port, family=family, backlog=512)

    # -- commands --------------------------------------------------------------------------------------------------

    async def _command(self, request: dict[str, Any]) -> dict[str, Any]:
        if request.get("command") == "reload":
            return await self._reload()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, commands.execute, self.engine, self.licence, request)

    async def _reload(self) -> dict[str, Any]:
        """A refused configuration changes nothing."""
        loop = asyncio.get_running_loop()
        try:
            config = await loop.run_in_executor(None, loader.load, self.paths)
            await self._listen(config)
        except ConfigError as problem:
            self.log(f"reload failed: {problem}")
            return {"ok": False, "text": f"{problem}\nConfiguration not reloaded.", "data": {}}
        await loop.run_in_executor(None, self.engine.apply, config)
        self.config = config
        self.log("configuration reloaded")
        self._tell_what_is_not_imitated()
        return {"ok": True, "text": "Configuration reloaded.", "data": {}}


def _notify(state: str) -> None:
    """systemd's readiness protocol."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.connect("\0" + address[1:] if address.startswith("@") else address)
            sock.sendall(state.encode())


def main(argv: list[str] | None = None) -> int:
    options = argparse.ArgumentParser(prog="pmtad")
    options.add_argument("--root", default="", help="take every path below this directory")
    options.add_argument("--debug", action="store_true", help="log to standard error too")
    options.add_argument("--version", action="version", version=VERSION_LINE)
    chosen = options.parse_args(argv)
    paths = Paths(chosen.root)
    os.umask(0o027)

    async def start() -> None:
        await Daemon(paths, chosen.debug).run()

    try:
        asyncio.run(start())
    except (ConfigError, OSError, ValueError) as problem:
        print(problem, file=sys.stderr)
        try:
            with open(paths.real(STARTUP_ERRORS), "a", encoding="utf-8") as out:
                out.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {problem}\n")
        except OSError:
            pass
        return 1
    return 0

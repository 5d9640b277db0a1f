# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things lie. With a root directory every path, also one written in the configuration, is taken below it."""

from __future__ import annotations

import os

CONFIG = "/etc/pmta/config"
DEFAULTS = "/etc/pmta/config-defaults"
LICENCE = "/etc/pmta/license"
SOCKET = "/run/pmta/pmta.sock"
STATE = "/var/lib/pmta"
STARTUP_ERRORS = "/var/log/pmta/pmta-startuperr.log"


class Paths:
    """``real`` turns a product path into one of this machine, ``shown`` turns it back for messages."""

    def __init__(self, root: str = "") -> None:
        self.root = os.path.realpath(root).rstrip("/") if root else ""

    def real(self, path: str) -> str:
        if not self.root or path == self.root or path.startswith(self.root + "/"):
            return path
        return self.root + "/" + path.lstrip("/")

    def shown(self, path: str) -> str:
        if self.root and path.startswith(self.root + "/"):
            return path[len(self.root) :]
        return path

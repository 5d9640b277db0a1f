# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the PHP program on this host, as the user of the web server's PHP."""

from __future__ import annotations

import json
import os
import pwd
import typing as t

from ..mailwizz import program as spoken
from ..problems import FleetError, Problem

#: The options that the modules share, documented in the fragment ``mailwizz``.
ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "root": {"type": "path", "default": "/var/www/mailwizz"},
    "php": {"type": "path", "default": "/usr/bin/php"},
    "user": {"type": "str", "default": "www-data"},
    "program": {"type": "path", "default": "/usr/local/lib/email-engine/mailwizz/fleet.php"},
}

#: What the installer writes, below the root.
CONFIGURATION = "apps/common/config/main-custom.php"

#: Seconds of one command; of a read from the database, and of a connection to it.
LIMIT, READ_LIMIT, CONNECT_LIMIT = 300, 120, 10
#: How the command timeout says that it ended another one; by force, where that did not listen.
OVER = (124, 137)

#: Runs a command with a text on its standard input; exit code, standard output, standard error.
Runner = t.Callable[[list[str], str], tuple[int, str, str]]


class Program:
    """root: directory of MailWizz. The rest as in the modules' options."""

    def __init__(self, root: str, php: str, user: str, program: str, runner: Runner):
        self.root, self.php, self.user, self.program, self.runner = root, php, user, program, runner

    def missing(self) -> Problem | None:
        """What is not on this host, of what the program needs to be run at all."""
        for path, remedy in (
            (self.php, "Install PHP's command line, or say where it is in 'php'."),
            (self.program, "Run the role mailwizz, which installs it."),
            (os.path.join(self.root, "apps", "init.php"), "Unpack MailWizz there, or give another 'root'."),
        ):
            if not os.path.isfile(path):
                return Problem(path, "is not there", remedy)
        return None

    def ready(self) -> bool:
        """Whether there is an installed MailWizz. Where check mode runs before the first real run, there is none yet."""
        return self.missing() is None and self.ask("info", {})["installed"]

    def ask(self, command: str, document: t.Mapping) -> t.Any:
        """The program's answer. Secrets go in on standard input, so that no list of processes shows them."""
        missing = self.missing()
        if missing:
            raise FleetError([missing])
        limits = {
            "memory_limit": "512M",
            "default_socket_timeout": CONNECT_LIMIT,
            "mysqlnd.net_read_timeout": READ_LIMIT,
        }
        settings = [word for name, value in limits.items() for word in ("-d", f"{name}={value}")]
        limited = ["timeout", "--kill-after=10", str(LIMIT), self.php]
        words = [*self._as_user(), *limited, *settings, self.program, command, self.root]
        code, out, err = self.runner(words, json.dumps(document))
        if code in OVER:
            raise FleetError([self._silent(command)])
        return spoken.answer(command, code, out, err)

    def installed(self) -> bool:
        """Whether the installer wrote down a database. A file that cannot be looked at counts as there."""
        try:
            os.stat(os.path.join(self.root, CONFIGURATION))
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True
        return True

    def _silent(self, command: str) -> Problem:
        return Problem(
            f"MailWizz in {self.root}, command {command}",
            f"did not answer within {LIMIT} s; part of it may have been done",
            "See what its database waits for (SHOW FULL PROCESSLIST), and whether this host is out of memory or disk; then run this again.",
        )

    def _as_user(self) -> list[str]:
        try:
            wanted = pwd.getpwnam(self.user).pw_uid
        except KeyError:
            raise FleetError(
                [Problem("user", f"{self.user} is no user of this host", "Name the user of the web server's PHP.")]
            ) from None
        if os.geteuid() == wanted:
            return []
        if os.geteuid() != 0:
            raise FleetError(
                [Problem("user", f"only root can run MailWizz as {self.user}", "Give the task 'become: true'.")]
            )
        return ["runuser", "-u", self.user, "--"]


def of(module: t.Any) -> Program:
    """For a module of Ansible."""

    def runner(words: list[str], document: str) -> tuple[int, str, str]:
        return module.run_command(
            words, data=document, environ_update={"LC_ALL": "C.UTF-8", "LANGUAGE": "C"}, handle_exceptions=False
        )

    return Program(*(module.params[name] for name in ("root", "php", "user", "program")), runner)

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one playbook by ansible-runner, as a person would on this host: the installed collection, the installed inventory."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible_runner import Runner, RunnerConfig

from email_engine.settings import Settings

from . import guard
from .kinds import COLLECTION

log = logging.getLogger(__name__)
FORKS = 20


class Unsafe(str):
    """A text of somebody's, which Ansible must not take for a template."""


class _Dumper(yaml.SafeDumper):
    pass


_Dumper.add_representer(Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style='"'))


def _unsafe(value: Any) -> Any:
    if isinstance(value, str):
        return Unsafe(value)
    if isinstance(value, Mapping):
        return {key: _unsafe(one) for key, one in value.items()}
    return [_unsafe(one) for one in value] if isinstance(value, (list, tuple)) else value


def _end(mark: bytes) -> bool:
    """Tell the guard with *mark* among its arguments to end; False: it has not got as far as to have any. No file says its process
    ID, because whoever has the job by now clears away the files of this attempt."""
    for one in guard.children():
        try:
            if mark in Path(f"/proc/{one}/cmdline").read_bytes():
                os.kill(one, signal.SIGTERM)
                return True
        except OSError:
            continue
    return False


def connection(settings: Settings) -> dict[str, Any]:
    """The variables by which playbooks reach their hosts from here."""
    options = ["StrictHostKeyChecking=yes", "IdentitiesOnly=yes", "BatchMode=yes"]
    if settings.known_hosts is not None:
        options.append(f"UserKnownHostsFile={settings.known_hosts}")
    known = {
        "ansible_user": settings.remote_user,
        "ansible_ssh_private_key_file": settings.ssh_key and str(settings.ssh_key),
        "ansible_ssh_common_args": " ".join(f"-o {option}" for option in options),
        "fleet_engine_ca_file": settings.certificate and str(settings.certificate),
        "fleet_in_job": True,
    }
    return {name: value for name, value in known.items() if value is not None}


def environment(settings: Settings, place: Path) -> dict[str, str]:
    """All of a playbook's. Nothing comes from the worker's own, which knows the engine's secrets."""
    known = {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "HOME": str(place),
        "TMPDIR": str(place / "tmp"),
        "ANSIBLE_CONFIG": str(place / "ansible.cfg"),
        "ANSIBLE_HOME": str(place / "ansible"),
        "ANSIBLE_LOCAL_TEMP": str(place / "tmp"),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(place / "cp"),
        # The tree that is there now: a newer one may come while the playbook runs.
        "ANSIBLE_COLLECTIONS_PATH": str(settings.collections.resolve()),
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        # The key that is used may have no terminal; without pipelining sudo might want one.
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_FORKS": str(FORKS),
        "ANSIBLE_NOCOLOR": "True",
        "ANSIBLE_PYTHON_INTERPRETER": "auto_silent",
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
    }
    if settings.vault_password_file is not None:
        known["ANSIBLE_VAULT_PASSWORD_FILE"] = str(settings.vault_password_file)
    return known


def run(
    settings: Settings,
    playbook: str,
    variables: Mapping[str, Any],
    place: Path,
    lock: Path | None,
    heard: Callable[[Mapping[str, Any]], None],
    stopped: Callable[[], bool],
) -> int:
    """The exit status of *playbook*, of the collection; it runs alone among those with the same *lock*.

    variables: what the job was asked with, taken literally. place: a directory that is the playbook's own. heard: gets each event.
    stopped: asked several times a second; once true, the playbook is ended.
    """
    for name in ("tmp", "cp", "env"):
        (place / name).mkdir(mode=0o700, parents=True)
    (place / "ansible.cfg").touch()
    extra = place / "env" / "extravars"
    extra.write_text(yaml.dump({**connection(settings), **_unsafe(variables)}, Dumper=_Dumper, allow_unicode=True))
    # From a file only: given as arguments they are dropped when there is none.
    own = {"suppress_ansible_output": True, "suppress_output_file": True, "pexpect_timeout": 0.2}
    (place / "env" / "settings").write_text(json.dumps(own))
    config = RunnerConfig(
        str(place),
        playbook=f"{COLLECTION}.{playbook}",
        inventory=str(settings.inventory.resolve()),
    )
    config.prepare()
    wanted = environment(settings, place)
    config.env = {name: value for name, value in config.env.items() if os.environ.get(name) != value} | wanted
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    command = [
        sys.executable,
        "-I",
        guard.__file__,
        str(os.getpid()),
        str(settings.job_grace),
        str(lock) if lock else "-",
    ]
    config.command = [*command, program, *config.command[1:]]

    def event(found: Mapping[str, Any]) -> bool:
        try:
            heard(found)
        except Exception:  # raised, it would leave the playbook without anybody who watches it
            log.exception("an event of the playbook could not be read")
        return False  # ansible-runner keeps nothing itself

    told = False

    def look() -> bool:
        # ansible-runner would kill a process group, of which Ansible's workers are no part.
        nonlocal told
        if not told and stopped():
            told = _end(str(extra).encode())
        return False

    runner = Runner(config, cancel_callback=look, event_handler=event)
    runner.run()
    # None: the guard itself was killed.
    return 255 if runner.rc is None else runner.rc

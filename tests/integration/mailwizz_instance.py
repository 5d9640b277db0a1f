# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A MailWizz stand-in for the tests of what works in it: installed once, emptied before each test."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from ansible_collections.email_engine.fleet.plugins.module_utils.local.mailwizz_program import Program
from ansible_collections.email_engine.fleet.tests.standins.mailwizz.instance import Instance

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "roles/mailwizz/files/fleet/fleet.php"
KEPT = ("delivery_server", "campaign", "customer", "customer_group", "list")


def run(words: list[str], document: str) -> tuple[int, str, str]:
    done = subprocess.run(words, input=document, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def program_of(instance: Instance, runner=run) -> Program:
    return Program(str(instance.root), instance.php, instance.user, str(PROGRAM), runner)


def as_ansible(module: str, instance: Instance, check: bool = False, **params: object) -> dict:
    """The module as Ansible runs it: a process of its own, its parameters on standard input."""
    about = {"root": str(instance.root), "php": instance.php, "user": instance.user, "program": str(PROGRAM)}
    arguments = {**about, **params, "_ansible_check_mode": check, "_ansible_diff": True}
    done = subprocess.run(
        [sys.executable, "-m", f"ansible_collections.email_engine.fleet.plugins.modules.{module}"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def emptied(instance: Instance) -> None:
    """As after the installation: no tenant, no server, no campaign."""
    for table in KEPT:
        instance.sql(f"DELETE FROM {{{{{table}}}}} WHERE 1;")


def campaign(
    instance: Instance,
    customer: int,
    name: str,
    from_email: str,
    servers: tuple[int, ...] = (),
    status: str = "sending",
) -> int:
    """A campaign's row, as far as anybody looks at it here; its number."""
    values = {
        "customer_id": customer,
        "campaign_uid": name.ljust(13, "0"),
        "name": name,
        "from_email": from_email,
        "status": status,
    }
    columns = instance.sql("SHOW COLUMNS FROM {{campaign}};")
    lists = instance.sql(f"SELECT list_id FROM {{{{list}}}} WHERE customer_id = {customer};")
    if not lists:
        _insert(
            instance, "list", {"customer_id": customer, "list_uid": f"list{customer}".ljust(13, "0"), "name": "readers"}
        )
        lists = instance.sql(f"SELECT list_id FROM {{{{list}}}} WHERE customer_id = {customer};")
    if "list_id" in [column["Field"] for column in columns]:
        values["list_id"] = lists[0]["list_id"]
    _insert(instance, "campaign", values)
    number = int(instance.sql(f"SELECT campaign_id FROM {{{{campaign}}}} WHERE name = '{name}';")[0]["campaign_id"])
    for server in servers:
        _insert(instance, "campaign_to_delivery_server", {"campaign_id": number, "server_id": server})
    return number


def _insert(instance: Instance, table: str, values: dict) -> None:
    """A row, with something in every column that must have it."""
    for column in instance.sql(f"SHOW COLUMNS FROM {{{{{table}}}}};"):
        name, kind = column["Field"], column["Type"]
        if (
            name in values
            or column["Null"] == "YES"
            or "auto_increment" in column["Extra"]
            or column["Default"] not in ("NULL", "")
        ):
            continue
        values[name] = "2026-01-01 00:00:00" if kind.startswith("date") else "0" if "int" in kind else "x"
    quoted = ", ".join("'" + str(value).replace("'", "''") + "'" for value in values.values())
    instance.sql(
        f"SET SQL_MODE=''; INSERT INTO {{{{{table}}}}} ({', '.join(f'`{n}`' for n in values)}) VALUES ({quoted});"
    )

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the role mailwizz has to say the same as the domain."""

from __future__ import annotations

from pathlib import Path

import yaml

from ansible_collections.email_engine.fleet.plugins.module_utils.local import mailwizz_source
from ansible_collections.email_engine.fleet.plugins.module_utils.mailwizz import archive

ROLE = Path(__file__).parents[2] / "roles/mailwizz"


def read(name: str) -> dict:
    return yaml.safe_load((ROLE / name).read_text(encoding="utf-8"))


def test_the_web_writes_where_an_installations_data_is_and_to_nothing_that_is_code():
    assert tuple(read("vars/main.yml")["__mailwizz_writable"]) == archive.DATA
    closed = set(archive.WRITABLE) - set(archive.DATA)
    assert closed == {"apps/common/config", "apps/extensions"}
    assert all(folder in read("vars/main.yml")["__mailwizz_closed"] for folder in closed)


def test_each_jobs_name_is_one_that_the_product_has():
    names = [job["name"] for job in read("vars/main.yml")["__mailwizz_jobs"]]
    assert len(names) == len(set(names)) == 8
    # Names in circulation that do not exist.
    assert not {"process-bounces", "process-feedback-loop", "process-feedback-loops"} & set(names)


def test_what_is_unpacked_belongs_to_whom_the_role_lets_read_it():
    assert read("vars/main.yml")["__mailwizz_user"] == mailwizz_source.GROUP

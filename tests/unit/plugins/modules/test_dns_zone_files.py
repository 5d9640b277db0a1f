# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Zone files: written once, foretold exactly, nothing outside the directory."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

MODULE = "ansible_collections.email_engine.fleet.plugins.modules.dns_zone_files"
FILES = {"example.com": "a.example.com. 60 IN A 192.0.2.1\n", "0/26.2.0.192.in-addr.arpa": "x\n"}


@pytest.fixture
def write(tmp_path):
    def run(files, check=False, **options):
        arguments = {
            "directory": str(tmp_path / "zones"),
            "files": files,
            "_ansible_check_mode": check,
            "_ansible_diff": True,
        }
        (tmp_path / "arguments.json").write_text(json.dumps({"ANSIBLE_MODULE_ARGS": {**arguments, **options}}))
        done = subprocess.run(
            [sys.executable, "-m", MODULE, str(tmp_path / "arguments.json")],
            capture_output=True,
            text=True,
            check=False,
        )
        return json.loads(done.stdout.strip().splitlines()[-1])

    return run


def test_files_are_written_once(write, tmp_path):
    foreseen = write(FILES, check=True)
    assert foreseen["changed"] and not (tmp_path / "zones").exists()
    done = write(FILES)
    assert done["changed"] and done["diff"] == foreseen["diff"]
    assert (tmp_path / "zones" / "example.com.zone").read_text() == FILES["example.com"]
    assert (tmp_path / "zones" / "0-26.2.0.192.in-addr.arpa.zone").read_text() == "x\n"
    (tmp_path / "zones" / "other.txt").write_text("mine")
    assert not write(FILES)["changed"]
    changed = write({"example.com": "b\n"})
    assert changed["changed"] and changed["diff"][0]["before"] == FILES["example.com"]
    assert sorted(path.name for path in (tmp_path / "zones").iterdir()) == [
        "0-26.2.0.192.in-addr.arpa.zone",
        "example.com.zone",
        "other.txt",
    ]


@pytest.mark.parametrize("zone", ["../x", "a/b.example", "", "a..b"])
def test_names_that_are_no_zone_are_refused(write, tmp_path, zone):
    answer = write({zone: "x", "example.com": "y"})
    assert answer["failed"] and not (tmp_path / "zones").exists()


def test_one_zone_twice_is_refused(write):
    assert write({"Example.com.": "x", "example.com": "y"})["failed"]

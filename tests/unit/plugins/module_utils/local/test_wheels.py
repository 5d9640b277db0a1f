# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.local import wheels

HOST = {
    "python_version": "3.11",
    "python_full_version": "3.11.2",
    "platform_machine": "x86_64",
    "sys_platform": "linux",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
}
LOCK = """\
# made by a tool
alembic==1.20.1 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via email-engine
core==2.19.14 ; python_full_version < '3.12' \\
    --hash=sha256:cc
core==2.21.5 ; python_full_version >= '3.12' \\
    --hash=sha256:dd
async-timeout==5.0.1 ; python_full_version < '3.11.3' --hash=sha256:ee
tzdata==2026.6 ; sys_platform == 'win32' --hash=sha256:ff
psycopg[binary]==3.3.9 --hash=sha256:00
"""


def test_markers_are_those_of_the_other_python():
    assert wheels.locked(LOCK, HOST) == [
        "alembic==1.20.1 --hash=sha256:aa --hash=sha256:bb",
        "core==2.19.14 --hash=sha256:cc",
        "async-timeout==5.0.1 --hash=sha256:ee",
        "psycopg==3.3.9 --hash=sha256:00",
    ]
    newer = wheels.locked(LOCK, {**HOST, "python_version": "3.12", "python_full_version": "3.12.3"})
    assert [line.split()[0] for line in newer] == ["alembic==1.20.1", "core==2.21.5", "psycopg==3.3.9"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("alembic==1.20.1", "does not pin alembic with a hash"),
        ("alembic>=1 --hash=sha256:aa", "does not pin alembic"),
        ("-r other.txt", "is no requirement: -r other.txt"),
    ],
)
def test_a_lock_that_does_not_lock_is_refused(line, why):
    with pytest.raises(wheels.WheelError, match=why):
        wheels.locked(line, HOST)


def test_the_newest_platform_that_the_c_library_can_run_comes_first():
    tags = wheels.platforms("x86_64", "2.36")
    assert tags[0] == "manylinux_2_36_x86_64" and "manylinux2014_x86_64" in tags
    assert "manylinux_2_37_x86_64" not in tags


def test_the_listing_names_each_wheel_with_its_hash(tmp_path):
    for name in ("b_c-2.0-py3-none-any.whl", "a-1.0-cp311-cp311-manylinux2014_x86_64.whl"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "notes.txt").write_text("no wheel")
    lines = wheels.listing(wheels.wheels_in(str(tmp_path))).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["a==1.0", "b-c==2.0"]
    assert lines[1].endswith(hashlib.sha256(b"b_c-2.0-py3-none-any.whl").hexdigest())


def test_pip_says_why_it_fetched_nothing(tmp_path):
    wanted = ["alembic==0.0.0.dev0 --hash=sha256:" + "0" * 64]
    with pytest.raises(wheels.WheelError, match="pip download: .*alembic"):
        wheels.fetch([*wanted, "--no-index"], HOST, "2.36", str(tmp_path / "fetched"))
    assert list(tmp_path.iterdir()) == [], "whole or not at all"

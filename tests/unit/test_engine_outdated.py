# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which services the role engine restarts because what they run with is newer than they are."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

FILE = Path(__file__).parents[2] / "roles/engine/files/outdated.py"


@pytest.fixture
def outdated(monkeypatch):
    spec = importlib.util.spec_from_file_location("outdated", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    times = {"older": 1000.0, "newer": 3000.0, "stopped": None}
    monkeypatch.setattr(module, "started", times.__getitem__)
    return module


@pytest.fixture
def place(tmp_path):
    """A link and a directory with one file, all as of 500 s."""
    (tmp_path / "directory").mkdir()
    for path in (tmp_path / "target", tmp_path / "directory" / "file"):
        path.write_text("x")
        os.utime(path, (500, 500))
    (tmp_path / "link").symlink_to(tmp_path / "target")
    os.utime(tmp_path / "link", (500, 500), follow_symlinks=False)
    return tmp_path


def found(module, place, capsys):
    module.main("older", "newer", "stopped", "--", str(place / "link"), str(place / "directory"))
    return capsys.readouterr().out.split()


def test_nothing_is_newer(outdated, place, capsys):
    assert found(outdated, place, capsys) == []


@pytest.mark.parametrize("which", ["link", "directory/file"])
def test_what_is_newer_than_a_running_service(outdated, place, capsys, which):
    os.utime(place / which, (2000, 2000), follow_symlinks=False)
    assert found(outdated, place, capsys) == ["older"]


def test_where_a_link_leads_to_is_older_than_the_link_was(outdated, place, capsys):
    os.utime(place / "target", (2000, 2000))
    assert found(outdated, place, capsys) == [], "a release keeps its time, the link's own says when it was turned"

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a path leads to, reading ends, and says why it brought nothing."""

from __future__ import annotations

import os
import socket
import threading

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.local import config_files
from ansible_collections.email_engine.fleet.plugins.module_utils.local.config_files import (
    Includes,
    included,
    read_text,
    trouble,
)


def test_every_byte_arrives(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(bytes(range(256)) + "é\r\n".encode())
    assert read_text(str(path)).encode("utf-8", "surrogateescape") == path.read_bytes()


def test_pipes_are_read_until_their_writer_ends(tmp_path):
    path = str(tmp_path / "pipe")
    os.mkfifo(path)

    def write():
        with open(path, "w") as pipe:
            pipe.write("a\n" * 100000)

    writer = threading.Thread(target=write)
    writer.start()
    assert read_text(path) == "a\n" * 100000
    writer.join()


def test_a_pipe_that_nobody_writes_to_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(config_files, "PIPE_SECONDS", 0.1)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="nothing came"):
        read_text(str(tmp_path / "pipe"))


def test_endless_devices_end():
    with pytest.raises(OSError, match="larger than 1 MiB"):
        read_text("/dev/zero", most=2**20)
    with pytest.raises(OSError, match="not a regular file"):
        read_text("/dev/zero", only_regular=True)


def test_what_cannot_be_read_is_said(tmp_path):
    (tmp_path / "file").write_text("x\n")
    (tmp_path / "loop").symlink_to("loop")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "socket"))
    listener.close()
    said = {}
    for name in ("", "none", ".", "file/below", "loop", "socket", "a\0b", "x" * 300, "\ud800"):
        with pytest.raises(OSError) as error:
            read_text(os.path.join(tmp_path, name) if name else "")
        said[name] = trouble(error.value).what
    assert said["none"] == said[""] == "there is no such file"
    assert said["."] == "it is a directory"
    assert said["file/below"] == "a part of its path is not a directory"
    assert said["a\0b"] == said["\ud800"] == "no file can have this name"
    assert all(said.values())


def test_a_file_of_others(tmp_path):
    (tmp_path / "secret").touch(0o000)
    me = os.geteuid()
    try:
        if me == 0:  # who may read everything
            os.seteuid(65534)
        with pytest.raises(PermissionError) as error:
            read_text(str(tmp_path / "secret"))
    finally:
        os.seteuid(me)
    assert trouble(error.value).what == "permission denied"


def tree(place, **files):
    for name, text in files.items():
        path = place / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_includes_start_from_their_file_and_come_sorted(tmp_path):
    tree(tmp_path, conf__b="2", conf__a="1", conf__sub__c="3", other="4")
    base = str(tmp_path / "config")
    assert included("conf/[ab]", base) == [(f"{tmp_path}/conf/a", "1"), (f"{tmp_path}/conf/b", "2")]
    assert included(f"{tmp_path}/oth*", "elsewhere/config") == [(f"{tmp_path}/other", "4")]
    assert included("c", f"{tmp_path}/conf/sub/x") == [(f"{tmp_path}/conf/sub/c", "3")]


def test_brackets_in_a_name_are_meant(tmp_path):
    tree(tmp_path, a="glob")
    (tmp_path / "[a]").write_text("name")
    assert included("[a]", str(tmp_path / "config")) == [(f"{tmp_path}/[a]", "name")]
    inside = tmp_path / "[x]"
    tree(inside, part="p")
    assert included("p*", str(inside / "config")) == [(f"{inside}/part", "p")]


def test_what_was_not_included_is_said(tmp_path):
    tree(tmp_path, conf__a="1")
    (tmp_path / "conf/b").mkdir()
    base = str(tmp_path / "config")
    includes = Includes()
    # One that cannot be read does not hide the others.
    assert includes("conf/*", base) == [(f"{tmp_path}/conf/a", "1")]
    assert [what for what, _remedy in includes.unread["conf/*", base]] == [
        f"{tmp_path}/conf/b cannot be read: it is a directory"
    ]
    assert included("conf/*", base) is None
    for pattern, said in (
        ("none", "there is no such file"),
        ("none/*.conf", "no file matches"),
        ("HTTPS://x.example/a", "not fetched"),
        ("/dev/zero", "not a regular file"),
        ("a\0*", "no file matches"),
        ("[z-a]", "no file matches"),
    ):
        assert includes(pattern, base) is None
        assert said in includes.unread[pattern, base][0].what, pattern


def test_the_number_of_files_has_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr(config_files, "MOST_FILES", 3)
    tree(tmp_path, **{f"f{n}": "" for n in range(9)})
    base = str(tmp_path / "config")
    includes = Includes()
    assert len(includes("f*", base)) == 3
    assert includes("f1", base) is None
    assert "3 files were included already" in includes.unread["f1", base][0].what


def test_the_size_of_all_files_has_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr(config_files, "LARGEST", 25)
    tree(tmp_path, a="x" * 10, b="x" * 15, c="x")
    base = str(tmp_path / "config")
    includes = Includes()
    assert [name[-1] for name, _text in includes("[abc]", base)] == ["a", "b"]
    assert [what for what, _remedy in includes.unread["[abc]", base]] == [
        f"{tmp_path}/c cannot be read: with what was included before it is larger than 0 MiB"
    ]

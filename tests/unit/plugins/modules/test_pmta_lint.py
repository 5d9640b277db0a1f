# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pmta_lint as Ansible runs it, in a process of its own, and as a task."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = "ansible_collections.email_engine.fleet.plugins.modules.pmta_lint"
WHOLE = "postmaster a@b.example\nlog-file /var/log/pmta/log\n<spool /var/spool/pmta>\n</spool>\n"
NOTHING = {"findings": [], "error_count": 0, "warning_count": 0, "silenced": [], "unread": [], "changed": False}


def run(tmp_path, check=False, **options):
    path = tmp_path / "arguments.json"
    path.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": {**options, "_ansible_check_mode": check}}))
    done = subprocess.run([sys.executable, "-m", MODULE, path], capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in done.stderr, done.stderr
    answer = json.loads(done.stdout)
    return {key: value for key, value in answer.items() if key not in ("invocation", "deprecations")}


def write(tmp_path, text, name="config"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


@pytest.mark.parametrize("check", [False, True])
def test_a_good_file(tmp_path, check):
    assert run(tmp_path, check, path=write(tmp_path, WHOLE)) == NOTHING


@pytest.mark.parametrize("check", [False, True])
def test_errors_fail_with_their_places(tmp_path, check):
    path = write(tmp_path, WHOLE + "sync-msg-create no\n" + "nonsense\n" * 12)
    answer = run(tmp_path, check, path=path)
    assert answer["failed"] and not answer["changed"]
    assert (answer["error_count"], answer["warning_count"], len(answer["findings"])) == (12, 1, 13)
    lines = answer["msg"].splitlines()
    assert len(lines) == 11 and lines[0].startswith(f"{path}:6:1: error unknown-directive: ")
    assert lines[-1] == "and 2 more, in findings"


@pytest.mark.parametrize(
    ("text", "fail_on", "failed"),
    [
        ("nonsense\n", "error", True),
        ("nonsense\n", "warning", True),
        ("nonsense\n", "never", False),
        ("sync-msg-create no\n", "error", False),
        ("sync-msg-create no\n", "warning", True),
        ("sync-msg-create no\n", "never", False),
        ("", "warning", False),
    ],
)
def test_what_fails_is_chosen(tmp_path, text, fail_on, failed):
    answer = run(tmp_path, content=WHOLE + text, fail_on=fail_on)
    assert answer.get("failed", False) is failed
    assert answer["error_count"] + answer["warning_count"] == bool(text)


def test_files_and_their_includes(tmp_path):
    write(tmp_path, "nonsense\n", "part")
    paths = [write(tmp_path, WHOLE + "include part\n", name) for name in ("a", "b")]
    answer = run(tmp_path, paths=paths, fail_on="never")
    assert [found["file"] for found in answer["findings"]] == [f"{tmp_path}/part"]
    assert run(tmp_path, path=paths[0], paths=paths, fail_on="never") == answer


def test_a_text_stands_where_its_path_says(tmp_path):
    write(tmp_path, "nonsense\n", "part")
    answer = run(tmp_path, content=WHOLE + "include part\n", path=f"{tmp_path}/config", fail_on="never")
    assert [found["file"] for found in answer["findings"]] == [f"{tmp_path}/part"]
    answer = run(tmp_path, content="nonsense\n", fail_on="never")
    assert [found["file"] for found in answer["findings"]] == ["content"]


def test_whole_or_part(tmp_path):
    path = write(tmp_path, "virtual-mta x\n")
    assert "missing-postmaster" in {found["rule"] for found in run(tmp_path, path=path, whole=True)["findings"]}
    path = write(tmp_path, "<virtual-mta-pool p>\nvirtual-mta x\n</virtual-mta-pool>\n")
    assert run(tmp_path, path=path, whole=False)["error_count"] == 0


def test_silenced_findings_are_kept_with_their_reason(tmp_path):
    text = WHOLE + "nonsense\nsync-msg-create no # pmta-lint: ignore undocumented: old\n"
    answer = run(tmp_path, content=text, silence=[{"rule": "unknown-directive", "reason": " ours "}])
    assert answer["findings"] == [] and not answer.get("failed")
    assert [(found["rule"], found["reason"]) for found in answer["silenced"]] == [
        ("unknown-directive", "ours"),
        ("undocumented", "old"),
    ]


@pytest.mark.parametrize("fail_on", ["error", "never"])
def test_what_cannot_be_read_fails_and_hides_nothing(tmp_path, fail_on):
    bad = write(tmp_path, "nonsense\n")
    answer = run(tmp_path, paths=[f"{tmp_path}/none", bad], fail_on=fail_on)
    assert answer["failed"] and answer["unread"] == [{"path": f"{tmp_path}/none", "reason": "there is no such file"}]
    assert len(answer["findings"]) == 1
    assert answer["msg"].startswith(f"{tmp_path}/none: cannot be read: there is no such file")
    assert answer["msg"].count("\n") == (fail_on == "error")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "one of the following is required"),
        ({"content": "", "paths": ["/x"]}, "content and paths"),
        ({"content": "", "silence": [{"rule": "open-rely", "reason": "x"}]}, "Did you mean open-relay?"),
        ({"content": "", "silence": [{"rule": "open-relay", "reason": " "}]}, "silence[0].reason: is empty"),
        ({"content": "", "resolver": ["x"]}, "resolver: "),
    ],
)
def test_arguments_that_say_nothing_are_refused(tmp_path, options, said):
    answer = run(tmp_path, **options)
    assert answer["failed"] and said in answer["msg"]


def test_bytes_that_are_no_text(tmp_path):
    answer = run(tmp_path, path=write(tmp_path, b"postmaster \xff\nnonsense\xfe\n"), fail_on="never")
    assert json.dumps(answer, ensure_ascii=False).encode() and "syntax-encoding" in str(answer)


def test_the_host_is_looked_at_when_asked(tmp_path):
    text = f"domain-key s1,*,{tmp_path}/none.pem\n<domain *>\ndkim-sign yes\n</domain>\n"

    def found(**options):
        answer = run(tmp_path, content=text, resolver=["127.0.0.1:1"], **options)
        return [finding["rule"] for finding in answer["findings"] if finding["rule"].startswith("host-")]

    assert found() == []
    assert found(host=True) == ["host-key-missing"]


def test_a_password_in_the_text_is_shown_nowhere(tmp_path):
    play = [
        {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": sys.executable},
            "tasks": [
                {
                    "email_engine.fleet.pmta_lint": {
                        "content": "<smtp-user a>\npassword hunter2 hunter2\n</smtp-user>\n",
                        "whole": True,
                    }
                }
            ],
        }
    ]
    (tmp_path / "play.yml").write_text(json.dumps(play))
    for words in (["-vvv"], ["-vvv", "--check", "--diff"]):
        done = subprocess.run(
            [Path(sys.executable).parent / "ansible-playbook", "-i", "localhost,", "-c", "local", *words, "play.yml"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 2 and "missing-postmaster" in done.stdout
        assert "hunter2" not in done.stdout + done.stderr

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transactional apply against a fake `pmta` and `systemctl`: whatever fails, the last good file is what remains."""

from __future__ import annotations

import errno
import fcntl
import grp
import json
import os
import pathlib
import pwd
import re
import signal
import stat
import subprocess
import time

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils import pmta_transaction as tx
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError
from ansible_collections.email_engine.fleet.plugins.modules import pmta_config, pmta_info

FILES = pathlib.Path(__file__).parents[4] / "roles" / "powermta" / "files"

# Strict where it counts: reloads what is on disk, refuses a file that holds "REFUSED", forgets pauses when it starts.
PMTA = """#!/bin/sh
fake=$(dirname "$0"); config=$fake/etc/config
echo "pmta $*" >> "$fake/log"
[ "$1 $2" = "test config" ] || [ -f "$fake/active" ] || { echo "Error: cannot reach PowerMTA" >&2; exit 2; }
case "$1 $2" in
    "show version") echo "PowerMTA v$(cat "$fake/version") (2021-04-26 21:42:11, 64-bit)." ;;
    "test config")
        if grep -q BADTEST "$config"; then echo "Error in line 3 of $config: argument missing"; exit 1; fi
        echo "Configuration is valid." ;;
    "reload ")
        if grep -q BADLOAD "$config"; then echo "Error in line 7 of $config: unknown directive"; exit 0; fi
        cp "$config" "$fake/loaded"; echo "Configuration reloaded." ;;
    "show vmtas")
        [ -f "$fake/garbled" ] && { echo "what?"; exit 0; }
        n=0
        echo "name domains #rcpt % total kbytes conn"
        for name in $(sed -n 's/^<virtual-mta \\(.*\\)>$/\\1/p' "$fake/loaded"); do
            [ "$name" = "$(cat "$fake/lost" 2>/dev/null)" ] && continue
            echo "$name 0 $(cat "$fake/queued-$name" 2>/dev/null || echo 0) 0.0 0 0"; n=$((n+1))
        done
        echo "$n of $n virtual MTAs." ;;
    "show settings"|"show vmta-settings")
        [ "$(cat "$fake/unknown" 2>/dev/null)" = "$2" ] && { echo "Unknown command: $2"; exit 1; }
        [ "$2" = settings ] && printf 'max-smtp-out 20\\nretry-after 10m\\nbounce-after 4d\\n'
        # Directives of the virtual MTA itself, or of its <domain *>; the one in the file "ignored" is lost.
        awk -v name="${3#*/}" -v deep="$([ "$2" = settings ] && echo 1 || echo 0)" -v lost="$(cat "$fake/ignored" 2>/dev/null)" '
            $0 == "<virtual-mta " name ">" { inside = 1; next } /^<\\/virtual-mta>/ { inside = 0 }
            /^ *<domain/ { nested = 1; next } /^ *<\\/domain/ { nested = 0; next }
            inside && nested == deep && $1 != lost { sub(/^ */, ""); print }' "$fake/loaded" ;;
    "pause queue") [ -f "$fake/nopause" ] && { echo "Error: no"; exit 1; }; echo "$3" >> "$fake/paused"; echo "Queue(s) paused." ;;
    "resume queue") echo "Queue(s) resumed." ;;
    "schedule "*) echo "1 queue(s) scheduled." ;;
    *) echo "Unknown command: $*"; exit 1 ;;
esac
"""
SYSTEMCTL = """#!/bin/sh
fake=$(dirname "$0")
echo "systemctl $*" >> "$fake/log"
case "$1" in
    is-active) [ -f "$fake/active" ] && { echo active; exit 0; }; echo inactive; exit 3 ;;
    start)
        "$fake/recover" "$fake/state" >> "$fake/log" 2>&1 || exit 1
        if grep -q BADLOAD "$fake/etc/config"; then echo "Job for pmta.service failed" >&2; exit 1; fi
        cp "$fake/etc/config" "$fake/loaded"; : > "$fake/active" ;;
esac
"""
CONTENT = """\
postmaster ops@example.com
log-file /var/log/pmta/log
<spool /var/spool/pmta>
</spool>
include {secrets}
<virtual-mta vmta-a>
    smtp-source-host 192.0.2.1 a.example.com
</virtual-mta>
<virtual-mta vmta-b>
    smtp-source-host 192.0.2.2 b.example.com
</virtual-mta>
<source 198.18.0.1>
    always-allow-relaying yes
    default-virtual-mta vmta-a
</source>
"""
SECRETS = "<smtp-user mw>\n    password hunter2-{n}\n    source 198.18.0.1\n</smtp-user>\n"


class Host:
    """A machine in a directory."""

    def __init__(self, root: pathlib.Path):
        self.root = root
        (root / "etc").mkdir()
        self.config = root / "etc" / "config"
        self.secrets = root / "etc" / "fleet-secrets"
        self.state = root / "state"
        for name, text in (
            ("pmta", PMTA),
            ("systemctl", SYSTEMCTL),
            ("recover", (FILES / "email-engine-recover").read_text()),
        ):
            (root / name).write_text(text)
            (root / name).chmod(0o755)
        (root / "version").write_text("5.0r8")
        (root / "active").touch()
        self.content = CONTENT.format(secrets=self.secrets)
        self.killed_at = None

    def command(self, words):
        if self.killed_at and self.killed_at in words:
            os.kill(os.getpid(), signal.SIGKILL)
        path = f"{self.root}:{os.environ['PATH']}"
        done = subprocess.run(words, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path})
        return done.returncode, done.stdout, done.stderr

    def params(self, **more):
        return {
            "content": self.content,
            "secrets": SECRETS.format(n=1),
            "path": str(self.config),
            "secrets_path": str(self.secrets),
            "owner": pwd.getpwuid(os.geteuid()).pw_name,
            "group": grp.getgrgid(os.getegid()).gr_name,
            "mode": "0640",
            "pmta": str(self.root / "pmta"),
            "service": "pmta",
            "stops": [],
            "fleet": {"senders": [{"name": "a"}]},
            "state_dir": str(self.state),
            "lock_timeout": 1,
            "expect_vmtas": ["vmta-a", "vmta-b"],
            **more,
        }

    def apply(self, check=False, **more):
        return pmta_config.run(self.params(**more), check, self.command)

    def apply_and_die(self, at, **more):
        """The same, killed with signal 9 when it is about to run this word."""
        child = os.fork()
        if child == 0:
            self.killed_at = at
            try:
                self.apply(**more)
            finally:
                os._exit(7)
        _pid, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "it ended before it could be killed"

    def log(self):
        path = self.root / "log"
        lines = path.read_text().splitlines() if path.exists() else []
        path.write_text("")
        return lines

    def files(self):
        """Every file and directory with its bytes and mode, but for the log and the name in the lock."""
        return {
            str(path.relative_to(self.root)): (
                path.read_bytes() if path.is_file() else None,
                stat.S_IMODE(path.stat().st_mode),
            )
            for path in sorted(self.root.rglob("*"))
            if path.name not in ("log", "converge.lock")
        }

    def body(self):
        return tx.read_header(self.config.read_text()).body


@pytest.fixture
def host(tmp_path, monkeypatch):
    monkeypatch.setattr(pmta_config, "PAUSE_BETWEEN", 0.01)
    monkeypatch.setattr(pmta_config, "START_SECONDS", 1)
    return Host(tmp_path)


def changed(text):
    return text.replace("a.example.com", "c.example.com")


def test_first_apply_then_nothing_to_do(host):
    result = host.apply()
    assert (result["changed"], result["reloaded"], result["started"], result["generation"]) == (True, True, False, 1)
    assert host.config.read_text().startswith(f"# generation 1 sha256 {result['sha256']} ")
    assert host.body() == host.content
    assert host.secrets.read_text() == SECRETS.format(n=1)
    assert json.loads((host.state / "fleet.json").read_text()) == {"senders": [{"name": "a"}]}
    for path in (host.config, host.secrets, host.state / "fleet.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert not (host.state / "pending").exists()
    before = host.files()
    host.log()
    again = host.apply()
    assert (again["changed"], again["reloaded"], again["generation"], again["diff"]) == (False, False, 1, [])
    assert host.files() == before
    assert not [line for line in host.log() if "reload" in line or "test" in line]


def test_a_change_moves_the_generation_and_tests_before_it_loads(host):
    host.apply()
    host.log()
    result = host.apply(content=changed(host.content))
    assert (result["changed"], result["generation"], result["reloaded"]) == (True, 2, True)
    said = [line for line in host.log() if "test config" in line or "reload" in line]
    assert said == ["pmta test config", "pmta reload"]


def test_secrets_move_the_generation_and_are_never_shown(host):
    host.apply()
    old = tx.read_header(host.config.read_text())
    result = host.apply(secrets=SECRETS.format(n=2))
    assert (result["changed"], result["secrets_changed"], result["generation"]) == (True, True, 2)
    assert result["sha256"] == old.sha256
    assert "hunter2" not in repr(result)
    assert host.secrets.read_text() == SECRETS.format(n=2)


def test_passwords_of_the_file_that_is_replaced_are_masked(host):
    host.config.write_text(
        "postmaster a@b.c\n<smtp-user x>\n  PassWord  oldsecret\n</smtp-user>\nhttp-api-key abcdefgh\n"
        '<acct-file "|/bin/feed --token=oldtoken">\n</acct-file>\n'
    )
    (host.root / "loaded").write_text("")
    diff = host.apply()["diff"][0]
    assert not re.search("oldsecret|abcdefgh|oldtoken", repr(diff))
    assert "postmaster a@b.c" in diff["before"] and "vmta-b" in diff["after"]


def test_bad_secrets_are_refused_without_being_told(host):
    with pytest.raises(FleetError) as refused:
        host.apply(secrets="pasword sesame\n")
    assert "sesame" not in str(refused.value) and f"{host.secrets}:1" in str(refused.value)


def test_check_mode_touches_nothing_and_shows_the_real_diff(host):
    before = host.files()
    result = host.apply(check=True)
    assert result["changed"] and result["generation"] == 1
    assert host.files() == before and not host.state.exists()
    assert result["diff"][0]["after"].endswith(host.content)
    host.apply()
    before = host.files()
    result = host.apply(check=True, content=changed(host.content), secrets=SECRETS.format(n=2), stops=["vmta-a"])
    assert result["changed"] and result["secrets_changed"] and result["generation"] == 2
    assert host.files() == before
    assert not host.apply(check=True)["changed"]
    assert not [line for line in host.log()[-3:] if "pause" in line]


def test_a_config_the_linter_refuses_touches_nothing(host):
    host.apply()
    before = host.files()
    host.log()
    with pytest.raises(FleetError) as refused:
        host.apply(content=host.content + "default-virtual-mta-pool x\n")
    assert f"{host.config}:17: unknown-directive" in str(refused.value)
    assert host.files() == before
    assert host.log() == []


@pytest.mark.parametrize(
    ("mark", "words"),
    [("BADTEST", "Error in line 3"), ("BADLOAD", "Error in line 7")],
)
def test_what_the_product_refuses_is_put_back_and_loaded_again(host, mark, words):
    host.apply()
    before = {name: what for name, what in host.files().items() if name.startswith("etc")}
    host.log()
    with pytest.raises(pmta_config.Failed) as failed:
        host.apply(content=f"# {mark}\n{changed(host.content)}", secrets=SECRETS.format(n=2), fleet={"senders": []})
    assert words in str(failed.value)
    assert failed.value.result["restored"] and not failed.value.result["changed"]
    assert failed.value.result["generation"] == 1
    assert {name: what for name, what in host.files().items() if name.startswith("etc")} == before
    assert json.loads((host.state / "fleet.json").read_text()) == {"senders": [{"name": "a"}]}
    assert not (host.state / "pending").exists()
    assert host.log()[-1] == "pmta reload"
    assert (host.root / "loaded").read_text() == host.config.read_text()
    assert not host.apply()["changed"]


def test_a_vmta_that_is_not_reported_after_the_reload_is_a_failure(host):
    host.apply()
    (host.root / "lost").write_text("vmta-b")
    with pytest.raises(pmta_config.Failed, match="does not report 1 virtual MTAs: vmta-b"):
        host.apply(content=changed(host.content))
    assert host.body() == host.content


STOPPED = """\
<virtual-mta vmta-b>
    smtp-source-host 192.0.2.2 b.example.com
    <domain *>
        smtp-hosts "[127.0.0.1]:9"
    </domain>
</virtual-mta>
"""


def limited(text, rate="50/d"):
    """vmta-a with a rate, vmta-b stopped."""
    text = text.replace("1 a.example.com\n", f"1 a.example.com\n    max-smtp-msg-rate {rate}\n")
    return text[: text.index("<virtual-mta vmta-b>")] + STOPPED + text[text.index("<source ") :]


def test_values_are_read_back_after_the_reload(host):
    host.apply()
    host.log()
    assert host.apply(content=limited(host.content))["warnings"] == []
    said = [line for line in host.log() if "settings" in line]
    assert said == ["pmta show settings example.com/vmta-b", "pmta show vmta-settings vmta-a"]


@pytest.mark.parametrize(
    ("ignored", "told"),
    [
        ("smtp-hosts", r"vmta-b has no smtp-hosts instead of \[127.0.0.1\]:9"),
        ("max-smtp-msg-rate", "vmta-a has no max-smtp-msg-rate instead of 50/d"),
    ],
)
def test_a_value_that_powermta_ignores_is_a_failure(host, ignored, told):
    host.apply()
    (host.root / "ignored").write_text(ignored)
    with pytest.raises(
        pmta_config.Failed, match=f"ignores 1 of its values: {told}(.|\n)*put back and loaded"
    ) as failed:
        host.apply(content=limited(host.content))
    assert failed.value.result["restored"] and host.body() == host.content


@pytest.mark.parametrize(
    ("unknown", "warnings"),
    [("settings", ["smtp-hosts of vmta-b"]), ("vmta-settings", ["max-smtp-msg-rate of vmta-a"])],
)
def test_a_version_that_cannot_be_asked_is_told_and_accepted(host, unknown, warnings):
    (host.root / "unknown").write_text(unknown)
    result = host.apply(content=limited(host.content))
    assert result["reloaded"] and not result["restored"]
    assert [warning.partition(" could")[0] for warning in result["warnings"]] == warnings


def test_failure_on_a_host_without_a_configuration_leaves_none(host):
    with pytest.raises(pmta_config.Failed):
        host.apply(content=f"# BADTEST\n{host.content}")
    assert not host.config.exists() and not host.secrets.exists()


def test_4_5_has_no_test_command(host):
    (host.root / "version").write_text("4.5r13")
    host.apply()
    assert not [line for line in host.log() if "test config" in line]


def test_a_stopped_service_is_started_and_proves_the_file(host):
    (host.root / "active").unlink()
    result = host.apply()
    assert (result["started"], result["reloaded"]) == (True, False)
    # The recovery that runs before each start saw a live run and kept its hands off.
    assert host.body() == host.content
    assert (host.root / "loaded").read_text() == host.config.read_text()


def test_a_start_that_fails_restores(host):
    host.apply()
    (host.root / "active").unlink()
    with pytest.raises(pmta_config.Failed, match="Job for pmta.service failed"):
        host.apply(content=f"# BADLOAD\n{host.content}")
    assert host.body() == host.content


@pytest.mark.parametrize("at", ["test", "reload"])
def test_killed_before_it_was_proven_then_the_next_run_recovers(host, at):
    host.apply()
    host.apply_and_die(at, content=changed(host.content), secrets=SECRETS.format(n=2))
    assert "c.example.com" in host.body() and (host.state / "pending").exists()
    result = host.apply()
    assert result["recovered"] and result["changed"] and result["generation"] == 1
    assert host.body() == host.content and host.secrets.read_text() == SECRETS.format(n=1)
    assert not (host.state / "pending").exists()
    assert not host.apply()["recovered"]


def test_killed_and_the_next_run_is_refused_then_it_still_recovers_and_says_so(host):
    host.apply()
    host.apply_and_die("reload", content=changed(host.content))
    with pytest.raises(pmta_config.Failed, match="unknown-directive(.|\n)*put back"):
        host.apply(content=host.content + "nonsense\n")
    assert host.body() == host.content


def test_killed_then_the_next_start_of_the_service_meets_the_last_good_file(host):
    host.apply()
    good = host.config.read_bytes()
    about = host.config.stat()
    host.apply_and_die("reload", content=changed(host.content), fleet={"senders": []})
    assert host.config.read_bytes() != good
    (host.root / "active").unlink()
    assert host.command(["systemctl", "start", "pmta"])[0] == 0
    assert host.config.read_bytes() == good and (host.root / "loaded").read_bytes() == good
    assert (host.config.stat().st_mode, host.config.stat().st_uid) == (about.st_mode, about.st_uid)
    assert json.loads((host.state / "fleet.json").read_text()) == {"senders": [{"name": "a"}]}
    result = host.apply()
    assert result["recovered"] and not host.apply()["recovered"]


def test_killed_on_a_fresh_host_then_the_next_start_meets_no_file_of_ours(host):
    host.apply_and_die("reload")
    assert subprocess.run([host.root / "recover", host.state], check=False).returncode == 0
    assert not host.config.exists() and not host.secrets.exists()


def test_recovery_refuses_a_marker_it_cannot_read(host):
    host.apply()
    (host.state / "pending").write_text("rest")
    assert subprocess.run([host.root / "recover", host.state], check=False, stderr=subprocess.DEVNULL).returncode == 1
    with pytest.raises(FleetError, match="not readable"):
        host.apply()


def test_check_mode_sees_what_recovery_will_put_back(host):
    host.apply()
    host.apply_and_die("reload", content=changed(host.content))
    before = host.files()
    result = host.apply(check=True, content=changed(host.content))
    assert result["recovered"] and result["generation"] == 2
    assert "a.example.com" in result["diff"][0]["before"] and "c.example.com" in result["diff"][0]["after"]
    assert host.files() == before


def test_a_second_run_waits_and_then_names_who_holds_the_lock(host):
    host.apply()
    child = os.fork()
    if child == 0:
        with open(host.state / "converge.lock", "r+", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lock.seek(0)
            lock.write(f"process {os.getpid()} on here")
            lock.flush()
            (host.root / "locked").touch()
            time.sleep(30)
        os._exit(0)
    try:
        while not (host.root / "locked").exists():
            time.sleep(0.01)
        began = time.monotonic()
        with pytest.raises(FleetError, match=f"process {child} on here"):
            host.apply(content=changed(host.content))
        assert time.monotonic() - began >= 1
        assert host.body() == host.content
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert host.apply(content=changed(host.content))["changed"]


def test_the_lock_is_waited_for(host):
    host.apply()
    child = os.fork()
    if child == 0:
        with open(host.state / "converge.lock", "r+", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (host.root / "locked").touch()
            time.sleep(0.5)
        os._exit(0)
    while not (host.root / "locked").exists():
        time.sleep(0.01)
    assert host.apply(content=changed(host.content), lock_timeout=10)["changed"]
    os.waitpid(child, 0)


def test_no_space_left_while_writing(host, monkeypatch):
    host.apply()

    def files():
        return {name: what for name, what in host.files().items() if not name.startswith("state/last-good")}

    before = files()
    real = os.fsync
    calls = []

    def full(handle):
        calls.append(handle)
        # Each in turn: the copies, the new files, the marker.
        if len(calls) == full.at:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(handle)

    monkeypatch.setattr(os, "fsync", full)
    for full.at in range(1, 9):
        calls.clear()
        with pytest.raises(FleetError, match="No space left on device(.|\n)*Free space"):
            host.apply(content=changed(host.content), secrets=SECRETS.format(n=2))
        assert files() == before, full.at
    # The ninth comes after files in place were replaced: they are put back.
    full.at = 9
    calls.clear()
    with pytest.raises(pmta_config.Failed, match="put back"):
        host.apply(content=changed(host.content), secrets=SECRETS.format(n=2))
    assert files() == before
    monkeypatch.setattr(os, "fsync", real)
    assert host.apply(content=changed(host.content))["changed"]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_no_space_left_on_a_real_file_system(host):
    host.apply()
    small = host.root / "etc-small"
    small.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48k", "none", small], check=False, capture_output=True
    ).returncode:
        pytest.skip("no permission to mount")
    try:
        config = small / "config"
        config.write_text("# old\n")
        huge = host.content + "# filler\n" * 10000
        with pytest.raises(FleetError, match="No space left on device"):
            host.apply(path=str(config), secrets=None, content=huge)
        assert config.read_text() == "# old\n"
        assert os.listdir(small) == ["config"]
        assert not (host.state / "pending").exists()
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_vmta_with_queued_mail_is_not_removed(host):
    host.apply()
    without = host.content.replace(
        "<virtual-mta vmta-b>\n    smtp-source-host 192.0.2.2 b.example.com\n</virtual-mta>\n", ""
    )
    (host.root / "queued-vmta-b").write_text("12")
    for check in (True, False):
        with pytest.raises(FleetError, match="12 recipients wait"):
            host.apply(check=check, content=without, expect_vmtas=["vmta-a"])
    assert host.body() == host.content
    (host.root / "queued-vmta-b").unlink()
    (host.root / "garbled").touch()
    with pytest.raises(FleetError, match="nobody knows if mail waits in vmta-b"):
        host.apply(content=without, expect_vmtas=["vmta-a"])
    (host.root / "garbled").unlink()
    assert host.apply(content=without, expect_vmtas=["vmta-a"])["changed"]


def stops(host):
    return json.loads((host.state / "stops.json").read_text())


def test_stops_are_recorded_paused_each_time_and_lifted(host):
    result = host.apply(stops=["vmta-b"])
    assert result["stops"] == ["vmta-b"] and stops(host)["declared"] == ["vmta-b"]
    host.log()
    again = host.apply(stops=["vmta-b"])
    assert not again["changed"]
    assert "pmta pause queue */vmta-b" in host.log()
    result = host.apply(stops=[])
    assert result["changed"] and result["resumed"] == ["vmta-b"] and result["stops"] == []
    log = host.log()
    assert log.index("pmta resume queue */vmta-b") < log.index("pmta schedule */vmta-b")
    assert stops(host)["declared"] == []


def test_a_stop_made_at_run_time_survives_a_converge(host):
    host.apply(stops=["vmta-b"])
    record = {**stops(host), "runtime": {"vmta-a": {"who": "ops", "why": "listed"}, "vmta-b": {"who": "ops"}}}
    (host.state / "stops.json").write_text(json.dumps(record))
    host.log()
    result = host.apply(stops=[], content=changed(host.content))
    assert result["stops"] == ["vmta-a", "vmta-b"] and result["resumed"] == []
    said = host.log()
    assert "pmta pause queue */vmta-a" in said and "pmta pause queue */vmta-b" in said
    assert not [line for line in said if "resume" in line]
    assert stops(host)["runtime"] == record["runtime"] and stops(host)["declared"] == []


def test_a_stop_that_cannot_be_made_fails_and_stays_recorded(host):
    (host.root / "nopause").touch()
    with pytest.raises(pmta_config.Failed, match="vmta-b could not be paused"):
        host.apply(stops=["vmta-b"])
    assert stops(host)["declared"] == ["vmta-b"]
    assert host.body() == host.content


def test_stops_hold_when_the_new_configuration_is_refused(host):
    host.apply()
    with pytest.raises(pmta_config.Failed):
        host.apply(content=f"# BADLOAD\n{host.content}", stops=["vmta-a"])
    assert stops(host)["declared"] == ["vmta-a"]


def test_damaged_stop_record_is_not_an_empty_one(host):
    host.apply()
    (host.state / "stops.json").write_text("{")
    with pytest.raises(FleetError, match="cannot be read"):
        host.apply()


@pytest.mark.parametrize("name", ["*", "a/b", "a b", ""])
def test_a_wildcard_is_no_name(host, name):
    with pytest.raises(FleetError, match="not the name"):
        host.apply(stops=[name])


def test_stops_are_asserted_again_after_a_start(host):
    host.apply(stops=["vmta-b"])
    record = {**stops(host), "runtime": ["vmta-a"]}
    (host.state / "stops.json").write_text(json.dumps(record))
    (host.root / "paused").unlink()
    environment = {**os.environ, "PMTA": str(host.root / "pmta"), "EMAIL_ENGINE_START_SECONDS": "0.2"}
    script = FILES / "email-engine-stops"
    assert subprocess.run([script, host.state], env=environment, check=False).returncode == 0
    assert (host.root / "paused").read_text().split() == ["*/vmta-a", "*/vmta-b"]
    (host.root / "nopause").touch()
    assert subprocess.run([script, host.state], env=environment, check=False).returncode == 1
    (host.state / "stops.json").write_text("{")
    assert subprocess.run([script, host.state], env=environment, check=False).returncode == 1
    (host.state / "stops.json").unlink()
    assert subprocess.run([script, host.state], env=environment, check=False).returncode == 0


def test_stops_since_the_last_converge_are_asserted_again_and_again(host):
    host.apply(stops=["vmta-b"])
    (host.state / "stops.json").write_text(json.dumps({**stops(host), "runtime": ["vmta-a", "vmta-b"]}))
    (host.root / "paused").unlink()
    environment = {**os.environ, "PMTA": str(host.root / "pmta")}
    command = [FILES / "email-engine-stops", host.state, "--runtime"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert (host.root / "paused").read_text().split() == ["*/vmta-a"]
    (host.root / "nopause").touch()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=10, check=False)
    assert done.returncode == 1 and "vmta-a could not be paused" in done.stderr


def test_an_edited_file_is_replaced_and_reported(host):
    host.apply()
    host.config.write_text(host.config.read_text() + "# by hand\n")
    result = host.apply()
    assert result["changed"] and result["drifted"] and "# by hand" in result["diff"][0]["before"]
    assert host.body() == host.content


def test_mode_is_repaired_without_a_reload(host):
    host.apply()
    host.config.chmod(0o644)
    host.log()
    assert host.apply(check=True)["changed"]
    result = host.apply()
    assert result["changed"] and not result["reloaded"] and result["generation"] == 1
    assert stat.S_IMODE(host.config.stat().st_mode) == 0o640
    assert not host.apply()["changed"]


def test_another_fleet_record_alone_needs_no_reload(host):
    host.apply()
    host.log()
    result = host.apply(fleet={"senders": []})
    assert result["changed"] and not result["reloaded"] and result["generation"] == 1
    assert json.loads((host.state / "fleet.json").read_text()) == {"senders": []}


def test_without_powermta_nothing_is_written(host):
    (host.root / "pmta").unlink()
    before = host.files()
    with pytest.raises(FleetError, match="not there"):
        host.apply()
    assert host.files() == before
    assert host.apply(check=True)["changed"]


# pmta_info -------------------------------------------------------------------------------------------------------------


def info(host, **more):
    params = {
        "pmta": str(host.root / "pmta"),
        "service": "pmta",
        "state_dir": str(host.state),
        "license": str(host.root / "license"),
        "identities": False,
        "path": str(host.root / "config"),
    }
    return pmta_info.run({**params, **more}, host.command)


def test_info_of_a_running_host(host):
    sender = {"name": "a", "vmta": "vmta-a"}
    host.apply(fleet={"senders": [sender]}, stops=["vmta-b"])
    (host.root / "queued-vmta-a").write_text("7")
    (host.root / "license").touch()
    found = info(host)
    assert found == {
        "changed": False,
        "installed": True,
        "running": True,
        "version": "5.0r8",
        "license_present": True,
        "queued": {"vmta-a": 7, "vmta-b": 0},
        "queued_known": True,
        "unrecorded": [],
        "senders": [sender],
        "stops": ["vmta-b"],
        "runtime_stops": [],
        "generation": 0,
    } | {"generation": found["generation"]}


def test_info_without_powermta(host):
    (host.root / "pmta").unlink()
    found = info(host)
    assert (found["installed"], found["running"], found["version"], found["queued"]) == (False, False, None, {})
    assert found["senders"] == [] and found["stops"] == []


@pytest.mark.parametrize("trouble", ["garbled", "stopped"])
def test_info_never_takes_an_unreadable_queue_for_an_empty_one(host, trouble):
    host.apply(fleet={"senders": [{"name": "a", "vmta": "vmta-a"}]})
    if trouble == "garbled":
        (host.root / "garbled").touch()
    else:
        (host.root / "active").unlink()
    found = info(host)
    assert not found["queued_known"] and found["queued"] == {"vmta-a": -1}
    assert found["unrecorded"] == []


def test_info_names_what_waits_and_nobody_recorded(host):
    host.apply(fleet={"senders": [{"name": "a", "vmta": "VMTA-a"}]})
    for name, number in (("vmta-a", 3), ("vmta-b", 12)):
        (host.root / f"queued-{name}").write_text(str(number))
    assert info(host)["unrecorded"] == ["vmta-b"]
    (host.state / "fleet.json").unlink()
    found = info(host)
    assert (found["unrecorded"], found["senders"]) == (["vmta-a", "vmta-b"], [])
    (host.root / "queued-vmta-b").write_text("0")
    assert info(host)["unrecorded"] == ["vmta-a"]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"senders": null}', '{"senders": ["a"]}', "directory"])
def test_info_never_takes_a_damaged_record_for_an_empty_one(host, text):
    host.apply()
    path = host.state / "fleet.json"
    path.unlink()
    if text == "directory":
        path.mkdir()
    else:
        path.write_text(text)
    with pytest.raises(FleetError) as refused:
        info(host)
    assert str(refused.value).startswith(f"{path}: ")


def test_info_never_takes_damaged_stops_for_none(host):
    host.apply()
    (host.state / "stops.json").write_text("{")
    with pytest.raises(FleetError, match="stops.json: the record of stopped virtual MTAs cannot be read"):
        info(host)


def test_info_names_the_identities_when_asked(host):
    path = host.root / "identities"
    secrets = host.root / "secrets"
    secrets.write_text("<smtp-user u>\npassword zonk\n</smtp-user>\n")
    path.write_text(f"<virtual-mta VMTA-a>\nsmtp-source-host 192.0.2.1 a.test\n</virtual-mta>\ninclude {secrets}\n")
    host.apply(fleet={"senders": [{"name": "a", "vmta": "vmta-a"}]})
    found = info(host, identities=True, path=str(path))
    assert found["sources"] == {"vmta-a": ["192.0.2.1 a.test"]}
    assert found["loaded"] == ["vmta-a", "vmta-b"]
    assert any(network.startswith("127.0.0.") for network in found["bound"])
    assert "zonk" not in json.dumps(found)


@pytest.mark.parametrize("trouble", ["garbled", "stopped"])
def test_info_says_nothing_of_what_powermta_does_not_tell(host, trouble):
    host.apply(fleet={"senders": [{"name": "a", "vmta": "vmta-a"}]})
    if trouble == "garbled":
        (host.root / "garbled").touch()
    else:
        (host.root / "active").unlink()
    assert info(host, identities=True)["loaded"] is None


def test_info_tells_a_missing_configuration_from_an_unreadable_one(host):
    path = host.root / "identities"
    assert info(host, identities=True, path=str(path))["sources"] == {}
    path.write_text("<virtual-mta a>\n</virtual-mta>\ninclude gone\n")
    assert info(host, identities=True, path=str(path))["sources"] is None
    path.unlink()
    path.mkdir()
    assert info(host, identities=True, path=str(path))["sources"] is None

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drift against the stand-in as a real process: what was bent on purpose is named, and nothing else is."""

from __future__ import annotations

import contextlib
import fcntl
import grp
import io
import json
import os
import pwd
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils import pmta_transaction as tx
from ansible_collections.email_engine.fleet.plugins.module_utils.drift.difference import DIFFERENCES, UNKNOWNS
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError
from ansible_collections.email_engine.fleet.plugins.modules import pmta_drift

ROOT = Path(__file__).resolve().parents[4]
sys.path[:0] = [str(ROOT / "tests/standins/powermta"), str(ROOT / "tests/standins/powermta/tests")]

from pmta_standin import cli  # noqa: E402
from world import BASE, Daemon, Root, new_key, until  # noqa: E402

PLACE = {"a": "127.0.0.21", "b": "127.0.0.22", "s": "127.0.0.23"}
WANTED = (
    BASE
    + """\
smtp-listener 127.0.0.1:{port}
domain-macro gmail gmail.test,googlemail.test
<smtp-pattern-list isp>
    reply /too many errors/ mode=backoff
    reply /over quota/ bounce-rcpt
</smtp-pattern-list>
<domain $gmail>
    max-msg-rate 2000/h
    max-smtp-out 10
</domain>
<domain *>
    smtp-hosts [127.0.0.9]:1
    smtp-pattern-list isp
    retry-after 1h
    dkim-sign yes
</domain>
<virtual-mta vmta-a>
    smtp-source-host 127.0.0.21 a.sos.test
    domain-key s1,sos.test,/etc/pmta/dkim/mail1.pem
    max-smtp-msg-rate 50/d
    <domain $gmail>
        max-msg-rate 20/d
    </domain>
</virtual-mta>
<virtual-mta vmta-b>
    smtp-source-host 127.0.0.22 b.sos.test
    max-smtp-msg-rate 100/d
</virtual-mta>
<virtual-mta vmta-s>
    smtp-source-host 127.0.0.23 s.sos.test
    <domain *>
        smtp-hosts "[127.0.0.1]:9"
        retry-after 10m
        bounce-after 30d
    </domain>
</virtual-mta>
<virtual-mta-pool everybody>
    virtual-mta vmta-a
    virtual-mta vmta-b
</virtual-mta-pool>
<source 127.0.0.1>
    always-allow-relaying yes
    process-x-virtual-mta yes
</source>
"""
)
SECRETS = "<smtp-user mw>\n    password hunter2\n    source 127.0.0.1\n</smtp-user>\n"


class Host:
    """A machine in a directory on which WANTED was applied and runs."""

    def __init__(self, daemon: Daemon):
        self.daemon, self.root = daemon, daemon.root.path
        self.config = self.root / "etc/pmta/config"
        self.secrets = self.root / "etc/pmta/fleet-secrets"
        self.state = self.root / "var/lib/email-engine"
        self.state.mkdir()
        self.wanted = WANTED.format(port=daemon.port)
        self.senders = [{"vmta": f"vmta-{name}", "name": name, "ip": PLACE[name]} for name in PLACE]
        self.script("pmta", "exit 9")
        self.liar = False
        self.script("systemctl", f'[ -f "{self.root}/run/pmta/active" ] && echo active || {{ echo inactive; exit 3; }}')
        self.active = self.root / "run/pmta/active"
        self.active.touch()
        self.asked: list[str] = []
        self.write(tx.with_header(4, self.wanted))
        self.secrets.write_text(SECRETS)
        self.secrets.chmod(0o640)
        self.record(declared=["vmta-s"])
        (self.state / tx.FLEET).write_text(tx.write_fleet({"senders": self.senders}))

    def script(self, name: str, line: str) -> None:
        (self.root / name).write_text(f"#!/bin/sh\n{line}\n")
        (self.root / name).chmod(0o755)

    def write(self, text: str) -> None:
        self.config.write_text(text)
        self.config.chmod(0o640)

    def edit(self, old: str, new: str) -> None:
        text = self.config.read_text()
        assert text.count(old) == 1, old
        self.write(text.replace(old, new))

    def line(self, text: str) -> int:
        """The number of the first line of the file that holds this."""
        return next(n for n, line in enumerate(self.config.read_text().splitlines(), 1) if text in line)

    def record(self, **lists: list) -> None:
        (self.state / tx.STOPS).write_text(json.dumps({"version": 1, **lists}))

    def speak(self, *words: str) -> tuple[int, str, str]:
        """The stand-in's client, without a process of its own; the daemon is one."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli.main(["--root", str(self.root), *words])
        return code, out.getvalue(), err.getvalue()

    def pmta(self, *words: str) -> str:
        code, out, err = self.speak(*words)
        assert code == 0, err
        return out

    def lie(self, command: str, answer: str) -> None:
        """From now on *command* is answered so; every other one as before."""
        real = f'{sys.executable} -m pmta_standin pmta --root "{self.root}" "$@"'
        self.script("pmta", f'case "$*" in "{command}"*) printf "%s\\n" "{answer}" ;; *) exec {real} ;; esac')
        self.liar = True

    def reload(self) -> None:
        self.pmta("reload")

    def send(self, rcpt: str, vmta: str) -> None:
        self.daemon.send(rcpt, headers=f"X-Virtual-MTA: {vmta}\r\n")
        name = f"{rcpt.rpartition('@')[2]}/{vmta}"
        assert until(lambda: name in self.pmta("show", "queues", "--maxitems=100"))

    def command(self, words: list) -> tuple:
        if words[0] == "timeout":
            self.asked.append(" ".join(words[3:]))
            if words[2] == str(self.root / "pmta") and not self.liar:
                return self.speak(*words[3:])
        environment = {**self.daemon.environment, "PATH": f"{self.root}:{os.environ['PATH']}"}
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
        return done.returncode, done.stdout, done.stderr

    def drift(self, **more: object) -> dict:
        self.asked = []
        params = {
            "content": self.wanted, "secrets": SECRETS, "stops": ["vmta-s"], "vmtas": ["vmta-a", "vmta-b", "vmta-s"],
            "fleet": {"senders": self.senders}, "path": str(self.config), "secrets_path": str(self.secrets),
            "owner": pwd.getpwuid(os.geteuid()).pw_name, "group": grp.getgrgid(os.getegid()).gr_name, "mode": "0640",
            "pmta": str(self.root / "pmta"), "service": "pmta", "state_dir": str(self.state), "max_questions": 300,
            "ignore": [], **more,
        }  # fmt: skip
        before = self.files()
        result = pmta_drift.run(params, self.command)
        assert self.files() == before and result["changed"] is False, "it only looks"
        return result

    def files(self) -> dict:
        """What a comparison must leave alone: configuration and records, with their bytes, modes and times."""
        found = [*self.config.parent.rglob("*"), *self.state.rglob("*")]
        return {
            str(path): (path.read_bytes(), stat.S_IMODE(path.stat().st_mode), path.stat().st_mtime_ns)
            for path in found
            if path.is_file()
        }


@pytest.fixture(scope="module")
def key():
    return new_key()


@pytest.fixture
def host(tmp_path, key):
    daemon = Daemon(Root(tmp_path, key))
    one = Host(daemon)
    daemon.start()
    yield one
    daemon.kill()


def told(result: dict) -> list[tuple]:
    return [(one["kind"], one["what"], one["where"], one["wanted"], one["found"]) for one in result["differences"]]


def kinds(result: dict) -> list[str]:
    return sorted(one["kind"] for one in result["differences"])


def unknowns(result: dict) -> list[str]:
    return sorted(one["kind"] for one in result["unknown"])


def test_what_was_applied_is_in_sync(host):
    result = host.drift()
    assert (result["verdict"], result["in_sync"], result["differences"], result["unknown"]) == ("in_sync", True, [], [])
    assert (result["generation"], result["edited"]) == (4, False)
    assert result["sha256"] == tx.digest(host.wanted)


def test_an_edited_value_that_is_loaded_is_named_in_the_file_and_in_the_running_mta(host):
    host.edit("max-smtp-msg-rate 50/d", "max-smtp-msg-rate 500/d")
    host.reload()
    result = host.drift()
    at = f"{host.config}:{host.line('500/d')}"
    assert told(result) == [
        ("file-value", "virtual-mta vmta-a: max-smtp-msg-rate", at, "50/d", "500/d"),
        ("setting-from-file", "max-smtp-msg-rate", "virtual MTA vmta-a", "50/d", "500/d"),
    ]
    assert (result["verdict"], result["in_sync"], result["edited"]) == ("drift", False, True)
    assert "inventory or the policy" in result["differences"][0]["remedy"]


def test_a_file_that_is_right_and_not_loaded_is_told_apart(host):
    host.edit("max-smtp-msg-rate 50/d", "max-smtp-msg-rate 500/d")
    host.edit("max-msg-rate 20/d", "max-msg-rate 200/d")
    host.edit('smtp-hosts "[127.0.0.1]:9"', "smtp-hosts [127.0.0.9]:1")
    host.reload()
    host.write(tx.with_header(4, host.wanted))
    result = host.drift()
    assert {(kind, what, wanted, found) for kind, what, _where, wanted, found in told(result)} == {
        ("setting-not-loaded", "max-smtp-msg-rate", "50/d", "500/d"),
        ("setting-not-loaded", "max-msg-rate", "20/d", "200/d"),
        ("setting-not-loaded", "smtp-hosts", "[127.0.0.1]:9", "[127.0.0.9]:1"),
    }
    assert all("pmta reload" in one["remedy"] for one in result["differences"])
    host.reload()
    assert host.drift()["in_sync"] is True


def test_a_wrong_file_that_is_not_loaded_leaves_the_running_mta_alone(host):
    host.edit("max-smtp-msg-rate 50/d", "max-smtp-msg-rate 500/d")
    assert kinds(host.drift()) == ["file-value"]


def test_a_new_inventory_is_told_apart_from_an_edit(host):
    result = host.drift(content=host.wanted.replace("50/d", "60/d"))
    assert [one["kind"] for one in result["differences"]] == ["file-value", "setting-from-file"]
    assert result["edited"] is False and "Nobody edited" in result["differences"][0]["remedy"]


EDITS = {
    "line added": ("    max-smtp-out 10\n", "    max-smtp-out 10\n    max-msg-per-connection 7\n",
                   ("file-line-extra", "domain $gmail: max-msg-per-connection", "max-msg-per-connection", None, "7")),
    "line taken": ("    max-smtp-out 10\n", "",
                   ("file-line-missing", "domain $gmail: max-smtp-out", "<domain $gmail>", "10", None)),
    "nested value": ("max-msg-rate 20/d", "max-msg-rate 21/d",
                     ("file-value", "virtual-mta vmta-a, domain $gmail: max-msg-rate", "21/d", "20/d", "21/d")),
    "pool member": ("    virtual-mta vmta-b\n", "",
                    ("file-line-missing", "virtual-mta-pool everybody: virtual-mta", "<virtual-mta-pool", "vmta-b", None)),
    "entry edited": ("bounce-rcpt", "bounce-queue",
                     ("file-value", "smtp-pattern-list isp: reply", "over quota", "/over quota/ bounce-rcpt", "/over quota/ bounce-queue")),
    "section added": ("<source 127.0.0.1>", "<source 0/0>\n    always-allow-relaying yes\n</source>\n<source 127.0.0.1>",
                      ("section-extra", "source 0/0", "<source 0/0>", None, "a section with 1 directives")),
    "top level": ("domain-macro gmail gmail.test,googlemail.test", "domain-macro gmail gmail.test",
                  ("file-value", "domain-macro", "domain-macro", "gmail gmail.test,googlemail.test", "gmail gmail.test")),
    "comment": ("<domain *>\n    smtp-hosts [127.0.0.9]:1", "<domain *> # mine\n    smtp-hosts   [127.0.0.9]:1",
                ("file-text", "text", None, "as rendered", "as edited")),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITS)
def test_each_edit_of_the_file_is_named_with_its_place(host, name):
    old, new, (kind, what, place, wanted, found) = EDITS[name]
    host.edit(old, new)
    where = f"{host.config}:{host.line(place)}" if place else str(host.config)
    assert told(host.drift()) == [(kind, what, where, wanted, found)]


def test_order_is_meaning_where_the_first_match_wins(host):
    text = host.config.read_text()
    one, two = re.findall(r" +reply .*\n", text)
    host.write(text.replace(one + two, two + one))
    assert kinds(host.drift()) == ["file-order"]
    text = text.replace("max-msg-rate 2000/h\n    max-smtp-out 10", "max-smtp-out 10\n    max-msg-rate 2000/h")
    host.write(text)
    assert kinds(host.drift()) == ["file-text"]


def test_a_damaged_file_is_compared_all_the_same(host):
    host.edit("max-smtp-msg-rate 50/d", "max-smtp-msg-rate = 500/d")
    host.edit("</virtual-mta>\n<virtual-mta vmta-b>", "<virtual-mta vmta-b>")
    host.edit("    retry-after 10m\n", "    retry-after 10m\n</nonsense>\n")
    result = host.drift()
    at = host.line("</nonsense>")
    assert ("file-syntax", f"line {at}") in [(one["kind"], one["what"]) for one in result["differences"]]
    values = [one for one in told(result) if one[0] == "file-value"]
    assert [(one[1], one[3]) for one in values] == [("virtual-mta vmta-a: max-smtp-msg-rate", "50/d")]
    assert not [kind for kind in kinds(result) if kind.startswith(("section", "setting", "vmta"))], told(result)


@pytest.mark.parametrize("junk", [b"\x00\xff\xfe" * 1000, b"<" * 5000, b"{\n" * 2000, b"", b"<virtual-mta x>\n" * 3000])
def test_no_file_is_too_broken(host, junk):
    host.config.write_bytes(junk)
    host.config.chmod(0o640)
    result = host.drift()
    assert result["verdict"] == "drift" and "section-missing" in kinds(result)
    json.dumps(result)


def test_secrets_are_never_told(host):
    host.secrets.write_text(SECRETS.replace("hunter2", "sesame99"))
    user = "<smtp-user x>\n    password opensesame\n    pasword sesame2\n    foo sesame3\n</smtp-user>\n"
    host.edit("<smtp-pattern-list isp>", f"{user}<smtp-pattern-list isp>")
    host.edit("    max-smtp-out 10\n", "    max-smtp-out 10\n    auth-password sesame4\n    secret-thing sesame5\n")
    host.edit("postmaster", "http-api-key sesame6\npostmaster")
    feed = '<acct-file "|/bin/feed --token=sesame8">\n    http-webhook-url https://h.test/?key=1&api_key=sesame9\n</acct-file>\n'
    host.edit("domain-macro", f"{feed}domain-macro")
    host.edit("    retry-after 1h\n", '    retry-after 1h\n    command "/bin/x --password sesame0"\n')
    host.edit("    retry-after 10m\n", "    retry-after 10m\npassword{ sesame7\n")
    result = host.drift()
    assert "secrets-differ" in kinds(result) and "section-extra" in kinds(result)
    assert not re.search("sesame|hunter2", repr(result) + pmta_drift.summary(result))
    lines = {one["what"]: one["found"] for one in result["differences"] if one["kind"] == "file-line-extra"}
    assert lines["domain $gmail: auth-password"] == lines["domain $gmail: secret-thing"] == "(not shown)"


def test_passwords_that_nobody_wants_any_more_are_told_of(host):
    assert kinds(host.drift(secrets="")) == ["secrets-differ"]
    host.secrets.write_text("")
    assert host.drift(secrets="")["verdict"] == "in_sync"
    host.secrets.unlink()
    assert host.drift(secrets="")["verdict"] == "in_sync"
    assert host.drift(secrets=None)["verdict"] == "in_sync"


def test_a_secret_among_the_running_settings_is_never_told(host):
    host.edit("    max-smtp-out 10\n", "    max-smtp-out 10\n    auth-username u\n    auth-password sesame\n")
    host.reload()
    wanted = host.wanted.replace(
        "    max-smtp-out 10\n", "    max-smtp-out 10\n    auth-username u\n    auth-password hunter2\n"
    )
    result = host.drift(content=wanted)
    assert ("setting-from-file", "auth-password") in [(one["kind"], one["what"]) for one in result["differences"]]
    assert "sesame" not in repr(result) and "hunter2" not in repr(result)


def test_missing_files_and_wrong_modes(host):
    host.secrets.chmod(0o644)
    assert [(one[0], one[3][-4:], one[4][-4:]) for one in told(host.drift())] == [("file-mode", "0640", "0644")]
    host.secrets.unlink()
    host.config.unlink()
    assert kinds(host.drift()) == ["file-missing", "secrets-missing"]


def test_virtual_mtas_that_are_missing_and_extra(host):
    host.edit("<source 127.0.0.1>", "<virtual-mta stranger>\n</virtual-mta>\n<source 127.0.0.1>")
    host.reload()
    extra = "<virtual-mta vmta-new>\n    smtp-source-host 127.0.0.24 n.sos.test\n</virtual-mta>\n<source 127"
    wanted = host.wanted.replace("<source 127", extra)
    result = host.drift(content=wanted, vmtas=["vmta-a", "vmta-b", "vmta-s", "vmta-new"])
    assert [one for one in told(result) if one[0].startswith(("vmta", "section"))] == [
        ("section-missing", "virtual-mta vmta-new", str(host.config), "a section with 1 directives", None),
        ("section-extra", "virtual-mta stranger", f"{host.config}:{host.line('stranger')}", None, "a section with 0 directives"),
        ("vmta-missing", "virtual MTA", "vmta-new", "running", None),
        ("vmta-extra", "virtual MTA", "stranger", None, "running, 0 recipients wait in it"),
    ]  # fmt: skip
    host.write(tx.with_header(5, wanted))
    [missing] = [
        one
        for one in host.drift(content=wanted, vmtas=["vmta-a", "vmta-b", "vmta-s", "vmta-new"])["differences"]
        if one["kind"] == "vmta-missing"
    ]
    assert "pmta reload" in missing["remedy"]


def test_pauses_nobody_asked_for_and_pauses_that_are_missing(host):
    for rcpt, vmta in (("u@gmail.test", "vmta-a"), ("u@isp.test", "vmta-a"), ("u@isp.test", "vmta-s")):
        host.send(rcpt, vmta)
    result = host.drift()
    assert told(result) == [("pause-missing", "queue", "isp.test/vmta-s", "paused", "not paused")]
    host.pmta("pause", "queue", "*/vmta-s")
    assert host.drift()["in_sync"] is True
    host.pmta("pause", "queue", "gmail.test/vmta-a")
    result = host.drift()
    assert told(result) == [("pause-extra", "queue", "gmail.test/vmta-a", "running", "paused")]
    assert "pmta resume queue 'gmail.test/vmta-a'" in result["differences"][0]["remedy"]
    # A stop that somebody recorded is a decision.
    host.record(declared=["vmta-s"], runtime=["vmta-a"])
    host.pmta("pause", "queue", "*/vmta-a")
    result = host.drift()
    assert (result["in_sync"], result["runtime_stops"]) == (True, ["vmta-a"])


def test_many_pauses_of_one_virtual_mta_are_one_line(host):
    for number in range(7):
        host.send(f"u@d{number}.test", "vmta-a")
    host.pmta("pause", "queue", "*/vmta-a")
    [one] = host.drift()["differences"]
    assert one["where"].startswith("7 queues of vmta-a, such as d0.test/vmta-a")
    assert "pmta resume queue '*/vmta-a'" in one["remedy"]


def test_disabled_sources(host):
    host.pmta("disable", "source", "--reenable-after=1h", "127.0.0.21", "gmail.test/vmta-a")
    for number in range(12):
        host.pmta("disable", "source", "127.0.0.22", f"{number}und{number}.test/vmta-b")
    result = host.drift()
    assert kinds(result) == ["source-disabled"] * 13
    first = next(one for one in result["differences"] if "gmail" in one["where"])
    assert (first["what"], first["where"]) == ("source 127.0.0.21", "queue gmail.test/vmta-a")
    assert re.match(r"disabled \(\d{4}-", first["found"])
    assert "pmta enable source 127.0.0.21 'gmail.test/vmta-a'" in first["remedy"]


def test_records(host):
    host.record(declared=["vmta-b"])
    (host.state / tx.PENDING).write_text("remove\t/etc/pmta/config\n")
    changed = [{**host.senders[0], "ip": "127.0.0.99"}, host.senders[1]]
    (host.state / tx.FLEET).write_text(tx.write_fleet({"senders": changed}))
    assert {(kind, what, wanted, found) for kind, what, _where, wanted, found in told(host.drift())} == {
        ("record-unfinished", "marker of a run", None, "there"),
        ("stop-unrecorded", "stop of vmta-s", "recorded", None),
        ("stop-recorded", "stop of vmta-b", None, "recorded"),
        ("record-senders", "sender a: ip", "127.0.0.21", "127.0.0.99"),
        ("record-senders", "sender s", "recorded", None),
    }


def test_the_header_alone(host):
    host.write(host.wanted)
    result = host.drift()
    assert (kinds(result), result["edited"], result["generation"]) == (["file-header"], None, 0)
    host.write(
        tx.with_header(4, host.wanted).replace("sha256 ", "sha256 0", 1).replace(tx.digest(host.wanted), "0" * 63)
    )
    assert kinds(host.drift()) == ["file-header"]


# Unknown ---------------------------------------------------------------------------------------------------------------


def test_a_powermta_that_does_not_run_is_unknown(host):
    host.active.unlink()
    result = host.drift()
    assert (result["verdict"], result["in_sync"], unknowns(result)) == ("unknown", None, ["not-running"])
    assert result["asked"] == [] and host.asked == []
    host.edit("50/d", "51/d")
    result = host.drift()
    assert (result["verdict"], kinds(result), unknowns(result)) == ("drift", ["file-value"], ["not-running"])


def test_a_powermta_that_hangs_or_dies_is_unknown(host):
    host.daemon.kill()
    result = host.drift()
    assert result["verdict"] == "unknown" and result["differences"] == []
    assert {"unreadable-vmtas", "unreadable-queues", "unreadable-sources", "unreadable-settings"} <= {*unknowns(result)}
    assert len(host.asked) < 12, "nobody asks a dead daemon a hundred questions"


def test_no_command_is_unknown(host):
    assert unknowns(host.drift(pmta="/nowhere/pmta")) == ["not-installed"]


@pytest.mark.parametrize(
    ("command", "answer", "kind"),
    [
        ("show vmtas", "what?", "unreadable-vmtas"),
        ("show vmtas", "", "unreadable-vmtas"),
        ("show queues", "Usage: show this or that", "unreadable-queues"),
        ("show disabled", "sources:\n- one, I think\n- two", "unreadable-sources"),
        ("show settings", "password sesame", "unreadable-settings"),
        ("show vmta-settings", "Unknown command: vmta-settings", "unreadable-rates"),
    ],
)
def test_an_answer_nobody_can_read_is_unknown(host, command, answer, kind):
    host.lie(command, answer)
    result = host.drift()
    assert (result["verdict"], result["in_sync"]) == ("unknown", None)
    assert set(unknowns(result)) == {kind}
    assert "sesame" not in repr(result)


def test_damaged_records_are_unknown(host):
    (host.state / tx.STOPS).write_text("{")
    (host.state / tx.FLEET).write_text("[]")
    result = host.drift()
    assert (result["verdict"], unknowns(result)) == ("unknown", ["unreadable-record"] * 2)


def test_a_running_converge_is_unknown(host):
    with open(host.state / tx.LOCK, "w", encoding="utf-8") as lock:
        lock.write("process 7 on vps2")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = host.drift()
    assert unknowns(result) == ["converging"] and "process 7 on vps2" in result["unknown"][0]["why"]
    assert host.drift()["in_sync"] is True, "the lock was given back"


def test_ignored_kinds_are_told_and_count_for_nothing(host):
    host.pmta("disable", "source", "127.0.0.21", "gmail.test/vmta-a")
    result = host.drift(ignore=["source-disabled"])
    assert result["in_sync"] is True and [one["kind"] for one in result["ignored"]] == ["source-disabled"]
    with pytest.raises(FleetError, match="sources-disabled: no such kind"):
        host.drift(ignore=["sources-disabled"])


# Many virtual MTAs -----------------------------------------------------------------------------------------------------


def big(host, changed=()):
    """120 virtual MTAs, 40 of them stopped; *changed*: numbers whose rate is another one."""
    start, rest = host.wanted.split("<virtual-mta vmta-a>")
    pool = rest[rest.index("<virtual-mta-pool") :].replace("vmta-a", "v1").replace("vmta-b", "v2")
    text = start
    for n in range(120):
        rate = "70/d" if n in changed else "50/d"
        text += (
            f"<virtual-mta v{n}>\n    smtp-source-host 127.0.1.{n + 1} m{n}.sos.test\n    max-smtp-msg-rate {rate}\n"
        )
        if n >= 80:
            text += '    <domain *>\n        smtp-hosts "[127.0.0.1]:9"\n    </domain>\n'
        elif n % 2:
            text += "    <domain $gmail>\n        max-msg-rate 20/d\n    </domain>\n"
        text += "</virtual-mta>\n"
    return text + pool


def test_a_hundred_virtual_mtas_take_few_commands_and_no_limit_is_missed(host):
    wanted = big(host)
    host.write(tx.with_header(5, big(host, changed=(3, 77, 110))))
    host.reload()
    host.write(tx.with_header(5, wanted))
    params = {"content": wanted, "vmtas": [f"v{n}" for n in range(120)], "stops": [f"v{n}" for n in range(80, 120)]}
    result = host.drift(**params, ignore=["stop-unrecorded", "stop-recorded"])
    [(kind, what, where, wanted_rate, found)] = told(result)
    assert (kind, what, wanted_rate, found) == ("setting-not-loaded", "max-smtp-msg-rate", "50/d", "70/d")
    assert {*where.removeprefix("virtual MTA ").split(", ")} == {"v3", "v77", "v110"}
    assert len(host.asked) < 180
    # Every stopped virtual MTA was asked whether it reaches nobody, and each receiver with rules was looked at.
    queues = [one.removeprefix("show settings ") for one in result["asked"] if one.startswith("show settings")]
    assert {one.partition("/")[2] for one in queues} >= {f"v{n}" for n in range(80, 120)}
    assert {one.partition("/")[0] for one in queues} == {"gmail.test", "example.com"}


def test_what_is_not_asked_is_told(host):
    wanted = big(host)
    host.write(tx.with_header(5, wanted))
    host.reload()
    params = {"content": wanted, "vmtas": [f"v{n}" for n in range(120)], "stops": ["v80"], "max_questions": 20}
    result = host.drift(**params, ignore=["stop-unrecorded", "stop-recorded"])
    assert (result["verdict"], unknowns(result), len(result["asked"])) == ("unknown", ["not-asked"], 20)


def test_the_runbook_explains_every_kind():
    text = (ROOT / "docs/runbooks/drift.md").read_text()
    assert [kind for kind in [*DIFFERENCES, *UNKNOWNS] if f"`{kind}`" not in text] == []

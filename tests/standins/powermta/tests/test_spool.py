# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was answered with 250 is delivered, whatever happens to the daemon."""

from __future__ import annotations

import os
import signal
import threading

from test_delivery import ACCT, domain
from world import until


def test_kill_9_loses_nothing(daemon, sink) -> None:
    daemon.configure(ACCT + "<domain *>\nsmtp-hosts [127.0.0.9]:1\nretry-after 1h\n</domain>\n")
    daemon.start()
    for number in range(20):
        daemon.send([f"u{number}@isp.test", f"v{number}@other.test"])
    daemon.stop(signal.SIGKILL)
    assert len(daemon.root.spooled()) == 20
    daemon.configure(ACCT + domain(sink))
    daemon.start()
    until(lambda: len(sink.received) == 40, 20)
    wanted = {f"u{number}@isp.test" for number in range(20)} | {f"v{number}@other.test" for number in range(20)}
    assert {one["rcpt"] for one in sink.received} == wanted
    assert until(lambda: not daemon.root.spooled())


def test_kill_9_while_receiving_and_sending(daemon, sink) -> None:
    """Every recipient whose message was accepted is delivered at least once; twice only what was on the wire at the kill."""
    sink.delay = 0.02
    daemon.configure(ACCT + domain(sink, "max-smtp-out 3"))
    daemon.start()
    accepted: list[str] = []

    def feed() -> None:
        for number in range(400):
            try:
                daemon.send(f"u{number}@isp.test")
            except Exception:
                return
            accepted.append(f"u{number}@isp.test")

    feeder = threading.Thread(target=feed)
    feeder.start()
    until(lambda: len(sink.received) > 20)
    daemon.stop(signal.SIGKILL)
    feeder.join()
    assert 20 < len(accepted) < 400
    daemon.start()
    until(lambda: set(accepted) <= {one["rcpt"] for one in sink.received}, 30)
    got = [one["rcpt"] for one in sink.received]
    assert set(accepted) <= set(got)
    assert len(got) - len(set(got)) <= 3, "at most one duplicate per connection"
    assert until(lambda: not daemon.root.spooled())


def test_partly_done_message_goes_on_with_the_rest(daemon, sink) -> None:
    sink.answers["late@other.test"] = "451 4.3.0 later"
    daemon.configure(ACCT + domain(sink, "retry-after 1h"))
    daemon.start()
    daemon.send(["now@isp.test", "late@other.test"])
    until(lambda: sink.received and sink.attempts.count("late@other.test"))
    daemon.stop(signal.SIGKILL)
    sink.answers.clear()
    daemon.start()
    until(lambda: len(sink.received) == 2)
    assert [one["rcpt"] for one in sink.received] == ["now@isp.test", "late@other.test"]


def test_sigterm_is_clean(daemon, sink) -> None:
    daemon.configure(domain(sink))
    daemon.start()
    daemon.send()
    assert daemon.stop() == 0
    assert not (daemon.root.path / "run/pmta/pmta.sock").exists()
    assert "stopped" in (daemon.root.path / "var/log/pmta/log").read_text()


def test_synced_before_it_is_accepted(tmp_path, monkeypatch) -> None:
    """A kill of the machine is not tried here; the order of the calls is."""
    from pmta_standin import spool

    calls: list[str] = []
    for name in ("fsync", "rename"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args, name=name, real=real: (calls.append(name), real(*args))[1])
    folder = tmp_path / "spool"
    folder.mkdir()
    store = spool.Spool([str(folder)])
    store.store({"rcpts": [{}], "queued": 0}, b"x")
    assert calls[-3:] == ["fsync", "rename", "fsync"]


def test_half_written_files_are_not_mail(daemon, sink) -> None:
    folder = daemon.root.path / "var/spool/pmta/aa"
    folder.mkdir()
    (folder / "x.msg.tmp").write_bytes(b"{}")
    (folder / "gone.done").write_text("0\n")
    daemon.configure(domain(sink))
    daemon.start()
    assert not list(folder.iterdir())

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounting files, read in pieces, again and again, rotated, renamed, copied and torn: each row counts once."""

from __future__ import annotations

import csv
import io
import os
import random
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.accounting.lines import LONGEST, cut
from ansible_collections.email_engine.fleet.plugins.module_utils.local import accounting_files
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError
from ansible_collections.email_engine.fleet.plugins.modules import pmta_accounting

NOW = time.time()
DAY = time.strftime("%Y-%m-%d", time.gmtime(NOW))
HEADER = [
    "type",
    "timeLogged",
    "timeQueued",
    "orig",
    "rcpt",
    "dsnStatus",
    "dsnDiag",
    "dsnMta",
    "bounceCat",
    "dlvSourceIp",
    "vmta",
    "queue",
]
SENDERS = [{"name": f"mail{n}", "vmta": f"vmta-{n}", "domain": f"d{n}.test", "ip": f"192.0.2.{n}"} for n in (1, 2)]
SUMS = ("attempts", "delivered", "deferred", "bounced")


def row(kind="d", vmta="vmta-1", rcpt="u@gmail.com", at=NOW, queued=NOW, **more):
    stamp = time.strftime("%Y-%m-%d %H:%M:%S+0000", time.gmtime(at))
    known = {
        "type": kind,
        "timeLogged": stamp,
        "timeQueued": time.strftime("%Y-%m-%d %H:%M:%S+0000", time.gmtime(queued)),
        "orig": "b@d1.test",
        "rcpt": rcpt,
        "dsnStatus": {"d": "2.0.0 (ok)", "b": "5.1.1 (no)", "t": "4.7.0 (later)"}.get(kind, ""),
        "dsnDiag": {"d": "smtp;250 ok", "b": "smtp;550 no", "t": "smtp;421 later"}.get(kind, ""),
        "bounceCat": {"b": "bad-mailbox", "t": "other"}.get(kind, ""),
        "vmta": vmta,
        "queue": f"{rcpt.rpartition('@')[2]}/{vmta}",
    }
    return known | more


def text(rows, header=None):
    header = header or HEADER
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([one.get(name, "") for name in header] for one in rows)
    return out.getvalue().encode()


class Engine:
    """Keeps sums and positions as the engine does: all of a report, or nothing."""

    def __init__(self, place, records="d,b,t,f,rb"):
        self.place, self.cursors, self.days, self.recipients = Path(place), {}, {}, {}
        self.files = {str(self.place / "acct.csv"): {"records": records}}
        self.hours = {}

    def read(self, **more):
        return pmta_accounting.run(
            {
                "files": self.files,
                "cursors": list(self.cursors.values()),
                "senders": SENDERS,
                "former": [],
                "providers": {"gmail": {"domains": ["gmail.com"]}},
                "tracked": ["mail1"],
                "recipient_salt": "salt",
                "since": None,
                "max_rows": 10**9,
                "max_recipients": 10**9,
                **more,
            }
        )

    def take(self, report):
        for file in report["files"]:
            assert self.cursors.get(file["identity"], {"position": 0})["position"] == file["start"]
            self.cursors[file["identity"]] = {key: file[key] for key in ("identity", "name", "position", "anchor")}
        for day in report["days"]:
            sums = self.days.setdefault((day["sender"], day["provider"], day["day"]), dict.fromkeys(SUMS, 0))
            for name in SUMS:
                sums[name] += day[name]
            for name, count in day["bounces"].items():
                sums[name] = sums.get(name, 0) + count
        for sender, hour, count in report["hours"]:
            self.hours[sender, hour] = self.hours.get((sender, hour), 0) + count
        for sender, seen in report["recipients"].items():
            for key, first, delivered in seen:
                old = self.recipients.get((sender, key), (first, delivered))
                times = [one for one in (old[1], delivered) if one is not None]
                self.recipients[sender, key] = (min(old[0], first), min(times, default=None))

    def collect(self, **more):
        found = self.read(**more)
        self.take(found["report"])
        return found

    def all(self):
        return self.days, self.hours, self.recipients


def rows_of(chance, count):
    return [
        row(
            chance.choice(["d", "b", "t", "tq", "r"]),
            chance.choice(["vmta-1", "VMTA-2", "vmta-3", "{default}"]),
            chance.choice(["u@gmail.com", "v@x.test", 'q"uote@gmail.com', "é@gmail.com"]),
            NOW - chance.randrange(86_400 * 3),
            NOW - 86_400 * 3 - chance.randrange(5),
            dsnDiag=chance.choice(["smtp;250 ok", "smtp;550 a,b", 'smtp;550 "x"', "smtp;550 one\r\ntwo", ""]),
        )
        for _unused in range(count)
    ]


# --- Once -------------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9))
def test_whatever_happens_the_sums_are_those_of_one_pass(tmp_path_factory, seed):
    """Files grow by any number of bytes and rotate, runs end early, reports are lost before they are stored, files are copied."""
    chance = random.Random(seed)
    whole, place = Engine(tmp_path_factory.mktemp("whole")), tmp_path_factory.mktemp("parts")
    engine = Engine(place)
    header = chance.sample(HEADER, len(HEADER))
    lots = [rows_of(chance, chance.randrange(1, 30)) for _unused in range(chance.randrange(1, 4))]
    for number, rows in enumerate(lots):
        (whole.place / f"acct-{DAY}-{number:04d}.csv").write_bytes(text(rows))
        content, path = text(rows, header), place / f"acct-{DAY}-{number:04d}.csv"
        while content:
            size = chance.randrange(1, len(content) + 1)
            with path.open("ab") as file:
                file.write(content[:size])
            content = content[size:]
            if chance.random() < 0.5:
                found = engine.read(max_rows=chance.choice((0, 1, 7, 10**6)), max_recipients=chance.choice((1, 10**6)))
                if chance.random() < 0.7:
                    engine.take(found["report"])
            if chance.random() < 0.2:
                (place / f"acct-copy{chance.randrange(3)}.csv").write_bytes(path.read_bytes())
    while engine.collect()["more"]:
        pass
    assert whole.collect()["report"]["rows"] == sum(map(len, lots))
    assert engine.all() == whole.all()
    assert engine.collect()["report"]["rows"] == 0
    assert whole.collect()["report"]["files"] == []


LINES = [
    b"a,b\r\n",
    b'"a\r\nb",c\r\n',
    b'a"x,b\r\n',
    b'"x,y\r\n',
    b"a\r\n",
    b"a,b,c\r\n",
    b"\r\n",
    b"\0,\0\r\n",
    b"\xff,b\n",
    b'"a"b,c\r\n',
]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=40), st.data())
def test_rows_are_the_same_in_whatever_pieces_they_come(lines, data):
    content = b"".join(lines)
    whole = cut(content, 2, True)
    rows, bad, position, given_ = [], [], 0, 0
    while given_ < len(content):
        given_ = data.draw(st.integers(given_ + 1, len(content)))
        found = cut(content[position:given_], 2, False)
        rows += found.rows
        bad += [position + one for one in found.bad]
        position += found.used
    found = cut(content[position:], 2, True)
    assert rows + found.rows == whole.rows
    assert bad + [position + one for one in found.bad] == whole.bad
    assert position + found.used == whole.used == len(content)


def test_quotes_that_never_end_cost_their_own_line_alone():
    content = b'"x,y\r\n' + b"a,b\r\n" * (LONGEST * 3)
    found = cut(content, 2, False)
    assert (len(found.rows), found.bad, found.used) == (LONGEST * 3, [0], len(content))


def test_lines_that_make_no_row_together_are_judged_one_by_one():
    found = cut(b'"x\r\na,b\r\nc"\r\nd,e\r\n', 2, False)
    assert (found.rows, found.bad) == ([["a", "b"], ["d", "e"]], [0, 9])


# --- Files ------------------------------------------------------------------------------------------------------------


def test_a_last_line_without_its_end_is_left(tmp_path):
    engine, path = Engine(tmp_path), tmp_path / f"acct-{DAY}-0000.csv"
    whole = text([row(), row(rcpt="v@gmail.com")])
    path.write_bytes(whole[:-20])
    assert engine.collect()["report"]["rows"] == 1
    path.write_bytes(whole)
    assert engine.collect()["report"]["rows"] == 1
    assert engine.days["mail1", "gmail", DAY]["attempts"] == 2


def test_a_torn_file_that_has_a_successor_ends_in_a_bad_row(tmp_path):
    engine, path = Engine(tmp_path), tmp_path / f"acct-{DAY}-0000.csv"
    path.write_bytes(text([row(), row(rcpt="v@gmail.com")])[:-3])
    (tmp_path / f"acct-{DAY}-0001.csv").write_bytes(text([row(rcpt="w@gmail.com")]))
    assert engine.collect()["report"]["files"][0]["bad_rows"] == 0
    os.utime(path, (NOW - 7200, NOW - 7200))
    found = engine.collect()["report"]
    assert found["files"][0]["bad_rows"] == 1 and str(path) in found["problems"][0]
    assert engine.days["mail1", "gmail", DAY]["attempts"] == 2
    assert engine.collect()["report"]["files"] == []


@pytest.mark.parametrize(
    "name", ["acct-foreign.csv", "acct-binary.csv", "acct-nothing.csv", "acct-noheader.csv", "acct-long.csv"]
)
def test_foreign_files_are_named_and_harm_nobody(tmp_path, name):
    content = {
        "acct-foreign.csv": b"a,b,c\r\n1,2,3\r\n",
        "acct-binary.csv": bytes(range(256)) * 4000,
        "acct-nothing.csv": b"",
        "acct-noheader.csv": text([row(), row()]).split(b"\r\n", 1)[1],
        "acct-long.csv": b"x" * (3 << 20),
    }[name]
    engine = Engine(tmp_path)
    (tmp_path / name).write_bytes(content)
    (tmp_path / f"acct-{DAY}-0000.csv").write_bytes(text([row()]))
    found = engine.collect()["report"]
    assert engine.days["mail1", "gmail", DAY]["attempts"] == 1
    assert [name in one for one in found["problems"]] == ([True] if content else [])


def test_rows_that_are_none_are_counted_and_no_text_of_them_is_told(tmp_path):
    engine = Engine(tmp_path)
    rows = [row(), row("x", rcpt="secret@x.test"), row(timeLogged="yesterday"), row(at=NOW + 3 * 86_400)]
    content = text(rows) + b"d,too,few\r\n" + b",".join([b"secret@x.test"] * 30) + b"\r\n\0\0\0\0\r\n"
    (tmp_path / f"acct-{DAY}-0000.csv").write_bytes(content)
    found = engine.collect()["report"]
    assert (found["files"][0]["rows"], found["files"][0]["bad_rows"]) == (7, 6)
    assert engine.days == {("mail1", "gmail", DAY): {"attempts": 1, "delivered": 1, "deferred": 0, "bounced": 0}}
    assert "secret" not in str(found) and len(found["problems"]) == 4


def test_a_missing_column_is_named(tmp_path):
    engine = Engine(tmp_path)
    (tmp_path / f"acct-{DAY}-0000.csv").write_bytes(text([row()], [one for one in HEADER if one != "bounceCat"]))
    found = engine.collect()["report"]
    assert (
        found["files"] == []
        and "bounceCat missing" in found["problems"][0]
        and f"acct-{DAY}-0000.csv" in found["problems"][0]
    )


def test_a_file_written_anew_or_cut_below_its_position_is_named_and_not_counted(tmp_path):
    engine, path = Engine(tmp_path), tmp_path / f"acct-{DAY}-0000.csv"
    path.write_bytes(text([row(), row(rcpt="v@gmail.com"), row(rcpt="w@gmail.com")]))
    engine.collect()
    before = engine.days
    path.write_bytes(text([row(), row(rcpt="V@gmail.com"), row(rcpt="w@gmail.com"), row(rcpt="x@gmail.com")]))
    assert "written anew" in engine.collect()["report"]["problems"][0]
    path.write_bytes(text([row()]))
    assert "it was cut" in engine.collect()["report"]["problems"][0]
    assert engine.days == before


def test_a_file_that_vanishes_before_its_known_end_is_a_gap(tmp_path):
    engine, path = Engine(tmp_path), tmp_path / f"acct-{DAY}-0000.csv"
    path.write_bytes(text([row(rcpt=f"u{n}@gmail.com", dsnDiag="smtp;250 " + "x" * 3000) for n in range(400)]))
    assert engine.collect(max_rows=10)["more"]
    path.unlink()
    (tmp_path / f"acct-{DAY}-0001.csv").write_bytes(text([row()]))
    assert f"acct-{DAY}-0000.csv is gone, and its last" in "\n".join(engine.collect()["report"]["gaps"])


def test_files_that_are_read_to_the_end_may_go(tmp_path):
    engine = Engine(tmp_path)
    for number in range(3):
        (tmp_path / f"acct-{DAY}-{number:04d}.csv").write_bytes(text([row(rcpt=f"{number}@gmail.com")]))
    engine.collect()
    (tmp_path / f"acct-{DAY}-0000.csv").unlink()
    (tmp_path / f"acct-{DAY}-0001.csv").unlink()
    assert engine.collect()["report"]["gaps"] == []


def test_files_that_begin_with_the_same_line_are_two(tmp_path):
    """A line may be the beginning of many rows."""
    engine, header = Engine(tmp_path), ["dsnDiag", *(one for one in HEADER if one != "dsnDiag")]
    for number in range(2):
        rows = [row(rcpt=f"{number}@gmail.com", dsnDiag="smtp;550 one\r\ntwo")]
        (tmp_path / f"acct-{DAY}-{number:04d}.csv").write_bytes(text(rows, header))
    engine.collect()
    assert engine.days["mail1", "gmail", DAY]["attempts"] == 2


def test_configured_files_with_alike_names_are_told_apart(tmp_path):
    engine = Engine(tmp_path)
    moved = tmp_path / "moved"
    moved.mkdir()
    engine.files = {
        str(tmp_path / "acct.csv"): {"records": "d", "move-to": str(moved)},
        str(tmp_path / "acct-more.csv"): {"records": "d,t"},
    }
    rows = [row(), row("t", rcpt="v@gmail.com")]
    (moved / f"acct-{DAY}-0000.csv").write_bytes(text(rows[:1]))
    (tmp_path / f"acct-more-{DAY}-0000.csv").write_bytes(text(rows))
    engine.collect()
    assert engine.days["mail1", "gmail", DAY] == {"attempts": 2, "delivered": 1, "deferred": 1, "bounced": 0}


def test_rows_logged_before_the_first_day_are_left_out(tmp_path):
    engine = Engine(tmp_path)
    (tmp_path / f"acct-{DAY}-0000.csv").write_bytes(text([row(at=NOW - 40 * 86_400), row()]))
    found = engine.collect()["report"]
    assert (found["old"], found["rows"]) == (1, 2)
    assert engine.days["mail1", "gmail", DAY]["attempts"] == 1


def test_who_is_followed_is_told_by_a_key_that_no_address_is_in(tmp_path):
    engine = Engine(tmp_path)
    rows = [row("t", at=NOW - 60), row(at=NOW - 30), row("t", at=NOW), row(vmta="vmta-2"), row(rcpt="v@gmail.com")]
    (tmp_path / f"acct-{DAY}-0000.csv").write_bytes(text(rows))
    found = engine.read()["report"]
    assert set(found["recipients"]) == {"mail1"}
    assert sorted((first, done) for _key, first, done in found["recipients"]["mail1"]) == [
        (int(NOW - 60), int(NOW - 30)),
        (int(NOW), int(NOW)),
    ]
    assert "gmail.com" not in str(found["recipients"])
    other = engine.read(recipient_salt="another")["report"]
    assert {key for key, *_unused in other["recipients"]["mail1"]}.isdisjoint(
        key for key, *_unused in found["recipients"]["mail1"]
    )
    with pytest.raises(FleetError, match="recipient_salt"):
        engine.read(recipient_salt="")


def test_reports_from_outside_are_their_senders(tmp_path):
    engine = Engine(tmp_path)
    header = [*HEADER, "feedbackType", "userAgent"]
    rows = [
        row("f", vmta="", rcpt="", orig="", dlvSourceIp="192.0.2.1", feedbackType="abuse"),
        row("f", vmta="", rcpt="u@gmail.com", orig="x@d2.test", feedbackType="not-spam"),
        row("rb", vmta="", orig="bounce@D2.test", dsnStatus="5.1.1 (x)", bounceCat="bad-mailbox"),
        row("rb", vmta="", orig="bounce@nobody.test", dsnStatus="5.1.1 (x)", bounceCat="bad-mailbox"),
    ]
    (tmp_path / f"acct-{DAY}-0000.csv").write_bytes(text(rows, header))
    found = engine.read()["report"]
    days = {(one["sender"], one["provider"]): one for one in found["days"]}
    assert days["mail1", "other"]["complaints"] == 1 and days["mail1", "other"]["attempts"] == 0
    assert days["mail2", "gmail"]["bounced"] == 1 and days["mail2", "gmail"]["complaints"] is None
    assert found["strays"] == {"reports of nobody's mail": 1} and found["hours"] == []


def test_no_address_leaves_the_host(tmp_path):
    engine = Engine(tmp_path)
    (tmp_path / f"acct-{DAY}-0000.csv").write_bytes(text(rows_of(random.Random(1), 200) + [row("f", orig="")]))
    assert "@" not in str(engine.read())


def test_who_left_has_its_last_rows_and_nothing_of_who_came(tmp_path):
    engine = Engine(tmp_path)
    gone = {"name": "gone", "vmta": "vmta-old", "domain": "d1.test", "ip": "192.0.2.9"}
    older = {"name": "older", "vmta": "VMTA-old", "domain": "d9.test", "ip": "192.0.2.9"}
    rows = [row(vmta="vmta-old"), row(), row("rb", vmta=""), row("f", vmta="", orig="", dlvSourceIp="192.0.2.9")]
    (tmp_path / f"acct-{DAY}-0000.csv").write_bytes(text(rows))
    found = engine.read(former=[gone, older])["report"]
    counted = {(one["sender"], one["attempts"], one["complaints"]) for one in found["days"]}
    assert counted == {("gone", 1, 1), ("mail1", 1, None)} and found["strays"] == {}


# --- What is there and was not counted ---------------------------------------------------------------------------------


def plain(rows, offset=""):
    """As `iso-times no` writes them."""
    return text(rows).replace(b"+0000", offset.encode())


def no_column(engine, path):
    path.write_bytes(text([row()], [one for one in HEADER if one != "bounceCat"]))


def no_folder(engine, path):
    engine.files = {str(path.parent / "gone" / "acct.csv"): {"records": "d,b"}}


def no_folder_to_move_to(engine, path):
    engine.files[str(path.parent / "acct.csv")]["move-to"] = str(path.parent / "gone")


def no_header(engine, path):
    path.write_bytes(text([row(), row()]).split(b"\r\n", 1)[1])


def was_cut(engine, path):
    path.write_bytes(text([row(), row(rcpt="v@gmail.com")]))
    engine.collect()
    path.write_bytes(text([row()]))


def written_anew(engine, path):
    path.write_bytes(text([row(), row(rcpt="v@gmail.com")]))
    engine.collect()
    path.write_bytes(text([row(), row(rcpt="V@gmail.com")]))


def no_offset(engine, path):
    path.write_bytes(plain([row()]))


def never_ends(engine, path):
    path.write_bytes(text([row()]) + b"x" * (3 << 20))


def dangling(engine, path):
    path.symlink_to(path.parent / "nowhere")


def another_beginning_with_the_same_row(engine, path):
    path.write_bytes(text([row(), row(rcpt="v@gmail.com"), row(rcpt="w@gmail.com")]))
    (path.parent / "acct-other.csv").write_bytes(text([row(), row(rcpt="x@gmail.com")]))


@pytest.mark.parametrize(
    "fault",
    [
        no_column,
        no_folder,
        no_folder_to_move_to,
        no_header,
        was_cut,
        written_anew,
        no_offset,
        never_ends,
        dangling,
        another_beginning_with_the_same_row,
    ],
    ids=lambda one: one.__name__,
)
def test_what_is_left_is_told_with_its_remedy_and_the_report_is_not_complete(tmp_path, fault):
    engine = Engine(tmp_path)
    fault(engine, tmp_path / f"acct-{DAY}-0000.csv")
    for _unused in range(2):
        found = engine.collect()
        assert not found["more"] and not found["report"]["complete"]
        (said,) = found["report"]["left"]
        assert said in found["report"]["problems"]
        where, _unused, rest = said.partition(": ")
        assert where.startswith(str(tmp_path)) and rest.count(". ") >= 1, said


def test_what_is_whole_is_complete(tmp_path):
    engine = Engine(tmp_path)
    path = tmp_path / f"acct-{DAY}-0000.csv"
    path.write_bytes(text([row(), row(timeLogged="yesterday"), row(rcpt="v@gmail.com")]))
    (tmp_path / "acct-copy.csv").write_bytes(text([row()]))
    (tmp_path / "acct-foreign.csv").write_bytes(b"a,b,c\r\n1,2,3\r\n")
    found = engine.collect()["report"]
    assert found["complete"] and found["left"] == []
    assert [name in one for one, name in zip(sorted(found["problems"]), ("acct-copy", "acct-foreign", "offset"))]
    assert any(f"acct-copy.csv: is a copy of {path}, and counts once. " in one for one in found["problems"])


def test_rows_without_an_offset_count_once_they_have_one(tmp_path):
    engine, path = Engine(tmp_path), tmp_path / f"acct-{DAY}-0000.csv"
    rows = [row(rcpt=f"{n}@gmail.com") for n in range(3)]
    path.write_bytes(plain(rows))
    assert not engine.collect()["report"]["complete"] and engine.days == {}
    path.write_bytes(text(rows))
    engine.collect()
    assert engine.days["mail1", "gmail", DAY]["attempts"] == 3


def test_rows_that_lose_their_offset_halfway_are_left(tmp_path):
    engine, path = Engine(tmp_path), tmp_path / f"acct-{DAY}-0000.csv"
    rows = [row(rcpt=f"{n}@gmail.com") for n in range(6)]
    path.write_bytes(text(rows[:3]))
    engine.collect()
    path.write_bytes(text(rows[:3]) + plain(rows[3:]).split(b"\r\n", 1)[1])
    assert not engine.collect()["report"]["complete"]
    path.write_bytes(text(rows))
    assert engine.collect()["report"]["complete"]
    assert engine.days["mail1", "gmail", DAY]["attempts"] == 6


def test_a_file_that_may_not_be_read_is_left(tmp_path, monkeypatch):
    engine, path = Engine(tmp_path), tmp_path / f"acct-{DAY}-0000.csv"
    path.write_bytes(text([row()]))

    def refused(*_unused):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(accounting_files, "open", refused, raising=False)
    found = engine.collect()["report"]
    assert not found["complete"] and f"{path}: cannot be read: Permission denied. " in found["left"][0]


def test_a_file_that_moves_meanwhile_is_found_by_the_next_look(tmp_path, monkeypatch):
    engine, path = Engine(tmp_path), tmp_path / f"acct-{DAY}-0000.csv"
    path.write_bytes(text([row()]))
    listed = accounting_files.os.listdir

    def moved(folder):
        names = listed(folder)
        path.rename(tmp_path / "elsewhere")
        return names

    monkeypatch.setattr(accounting_files.os, "listdir", moved)
    found = engine.collect()
    assert found["more"] and found["report"]["left"] == []

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `pmta` prints is read by columns and words, and only documented words are success."""

from __future__ import annotations

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils import pmta_cli

VMTAS = """\
name                      domains    #rcpt  % total   kbytes  conn
vmta-mail1                      3      120     12.5     4096     2
{default}                       0        0      0.0        0     0
mta2.port25.com                12    1,840     87.5  1234567    10
3 of 3 virtual MTAs.
"""


def test_vmtas_with_grouped_numbers_and_dotted_names():
    listing = pmta_cli.vmtas(VMTAS)
    assert [(row.name, row.domains, row.recipients, row.kbytes, row.connections) for row in listing.rows] == [
        ("vmta-mail1", 3, 120, 4096, 2),
        ("{default}", 0, 0, 0, 0),
        ("mta2.port25.com", 12, 1840, 1234567, 10),
    ]
    assert listing.complete


@pytest.mark.parametrize(
    "text",
    [VMTAS.replace("3 of 3", "3 of 7"), VMTAS.replace("3 of 3 virtual MTAs.", ""), VMTAS.replace("1,840", "many"), ""],
)
def test_a_cut_or_unreadable_list_is_not_complete(text):
    assert not pmta_cli.vmtas(text).complete


@pytest.mark.parametrize("share", ["12.5%", "12.5 %", "12.5"])
def test_share_column_however_it_is_printed(share):
    row = pmta_cli.vmtas(f"a 1 2 {share} 30 4\n1 of 1 virtual MTAs.\n").rows[0]
    assert (row.name, row.domains, row.recipients, row.kbytes, row.connections) == ("a", 1, 2, 30, 4)


@pytest.mark.parametrize("line", ["a 1 2% 3 4 5", "a 1 2 3 4% 5", "a 1 2.3.4 5 6 7", "a 1 2 3 4 5.", "a 1 2"])
def test_a_line_that_does_not_fit_is_left_out(line):
    assert pmta_cli.vmtas(f"{line}\n1 of 1 virtual MTAs.\n").rows == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PowerMTA v5.0r1 (2019-09-13 16:27:31, 64-bit; master@190913.ba26ec5).", ((5, 0, 1, "5.0r1"), True)),
        ("PowerMTA v4.5r13 (2018-03-29)", ((4, 5, 13, "4.5r13"), False)),
        ("PowerMTA v6.0r3", ((6, 0, 3, "6.0r3"), True)),
    ],
)
def test_version(text, expected):
    found = pmta_cli.version(text)
    assert (tuple(found), found.has_test_config) == expected


def test_no_version():
    assert pmta_cli.version("connection refused") is None


def test_settings_keep_repeated_names():
    assert pmta_cli.settings("max-smtp-out 20\nsmtp-tls-allow-SSLv3 no\nhost-name a\nhost-name b\n\n") == {
        "max-smtp-out": ["20"],
        "smtp-tls-allow-sslv3": ["no"],
        "host-name": ["a", "b"],
    }


@pytest.mark.parametrize(
    ("code", "out", "err", "ok"),
    [
        (0, "", "", True),
        (0, "Configuration is valid.", "", True),
        (0, "No errors found.", "", True),
        (0, "Error in line 11 of /etc/pmta/config: argument missing", "", False),
        (1, "", "Error in line 11 of /etc/pmta/config: argument missing", False),
        (1, "", "", False),
        (1, "Unknown command: test", "", None),
    ],
)
def test_test_config_is_judged_by_code_and_words(code, out, err, ok):
    assert pmta_cli.judge_test(code, out, err).ok is ok


@pytest.mark.parametrize(
    ("code", "out", "ok"),
    [
        (0, "Configuration reloaded.", True),
        (0, "", False),
        (0, "Error in line 3 of /etc/pmta/config: unknown directive", False),
        (1, "Configuration reloaded.", False),
    ],
)
def test_reload_needs_the_documented_words(code, out, ok):
    assert pmta_cli.judge_reload(code, out, "").ok is ok


def test_pause_and_resume_need_the_documented_words():
    assert pmta_cli.judge_pause(0, "Queue(s) paused.", "").ok
    assert pmta_cli.judge_resume(0, "Queue(s) resumed.", "").ok
    assert not pmta_cli.judge_pause(0, "Queue(s) resumed.", "").ok
    assert not pmta_cli.judge_resume(0, "", "no such queue").ok

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read back after a reload, and the three verdicts on an answer."""

from __future__ import annotations

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_fleet.read_back import (
    HOSTS,
    RATE,
    Expected,
    expected,
    judge,
)


def stopped(name, host="192.0.2.1"):
    return f'<virtual-mta {name}>\n    smtp-source-host {host} x.test\n    <domain *>\n        smtp-hosts "[127.0.0.1]:9"\n    </domain>\n</virtual-mta>\n'


def sending(name, rate="50/d"):
    return (
        f"<virtual-mta {name}>\n    smtp-source-host 192.0.2.1 x.test\n    max-smtp-msg-rate {rate}\n</virtual-mta>\n"
    )


MACRO = "domain-macro gmail gmail.com,googlemail.com\n"


def test_every_stop_that_changed_and_some_others_some_rates():
    old = "".join([*(stopped(f"s{n}") for n in range(30)), *(sending(f"r{n}") for n in range(30))])
    new = MACRO + "".join(
        [*(stopped(f"s{n}", "192.0.2.9") for n in range(25)), *(stopped(f"s{n}") for n in range(25, 30))]
        + [sending("r0"), *(sending(f"r{n}", "9/d") for n in range(1, 30))]
    )
    found = expected(old, new, limit=4)
    hosts = [one for one in found if one.directive == HOSTS]
    assert [one.vmta for one in hosts] == [f"s{n}" for n in range(29)]
    assert {(one.value, one.domain) for one in hosts} == {("[127.0.0.1]:9", "gmail.com")}
    assert [(one.vmta, one.value) for one in found if one.directive == RATE] == [(f"r{n}", "9/d") for n in range(1, 5)]


def test_without_macros_any_receiver():
    assert expected("", stopped("a"))[0].questions == [("settings", "example.com/a")]


HOST = Expected("a", HOSTS, "[127.0.0.1]:9", "gmail.com")
LIMIT = Expected("a", RATE, "50/d", "gmail.com")
OTHERS = "max-smtp-out 20\nretry-after 10m\n"


@pytest.mark.parametrize(
    ("wanted", "subcommand", "code", "out", "ok"),
    [
        (HOST, "settings", 0, f"{OTHERS}smtp-hosts [127.0.0.1]:9\n", True),
        (HOST, "settings", 0, f'{OTHERS}smtp-hosts "127.0.0.1:9"\n', True),
        (HOST, "settings", 0, "smtp-hosts [127.0.0.1]\n", None),
        (HOST, "settings", 0, f"{OTHERS}smtp-hosts lookup-mx:gmail.com\n", False),
        (HOST, "settings", 0, f'{OTHERS}smtp-hosts ""\n', False),
        (HOST, "settings", 0, OTHERS, False),
        (HOST, "settings", 0, "some words that nobody knows\n", None),
        (HOST, "settings", 0, "", None),
        (HOST, "settings", 1, OTHERS, None),
        (HOST, "settings", 124, "", None),
        (HOST, "settings", 0, "Unknown command: settings\n", None),
        (LIMIT, "vmta-settings", 0, "max-smtp-msg-rate 50/d\n", True),
        (LIMIT, "vmta-settings", 0, "max-smtp-msg-rate 50/1day\n", True),
        (LIMIT, "vmta-settings", 0, "max-smtp-msg-rate 50/h\n", False),
        (LIMIT, "vmta-settings", 0, "max-smtp-msg-rate unlimited\n", False),
        (LIMIT, "vmta-settings", 0, "max-smtp-msg-rate 0\n", False),
        (LIMIT, "vmta-settings", 0, "max-smtp-msg-rate often\n", None),
        (LIMIT, "vmta-settings", 0, "smtp-source-host 192.0.2.1 x\n", False),
        (LIMIT, "vmta-settings", 0, OTHERS, None),
        (LIMIT, "settings", 0, OTHERS, None),
    ],
)
def test_verdicts(wanted, subcommand, code, out, ok):
    assert judge(code, out, "", wanted, subcommand).ok is ok

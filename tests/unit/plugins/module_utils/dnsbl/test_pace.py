# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking one list ends in time, however many there are to ask about and however slow it is; the clock is a made-up one."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.dns_verdict.answers import FOUND, NXDOMAIN, Answer
from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl.lists import chosen
from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl.pace import LONGEST, end, pace
from ansible_collections.email_engine.fleet.plugins.module_utils.local import dnsbl_survey
from ansible_collections.email_engine.fleet.plugins.modules import dnsbl_check

ROOT = Path(__file__).parents[5]
SECONDS = st.floats(0, 60)


@given(st.integers(0, 5000), SECONDS, SECONDS, st.floats(1, LONGEST))
def test_all_questions_begin_in_time(questions, spacing, jitter, within):
    pause, more = pace(questions, spacing, jitter, within)
    assert 0 <= pause <= spacing and 0 <= more <= jitter
    assert (questions + 7) * (pause + more) <= within * 1.0001
    if (questions + 8) * (spacing + jitter) <= within and jitter <= spacing:
        assert (pause, more) == (spacing, min(jitter, within / (questions + 8) / 3)), "no faster than it has to be"


class Clock:
    """The time of the check: it passes by waiting and by answers alone."""

    def __init__(self, answers: float):
        self.now, self.answers = 1000.0, answers

    def monotonic(self):
        return self.now

    async def sleep(self, seconds):
        self.now += max(0, seconds)

    async def ask(self, name, _rtype="A"):
        self.now += self.answers
        listed = name.startswith(("2.0.0.127.", "1.100.51.198."))
        return Answer(FOUND, ("127.0.0.2",)) if listed else Answer(NXDOMAIN)


def surveyed(monkeypatch, answers, count, **more):
    clock = Clock(answers)
    monkeypatch.setattr(dnsbl_survey, "time", clock)
    monkeypatch.setattr(dnsbl_survey.asyncio, "sleep", clock.sleep)
    monkeypatch.setattr(random, "uniform", lambda _low, high: high)
    survey = dnsbl_survey.Survey([("127.0.0.1", 53)], spacing=2, jitter=1, **more)
    targets = [f"198.51.{100 + n // 250}.{1 + n % 250}" for n in range(count)]
    [one] = chosen(["psbl"])
    round_ = dnsbl_survey._Round(survey, clock, one, checked := dnsbl_survey.Checked([one], []), 2)
    asyncio.run(round_.run(targets))
    return clock, checked, one, targets


@pytest.mark.parametrize(("count", "seconds"), [(100, 330), (1001, 1200)])
def test_a_thousand_senders_take_no_longer_than_is_given(monkeypatch, count, seconds):
    clock, checked, one, targets = surveyed(monkeypatch, 0.05, count)
    assert clock.now - 1000 <= seconds
    assert {checked.of(one, target).verdict for target in targets[1:]} == {"clean"}
    assert checked.of(one, targets[0]).verdict == "listed" and checked.health[one.name].detail is None


def test_a_slow_list_ends_too_and_says_nothing_of_the_rest(monkeypatch):
    clock, checked, one, targets = surveyed(monkeypatch, 4.0, 1001)
    assert clock.now - 1000 <= end(1200) + 10
    verdicts = [checked.of(one, target) for target in targets]
    late = [found for found in verdicts if found.verdict == "unknown"]
    assert 600 < len(late) < 800 and "too slowly" in late[0].detail
    health = checked.health[one.name]
    assert health.state == "healthy" and f"{len(late)} of 1001" in health.detail, "what it said counts"


def test_what_does_not_fit_into_the_hour_is_refused():
    given = {"timeout": 5, "within": LONGEST + 1, "spacing": 2, "jitter": 1, "concurrency": 300}
    [problem] = dnsbl_check.numbers(given)
    assert problem.where == "within" and "two rounds" in problem.what and str(LONGEST) in problem.remedy
    assert dnsbl_check.numbers({**given, "within": LONGEST}) == []


def test_the_defaults_agree():
    policy = yaml.safe_load((ROOT / "roles/policy/defaults/main.yml").read_text(encoding="utf-8"))["policy_dnsbl"]
    options = yaml.safe_load(dnsbl_check.DOCUMENTATION)["options"]
    for name in ("spacing", "jitter", "within"):
        assert policy[name] == options[name]["default"] == dnsbl_check.ARGUMENTS[name]["default"]

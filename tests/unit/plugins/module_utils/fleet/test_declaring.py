# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is declared, what changed by it, and lines that a person can paste."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.declaring import (
    declaration,
    differences,
    listed,
    strangers,
)


def sender(n, **changes):
    return {"name": f"m{n}.sos.test", "tenant": "sos", "status": "active", "from_name": None, **changes}


def fleet(*senders, tenants=({"name": "sos", "trusted": False},)):
    return {"version": 1, "tenants": list(tenants), "senders": list(senders), "gone": []}


def test_who_is_declared_retired_is_left_out():
    document = fleet(sender(1), sender(2, status="retired"))
    assert declaration(document) == fleet(sender(1))


def test_only_what_differs_is_shown():
    before = fleet(sender(1), sender(2), sender(3))
    after = fleet(sender(1), sender(2, from_name="New"), sender(4), tenants=[{"name": "sos", "trusted": True}])
    old, new = differences(before, after)
    assert old == {
        "tenant sos": {"trusted": False},
        "sender m2.sos.test": {"from_name": None},
        "sender m3.sos.test": sender(3),
    }
    assert new == {
        "tenant sos": {"trusted": True},
        "sender m2.sos.test": {"from_name": "New"},
        "sender m4.sos.test": sender(4),
    }
    assert differences(before, before) == ({}, {})


def test_the_lines_name_their_tenant_and_are_plain_where_they_can_be():
    entry = {"ip": "198.19.0.6", "domain": "mail6.sos.test", "purposes": ["newsletter"], "from_name": 'Sos: "Ltd"'}
    (found,) = strangers({"m6.sos.test": entry}, fleet(sender(6)))
    assert (found["name"], found["tenant"]) == ("m6.sos.test", "sos")
    assert found["lines"][:3] == ["# tenant sos, senders:", "- ip: 198.19.0.6", "  domain: mail6.sos.test"]
    assert yaml.safe_load("\n".join(found["lines"])) == [entry]


@pytest.mark.parametrize(
    "value", ["yes", "null", "1.5", "2026-11-22", "0x1f", "1e3", "on", "", "- a", "a: b", "é", "a\nb", 7, True]
)
def test_yaml_reads_what_was_meant(value):
    assert yaml.safe_load("\n".join(listed({"key": value, "more": [value]}))) == [{"key": value, "more": [value]}]


@given(
    st.dictionaries(
        st.from_regex(r"[a-z_]{1,8}", fullmatch=True),
        st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126)),
        min_size=1,
    )
)
def test_whatever_it_is(entry):
    assert yaml.load("\n".join(listed({f"k{key}": value for key, value in entry.items()})), yaml.CSafeLoader) == [
        {f"k{key}": value for key, value in entry.items()}
    ]

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.mailwizz import sizing
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

HOSTS = [
    (memory, cores, database)
    for database in (True, False)
    for memory in (*range(sizing.needed(database), 5000, 611), 7951, 15900, 32100, 64300, 257000)
    for cores in (1, 2, 4, 16, 64)
]


def flat(found):
    return {(part, name): value for part, values in found.items() for name, value in values.items()}


@pytest.mark.parametrize("memory, cores, database", HOSTS)
def test_all_at_their_worst_fit_into_the_memory(memory, cores, database):
    found = sizing.sizes(memory, cores, database)
    php = found["php"]
    taken = php["children"] * php["memory_limit"] + php["opcache"] + php["job_memory_limit"]
    if database:
        taken += found["mariadb"]["buffer_pool"] + found["mariadb"]["max_connections"] * sizing.CONNECTION
    assert taken + 256 <= memory


@pytest.mark.parametrize("database", [True, False])
def test_nothing_gets_smaller_on_a_larger_host(database):
    for cores in (1, 2, 8):
        before = {}
        for memory in range(sizing.needed(database), 40000, 7):
            now = flat(sizing.sizes(memory, cores, database))
            assert all(now[name] >= value for name, value in before.items()), (memory, before, now)
            before = now
    before = {}
    for cores in range(1, 65):
        now = flat(sizing.sizes(16000, cores, database))
        assert all(now[name] >= value for name, value in before.items())
        before = now


@pytest.mark.parametrize("memory, cores, database", HOSTS)
def test_every_page_finds_a_connection_free(memory, cores, database):
    found = sizing.sizes(memory, cores, database)
    assert found["php"]["children"] >= 2
    if database:
        assert found["mariadb"]["max_connections"] >= found["php"]["children"] + 16
        assert found["mariadb"]["buffer_pool"] >= 128
    else:
        assert "mariadb" not in found


@pytest.mark.parametrize("database, words", [(True, "mailwizz_database_managed"), (False, "at least")])
def test_a_host_that_is_too_small_is_refused_with_what_it_takes(database, words):
    sizing.sizes(sizing.needed(database), 1, database)
    with pytest.raises(FleetError, match=words) as caught:
        sizing.sizes(sizing.needed(database) - 16, 1, database)
    assert str(sizing.needed(database)) in str(caught.value)


def test_a_usual_host():
    assert sizing.sizes(3900, 2, True) == {
        "php": {"children": 9, "memory_limit": 128, "opcache": 96, "job_memory_limit": 682},
        "mariadb": {"buffer_pool": 816, "log_file": 204, "max_connections": 33},
    }

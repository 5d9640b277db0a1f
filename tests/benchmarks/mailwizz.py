# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""1,000 delivery servers made in a MailWizz stand-in against 100, each in one run of the module, on an empty table; and the runs after that."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from policy import host_policy  # noqa: E402

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.expand import expand  # noqa: E402
from ansible_collections.email_engine.fleet.plugins.modules import (  # noqa: E402
    mailwizz_delivery_servers,
    mailwizz_tenants,
)
from ansible_collections.email_engine.fleet.tests.integration.mailwizz_instance import (  # noqa: E402
    emptied,
    program_of,
)
from ansible_collections.email_engine.fleet.tests.standins.mailwizz.instance import Database, Instance  # noqa: E402

TENANT = {"name": "bench", "email": "bench@x.example", "first_name": "Ada", "last_name": "L", "timezone": "UTC"}
ROUNDS = 3


def fleet(count: int) -> dict:
    block = {"cidr": "10.0.0.0/16", "count": count, "domain": "m{n}.bench.test", "vmta": "v{n}", "prefixes": ["a"]}
    about = {"name": "bench", "feeders": [{"address": "10.255.0.1"}], "ranges": [{**block, "status": "active"}]}
    return expand([about], host_policy(), ["mta"])


def run(instance: Instance, count: int) -> tuple[float, dict]:
    """Seconds of one run of the module (without Ansible around it), and what it did."""
    params = {
        "fleet": fleet(count),
        "tenants": ["bench"],
        "mtas": {"mta": {"address": "10.9.9.9", "port": 2525}},
        "logins": {},
        "stopped": [],
        "protocol": "",
    }
    program = program_of(instance)
    begin = time.perf_counter()
    done = mailwizz_delivery_servers.run(params, False, program)
    return time.perf_counter() - begin, done


def pair(instance: Instance, count: int) -> tuple[float, float]:
    """Seconds to make that many servers, and to find that nothing is to be done."""
    emptied(instance)
    mailwizz_tenants.run({"tenants": [{**TENANT, "password": None}]}, False, program_of(instance))
    made, first = run(instance, count)
    again, second = run(instance, count)
    if len(first["created"]) != count or second["changed"]:
        sys.exit(f"bench: mailwizz_delivery_servers made {len(first['created'])} of {count}, then: {second['changed']}")
    return made, again


def measure(say: Callable[[str], None]) -> dict[str, dict]:
    with Database() as database, Instance(database) as instance:
        instance.install()
        pair(instance, 10)
        # In turns, and the best of each: other work on the machine then disturbs neither more than the other.
        times = {count: [] for count in (100, 1000)}
        for _round in range(ROUNDS):
            for count, seconds in times.items():
                seconds.append(pair(instance, count))
    (small, small_again), (large, large_again) = (tuple(map(min, zip(*times[count]))) for count in (100, 1000))
    say(
        f"delivery servers: 100 made in {small:.2f} s (again: {small_again:.2f} s, 0 changed);"
        f" 1,000 in {large:.2f} s (again: {large_again:.2f} s, 0 changed)"
    )
    return {
        "delivery_servers_1000_over_100": {
            "ours": round(large, 3),
            "baseline": round(small, 3),
            "ratio": round(large / small, 2),
            "unit": "s",
        }
    }


if __name__ == "__main__":
    print(json.dumps(measure(print), indent=2))

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a host's memory is shared between PHP, the cron jobs and the database. All sizes in MiB.

Counted at the worst: every PHP process at its limit and every connection in use fit into the memory together. No setting gets
smaller when the host gets larger.
"""

from __future__ import annotations

import typing as t

from ..problems import FleetError, Problem

#: Most that a page may take, and a connection of the database beside its buffer pool.
PAGE, CONNECTION = 128, 3
#: Least for a cron job: a batch of 100 subscribers with their fields, and what PHP itself takes.
JOB = 192
#: PHP's own compiled code; the product has some thousand files.
OPCACHE = 96
#: Pages that are made at once for each core: most wait for the database.
PAGES_PER_CORE = 12
#: Connections beside those of pages: the eight jobs, their parallel workers, a person.
OTHER_CONNECTIONS = 24
#: Least number of pages at once: a person at work, and trackers.
LEAST_PAGES = 2


def sizes(memory: int, cores: int, database: bool) -> dict[str, t.Any]:
    """Settings for a host with *memory* MiB and *cores*. database: whether it holds the database, too. Raises ``FleetError``.

    ``php``: ``children``, ``memory_limit``, ``opcache``, ``job_memory_limit``. ``mariadb``: ``buffer_pool``, ``log_file``,
    ``max_connections``, or nothing without a database.
    """
    memory, cores = int(memory), max(1, int(cores))
    share, jobs, room = _shares(memory, database)
    if room < LEAST_PAGES:
        raise FleetError([_too_small(memory, database)])
    children = min(room, PAGES_PER_CORE * cores)
    found: dict[str, t.Any] = {
        "php": {"children": children, "memory_limit": PAGE, "opcache": OPCACHE, "job_memory_limit": jobs}
    }
    if database:
        pool = share * 3 // 5 // 16 * 16
        found["mariadb"] = {
            "buffer_pool": pool,
            "log_file": max(16, min(512, pool // 4)),
            "max_connections": min(children + OTHER_CONNECTIONS, (share * 2 // 5) // CONNECTION),
        }
    return found


def needed(database: bool) -> int:
    """The least memory with which :func:`sizes` answers."""
    return next(memory for memory in range(256, 8192, 16) if _shares(memory, database)[2] >= LEAST_PAGES)


def _system(memory: int) -> int:
    """For the kernel, nginx, its cache and all the rest."""
    return max(256, memory // 8)


def _shares(memory: int, database: bool) -> tuple[int, int, int]:
    """Memory of the database, memory of the jobs, and the number of pages that fit beside them."""
    left = memory - _system(memory)
    share = left * 2 // 5 if database else 0
    jobs = max(JOB, left // 5)
    return share, jobs, (left - share - jobs - OPCACHE) // PAGE


def _too_small(memory: int, database: bool) -> Problem:
    return Problem(
        "this host",
        f"has {memory} MiB of memory, too little for MailWizz{' and its database' if database else ''}",
        f"It takes {needed(database)} MiB at least{'; or put the database elsewhere (mailwizz_database_managed: false)' if database else ''}.",
    )

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many requests one caller has in a minute, counted in Redis for all processes together."""

from __future__ import annotations

import logging

from redis import Redis
from redis.exceptions import RedisError

from .errors import Refusal

log = logging.getLogger(__name__)
MINUTE = 60


def spend(redis: Redis, who: int | str, most: int) -> None:
    """One request of *who*: the id of a key, or another caller by kind and name. Raises Refusal when it had *most* in this minute.
    Without Redis nobody is refused: a stop must get through."""
    name = f"requests:{who}"
    try:
        with redis.pipeline(transaction=False) as pipeline:
            # The minute begins with the first request, and Redis alone measures it: nobody's clock can jump.
            used, _, left = pipeline.incr(name).expire(name, MINUTE, nx=True).ttl(name).execute()
    except RedisError as fault:
        log.warning("Redis is away (%s): requests are not counted", type(fault).__name__)
        return
    if used > most:
        wait = max(1, left)
        raise Refusal(
            429,
            "Too many requests",
            f"there are {most} requests a minute; the next one begins in {wait} s",
            {"Retry-After": str(wait)},
        )

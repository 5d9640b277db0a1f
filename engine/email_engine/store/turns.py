# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns of a round-robin, shared by all processes: 0, 1, 2, ... and none twice.

PostgreSQL hands out blocks of turns, Redis the turns of a block. Without Redis each turn is a block of one; a Redis that was wiped
leaves a gap, never a turn given again.
"""

from __future__ import annotations

import logging

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, sessionmaker

from .models import Turn

log = logging.getLogger(__name__)

BLOCK = 1000
# KEYS[1]: a hash of next and end. One step, so that two processes never see the same turn.
_TAKE = """
local block = redis.call('HMGET', KEYS[1], 'next', 'end')
if not block[1] or tonumber(block[1]) >= tonumber(block[2]) then return -1 end
redis.call('HINCRBY', KEYS[1], 'next', 1)
return tonumber(block[1])
"""
# ARGV: a reserved block. Whoever comes second with one finds the first still unused, and lets its own go: a gap.
_REFILL = """
local block = redis.call('HMGET', KEYS[1], 'next', 'end')
if not block[1] or tonumber(block[1]) >= tonumber(block[2]) then
    redis.call('HSET', KEYS[1], 'next', ARGV[1], 'end', ARGV[2])
end
return redis.call('HINCRBY', KEYS[1], 'next', 1) - 1
"""


def reserve(sessions: sessionmaker[Session], name: str, count: int) -> int:
    """The first of *count* turns that are now taken, in a transaction of its own: nobody waits for the caller's."""
    with sessions() as session, session.begin():
        statement = insert(Turn).values(name=name, next=count)
        statement = statement.on_conflict_do_update(index_elements=["name"], set_={"next": Turn.next + count})
        return session.execute(statement.returning(Turn.next)).scalar_one() - count


def take(redis: Redis, sessions: sessionmaker[Session], name: str) -> int:
    """The next turn of the round called *name*."""
    key = f"turns:{name}"
    try:
        turn = int(redis.eval(_TAKE, 1, key))
        if turn < 0:
            first = reserve(sessions, name, BLOCK)
            turn = int(redis.eval(_REFILL, 1, key, first, first + BLOCK))
        return turn
    except RedisError as fault:
        log.warning("Redis is away (%s): turns come from PostgreSQL", type(fault).__name__)
        return reserve(sessions, name, 1)

<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** Addresses that nobody on this installation may write to: one list for all customers, as in the product. */
final class Blacklist
{
    public static function has(string $email): bool
    {
        return Sql::value('SELECT 1 FROM {{email_blacklist}} WHERE email = :e', ['e' => $email]) !== null;
    }

    public static function add(string $email, int $subscriber, string $reason): void
    {
        if (!self::has($email)) {
            Sql::insert('email_blacklist', ['email' => $email, 'subscriber_id' => $subscriber, 'reason' => $reason]);
        }
        Sql::update('list_subscriber', ['status' => 'blacklisted'], ['subscriber_id' => $subscriber]);
    }
}

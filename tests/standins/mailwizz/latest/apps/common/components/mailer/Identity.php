<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** From, Reply-To and the return path of a message, as a delivery server has them. */
final class Identity
{
    /** @return string the address in From */
    public static function from(array $server, string $from): string
    {
        if ($server['force_from'] === 'always') {
            return $server['from_email'];
        }
        if ($server['force_from'] === 'when no valid signing domain' && !self::verified($server, $from)) {
            return $server['from_email'];
        }
        return $from;
    }

    public static function replyTo(array $server, string $replyTo): string
    {
        return $server['force_reply_to'] === 'always' && $server['reply_to_email'] ? $server['reply_to_email'] : $replyTo;
    }

    /** The mailbox of the linked bounce server, else From at a verified sending domain, else the server's own address. */
    public static function returnPath(array $server, string $from): string
    {
        if ($server['bounce_server_id']) {
            $box = Sql::row('SELECT email, username FROM {{bounce_server}} WHERE server_id = :s', ['s' => (int) $server['bounce_server_id']]);
            foreach ([$box['email'] ?? '', $box['username'] ?? ''] as $address) {
                if (EmailAddress::valid((string) $address)) {
                    return $address;
                }
            }
        }
        return self::verified($server, $from) ? $from : $server['from_email'];
    }

    private static function verified(array $server, string $from): bool
    {
        return Sql::value(
            "SELECT 1 FROM {{sending_domain}} WHERE name = :n AND verified = 'yes' AND (customer_id IS NULL OR customer_id <=> :c)",
            ['n' => EmailAddress::domain($from), 'c' => $server['customer_id']]
        ) !== null;
    }
}

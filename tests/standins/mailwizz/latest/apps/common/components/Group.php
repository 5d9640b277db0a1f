<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** What the group of a customer allows: row of customer_group_option, else the option for all customers, else the default. */
final class Group
{
    public static function option(?int $group, string $code, string $default): string
    {
        $value = $group === null ? null : Sql::value(
            'SELECT value FROM {{customer_group_option}} WHERE group_id = :g AND code = :c',
            ['g' => $group, 'c' => $code]
        );
        return (string) ($value ?? Sql::option('system.customer_' . $code, $default));
    }
}

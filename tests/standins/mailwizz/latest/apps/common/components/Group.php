<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** What the group of a customer allows: rows of customer_group_option; a customer without a group has the defaults. */
final class Group
{
    public static function option(?int $group, string $code, string $default): string
    {
        if ($group === null) {
            return $default;
        }
        $value = Sql::value(
            'SELECT value FROM {{customer_group_option}} WHERE group_id = :g AND code IN (:c, :full)',
            ['g' => $group, 'c' => $code, 'full' => 'system.customer_' . $code]
        );
        return $value === null ? $default : (string) $value;
    }
}

<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** Things of the customer who asks. Another customer's do not exist. */
final class Owned
{
    public static function list(ApiRequest $request, string $uid): array
    {
        return self::found(Sql::row(
            "SELECT * FROM {{list}} WHERE list_uid = :u AND customer_id = :c AND status <> 'pending-delete'",
            ['u' => $uid, 'c' => $request->customerId()]
        ), 'The subscribers list does not exist.');
    }

    public static function subscriber(array $list, string $uid): array
    {
        return self::found(Sql::row(
            'SELECT * FROM {{list_subscriber}} WHERE subscriber_uid = :u AND list_id = :l',
            ['u' => $uid, 'l' => (int) $list['list_id']]
        ), 'The subscriber does not exist in this list.');
    }

    public static function campaign(ApiRequest $request, string $uid): array
    {
        return self::found(Sql::row(
            "SELECT * FROM {{campaign}} WHERE campaign_uid = :u AND customer_id = :c AND status <> 'pending-delete'",
            ['u' => $uid, 'c' => $request->customerId()]
        ), 'The campaign does not exist.');
    }

    public static function template(ApiRequest $request, string $uid): array
    {
        return self::found(Sql::row(
            'SELECT * FROM {{customer_email_template}} WHERE template_uid = :u AND customer_id = :c',
            ['u' => $uid, 'c' => $request->customerId()]
        ), 'The template does not exist.');
    }

    /** @param array|null $row */
    public static function found($row, string $otherwise): array
    {
        if (!$row) {
            throw new ApiError(404, $otherwise);
        }
        return $row;
    }
}

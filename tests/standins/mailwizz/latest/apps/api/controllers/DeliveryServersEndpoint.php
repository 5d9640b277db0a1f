<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** /delivery-servers: what the customer owns, for reading. The system's and the group's are not shown. */
final class DeliveryServersEndpoint
{
    private const COLUMNS = 'server_id, type, name, hostname, status';

    public static function index(ApiRequest $request): array
    {
        return [200, Page::of(
            $request,
            self::COLUMNS,
            "FROM {{delivery_server}} WHERE customer_id = :c AND status <> 'pending-delete'",
            ['c' => $request->customerId()],
            'server_id DESC',
            static function (array $row) {
                return $row;
            }
        )];
    }

    public static function view(ApiRequest $request, string $id): array
    {
        $row = Owned::found(Sql::row(
            'SELECT ' . self::COLUMNS . ' FROM {{delivery_server}} WHERE customer_id = :c AND server_id = :s',
            ['c' => $request->customerId(), 's' => (int) $id]
        ), 'The server does not exist.');
        return [200, ['status' => 'success', 'data' => ['record' => $row]]];
    }
}

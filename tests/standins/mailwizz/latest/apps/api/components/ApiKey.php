<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** Who asks: the customer of X-API-KEY, if the key, the customer and its group are good for it. */
final class ApiKey
{
    /** @return array row of customer, with key_id */
    public static function customer(ApiRequest $request): array
    {
        $refused = ApiMode::three() ? 401 : 400;
        if (Sql::option('system.common.api_status', 'online') !== 'online') {
            throw new ApiError(503, 'The API is offline.');
        }
        if ($request->key() === '') {
            throw new ApiError($refused, 'Invalid API request params. Please refer to the documentation.');
        }
        $row = Sql::row(
            'SELECT c.*, k.key_id, k.ip_whitelist, k.ip_blacklist FROM {{customer_api_key}} k
             JOIN {{customer}} c ON c.customer_id = k.customer_id WHERE k.`key` = :k',
            ['k' => $request->key()]
        );
        if (!$row) {
            throw new ApiError($refused, 'Invalid API key. Please refer to the documentation.');
        }
        $address = $_SERVER['REMOTE_ADDR'] ?? '';
        $white = self::addresses((string) $row['ip_whitelist']);
        if (($white && !in_array($address, $white, true)) || in_array($address, self::addresses((string) $row['ip_blacklist']), true)) {
            throw new ApiError($refused, 'Your IP address is not allowed to access the API.');
        }
        if ($row['status'] !== 'active') {
            throw new ApiError($refused, 'Your account must be active in order to use the API.');
        }
        if (Group::option($row['group_id'] === null ? null : (int) $row['group_id'], 'api.enabled', 'yes') !== 'yes') {
            throw new ApiError($refused, 'Your account does not have access to the API.');
        }
        return $row;
    }

    private static function addresses(string $list): array
    {
        return preg_split('/[\s,]+/', $list, -1, PREG_SPLIT_NO_EMPTY);
    }
}

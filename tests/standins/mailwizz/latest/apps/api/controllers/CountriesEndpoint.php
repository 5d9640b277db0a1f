<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** /countries */
final class CountriesEndpoint
{
    public static function index(ApiRequest $request): array
    {
        return [200, Page::of($request, 'country_id, name, code', 'FROM {{country}}', [], 'name', static function (array $row) {
            return $row;
        })];
    }

    public static function zones(ApiRequest $request, string $id): array
    {
        return [200, Page::of($request, 'zone_id, name, code', 'FROM {{zone}} WHERE country_id = :c', ['c' => (int) $id], 'name', static function (array $row) {
            return $row;
        })];
    }
}

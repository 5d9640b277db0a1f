<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** /customers: tied to public registration, which is off here. */
final class CustomersEndpoint
{
    public static function create(ApiRequest $request): array
    {
        throw new ApiError(400, 'Customer registration is disabled.');
    }
}

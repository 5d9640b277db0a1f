<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// What counts as an e-mail address.

declare(strict_types=1);

class EmailAddress
{
    public static function valid(string $address): bool
    {
        return filter_var($address, FILTER_VALIDATE_EMAIL) !== false && !str_contains($address, '"');
    }
}

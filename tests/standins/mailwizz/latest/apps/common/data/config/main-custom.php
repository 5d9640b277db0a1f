<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Template of apps/common/config/main-custom.php; the installer fills in what stands in braces.

declare(strict_types=1);

return [
    'components' => [
        'db' => [
            'connectionString' => '{DB_CONNECTION_STRING}',
            'username' => '{DB_USER}',
            'password' => '{DB_PASS}',
            'tablePrefix' => '{DB_PREFIX}',
        ],
    ],
    'params' => [
        'email.custom.header.prefix' => '{EMAILS_CUSTOM_HEADER_PREFIX}',
    ],
];

<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Entry point of the command line: console.php COMMAND [ACTION] [--option=value ...].

declare(strict_types=1);

define('MW_APP_NAME', 'console');

require __DIR__ . '/../init.php';

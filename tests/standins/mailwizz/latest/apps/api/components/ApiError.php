<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** An answer with status "error". */
final class ApiError extends Exception
{
    /** @var string|array */
    public $error;

    /** @param string|array $error a text, or field => text */
    public function __construct(int $status, $error)
    {
        parent::__construct(is_string($error) ? $error : 'error', $status);
        $this->error = $error;
    }
}

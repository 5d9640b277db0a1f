<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// An error of the database.

declare(strict_types=1);

class CDbException extends CException
{
    /** @var mixed what PDO says of it */
    public mixed $errorInfo;

    public function __construct(string $message, int $code = 0, mixed $errorInfo = null)
    {
        $this->errorInfo = $errorInfo;
        parent::__construct($message, $code);
    }
}

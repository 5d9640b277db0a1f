<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// An error that a visitor sees: status and text.

declare(strict_types=1);

class CHttpException extends CException
{
    public int $statusCode;

    public function __construct(int $status, string $message = '', int $code = 0)
    {
        $this->statusCode = $status;
        parent::__construct($message, $code);
    }
}

<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** What an SMTP server said, or that it did not. */
final class SmtpException extends RuntimeException
{
    /** @var bool the server is of no use now, whoever the recipient is */
    public $server;

    /** @param int $code the reply's code, 0 without a reply */
    public function __construct(string $text, int $code = 0, bool $server = false)
    {
        parent::__construct($text, $code);
        $this->server = $server;
    }

    public function permanent(): bool
    {
        return !$this->server && $this->getCode() >= 500;
    }
}

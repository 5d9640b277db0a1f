<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// A server spoken to in SMTP.

declare(strict_types=1);

class DeliveryServerSmtp extends DeliveryServer
{
    protected string $serverType = 'smtp';

    public function rules(): array
    {
        return array_merge([['port, timeout', 'required']], parent::rules());
    }
}

<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// A domain whose mail the application may sign.

declare(strict_types=1);

class SendingDomain extends ActiveRecord
{
    protected array $guarded = ['customer_id', 'verified'];

    public function rules(): array
    {
        return array_merge(parent::rules(), [
            ['name', 'required'],
            ['name', 'match', 'pattern' => '/^[a-z0-9-]+(\.[a-z0-9-]+)+$/i'],
        ]);
    }

    public function tableName(): string
    {
        return '{{sending_domain}}';
    }
}

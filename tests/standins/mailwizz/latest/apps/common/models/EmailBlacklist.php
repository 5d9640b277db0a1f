<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// An address that gets no mail.

declare(strict_types=1);

class EmailBlacklist extends ActiveRecord
{
    public function rules(): array
    {
        return [
            ['email', 'required'],
            ['email', 'email'],
            ['email', 'length', 'max' => 150],
            ['email', 'unique'],
            ['reason', 'safe'],
        ];
    }

    public function tableName(): string
    {
        return '{{email_blacklist}}';
    }
}

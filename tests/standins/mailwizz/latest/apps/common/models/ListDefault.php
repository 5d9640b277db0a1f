<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// From, reply-to and subject that a list proposes.

declare(strict_types=1);

class ListDefault extends ActiveRecord
{
    public function rules(): array
    {
        return [
            ['from_name, from_email, reply_to', 'required'],
            ['from_name, from_email, reply_to', 'length', 'max' => 100],
            ['subject', 'length', 'max' => 255],
            ['from_email, reply_to', 'email'],
        ];
    }

    public function tableName(): string
    {
        return '{{list_default}}';
    }
}

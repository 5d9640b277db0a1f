<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// One option: category and key.

declare(strict_types=1);

class Option extends ActiveRecord
{
    public function rules(): array
    {
        return [
            ['category, key', 'required'],
            ['category', 'length', 'max' => 150],
            ['key', 'length', 'max' => 150],
            ['is_serialized', 'in', 'range' => [0, 1]],
            ['value', 'safe'],
        ];
    }

    public function tableName(): string
    {
        return '{{option}}';
    }
}

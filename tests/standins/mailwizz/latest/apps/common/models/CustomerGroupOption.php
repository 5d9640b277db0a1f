<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// One option of a customer group, by code.

declare(strict_types=1);

class CustomerGroupOption extends ActiveRecord
{
    public function rules(): array
    {
        return [
            ['group_id, code', 'required'],
            ['group_id', 'exist', 'className' => 'CustomerGroup'],
            ['code', 'length', 'max' => 255],
            ['is_serialized', 'in', 'range' => [0, 1]],
            ['value', 'safe'],
        ];
    }

    public function tableName(): string
    {
        return '{{customer_group_option}}';
    }
}

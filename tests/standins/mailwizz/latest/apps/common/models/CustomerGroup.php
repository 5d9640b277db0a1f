<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Customers with the same rights and limits.

declare(strict_types=1);

class CustomerGroup extends ActiveRecord
{
    public function rules(): array
    {
        return [
            ['name', 'required'],
            ['name', 'length', 'max' => 255],
            ['is_default', 'in', 'range' => ['yes', 'no']],
        ];
    }

    public function getOptionValue(string $code, mixed $default = null): mixed
    {
        $option = CustomerGroupOption::model()->findByAttributes(['group_id' => $this->group_id, 'code' => $code]);
        if ($option === null) {
            return $default;
        }

        return $option->is_serialized ? unserialize($option->value) : $option->value;
    }

    public function tableName(): string
    {
        return '{{customer_group}}';
    }
}

<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// The address that a list's mail shows.

declare(strict_types=1);

class ListCompany extends ActiveRecord
{
    public function rules(): array
    {
        return [
            ['name, country_id, address_1, city, zip_code', 'required'],
            ['name, address_1, address_2, city', 'length', 'max' => 255],
            ['zone_name', 'length', 'max' => 150],
            ['zip_code', 'length', 'max' => 10],
            ['phone', 'length', 'max' => 32],
            ['country_id', 'exist', 'className' => 'Country'],
            ['zone_id', 'exist', 'className' => 'Zone'],
            ['address_format', 'length', 'max' => 255],
        ];
    }

    public function tableName(): string
    {
        return '{{list_company}}';
    }
}

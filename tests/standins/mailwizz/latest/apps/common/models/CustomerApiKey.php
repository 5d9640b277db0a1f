<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// A key of the API: it acts for one customer.

declare(strict_types=1);

class CustomerApiKey extends ActiveRecord
{
    public function rules(): array
    {
        return [
            ['customer_id', 'exist', 'className' => 'Customer', 'allowEmpty' => false, 'safe' => false],
            ['name, description', 'length', 'max' => 255],
            ['ip_whitelist, ip_blacklist', 'length', 'max' => 255],
            ['key', 'match', 'pattern' => '/^[A-Za-z0-9]{40}$/', 'safe' => false],
            ['key', 'unique', 'safe' => false],
        ];
    }

    protected function beforeSave(): bool
    {
        if ((string) $this->key === '') {
            $this->key = bin2hex(random_bytes(20));
        }

        return parent::beforeSave();
    }

    public function tableName(): string
    {
        return '{{customer_api_key}}';
    }
}

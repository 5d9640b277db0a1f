<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// A list of subscribers.

declare(strict_types=1);

class Lists extends ActiveRecord
{
    protected string $uidColumn = 'list_uid';

    protected array $choices = ['visibility' => ['public', 'private'], 'opt_in' => ['single', 'double'], 'opt_out' => ['single', 'double'],
        'status' => ['active', 'archived', 'pending-delete']];

    protected array $guarded = ['customer_id'];

    public function rules(): array
    {
        return array_merge(parent::rules(), [
            ['name, description, opt_in, opt_out', 'required'],
            ['name, display_name', 'length', 'min' => 2, 'max' => 100],
            ['description', 'length', 'min' => 2, 'max' => 255],
        ]);
    }

    public function getCustomer(): ?Customer
    {
        return Customer::model()->findByPk($this->customer_id);
    }

    public function getDefault(): ?ListDefault
    {
        return ListDefault::model()->findByPk($this->list_id);
    }

    public function getCompany(): ?ListCompany
    {
        return ListCompany::model()->findByPk($this->list_id);
    }

    public function tableName(): string
    {
        return '{{list}}';
    }
}

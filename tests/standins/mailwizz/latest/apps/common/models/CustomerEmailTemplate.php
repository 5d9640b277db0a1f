<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// A template of a customer.

declare(strict_types=1);

class CustomerEmailTemplate extends ActiveRecord
{
    protected string $uidColumn = 'template_uid';

    protected array $guarded = ['customer_id'];

    public function rules(): array
    {
        return array_merge(parent::rules(), [['name, content', 'required']]);
    }

    public function tableName(): string
    {
        return '{{customer_email_template}}';
    }
}

<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// A host name that links and pixels of campaigns point at.

declare(strict_types=1);

class TrackingDomain extends ActiveRecord
{
    protected array $choices = ['scheme' => ['http', 'https'], 'verified' => ['yes', 'no']];

    protected array $guarded = ['customer_id'];

    public function rules(): array
    {
        return array_merge(parent::rules(), [
            ['name, scheme', 'required'],
            ['name', 'match', 'pattern' => '/^[a-z0-9-]+(\.[a-z0-9-]+)+$/i'],
            ['name', 'unique'],
        ]);
    }

    public function tableName(): string
    {
        return '{{tracking_domain}}';
    }
}

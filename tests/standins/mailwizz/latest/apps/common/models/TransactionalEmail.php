<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// A message outside campaigns.

declare(strict_types=1);

class TransactionalEmail extends ActiveRecord
{
    protected string $uidColumn = 'email_uid';

    protected array $choices = ['status' => ['unsent', 'sent']];

    public function rules(): array
    {
        return array_merge(parent::rules(), [
            ['to_name, to_email, from_name, subject, body, send_at', 'required'],
            ['to_email, from_email, reply_to_email', 'email'],
        ]);
    }

    public function tableName(): string
    {
        return '{{transactional_email}}';
    }
}

<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// A mailbox that complaints arrive in.

declare(strict_types=1);

class FeedbackLoopServer extends ActiveRecord
{
    protected array $choices = [
        'service' => ['imap', 'pop3'],
        'protocol' => ['ssl', 'tls', 'notls'],
        'status' => ['active', 'inactive', 'cron-running', 'disabled', 'hidden', 'pending-delete'],
    ];

    protected array $guarded = ['customer_id', 'status'];

    public function rules(): array
    {
        return array_merge(parent::rules(), [
            ['hostname, username, password, port, service, protocol', 'required'],
            ['email', 'email'],
            ['port', 'numerical', 'integerOnly' => true, 'min' => 1, 'max' => 65535],
        ]);
    }

    public function tableName(): string
    {
        return '{{feedback_loop_server}}';
    }
}

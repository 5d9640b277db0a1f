<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// An address on a list.

declare(strict_types=1);

class ListSubscriber extends ActiveRecord
{
    protected string $uidColumn = 'subscriber_uid';

    public const STATUS_CONFIRMED = 'confirmed';
    public const STATUS_UNCONFIRMED = 'unconfirmed';
    public const STATUS_UNSUBSCRIBED = 'unsubscribed';
    public const STATUS_BLACKLISTED = 'blacklisted';
    public const STATUSES = ['confirmed', 'unconfirmed', 'unsubscribed', 'blacklisted', 'unapproved', 'disabled', 'moved'];

    protected array $choices = ['status' => self::STATUSES, 'source' => ['web', 'api', 'import']];

    public function rules(): array
    {
        return array_merge(parent::rules(), [['email', 'required'], ['email', 'email']]);
    }

    public function getList(): ?Lists
    {
        return Lists::model()->findByPk($this->list_id);
    }

    public function tableName(): string
    {
        return '{{list_subscriber}}';
    }
}

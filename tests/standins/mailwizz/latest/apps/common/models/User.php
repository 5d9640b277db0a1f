<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// A person of the backend.

declare(strict_types=1);

class User extends ActiveRecord
{
    protected string $uidColumn = 'user_uid';

    protected array $choices = ['status' => ['active', 'inactive', 'deleted']];

    protected array $guarded = ['password', 'removable'];

    public function rules(): array
    {
        return array_merge(parent::rules(), [
            ['first_name, last_name, email, password, timezone', 'required'],
            ['first_name, last_name', 'length', 'min' => 1, 'max' => 100],
            ['email', 'email'],
            ['email', 'unique'],
            ['timezone', 'in', 'range' => DateTimeZone::listIdentifiers()],
            ['password', 'match', 'pattern' => '~^\$P\$[./0-9A-Za-z]{31}$~'],
        ]);
    }

    public function getFullName(): string
    {
        return trim($this->first_name . ' ' . $this->last_name);
    }

    public function tableName(): string
    {
        return '{{user}}';
    }
}

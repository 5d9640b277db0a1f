<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// A person or company that sends: owner of lists, campaigns, keys and servers.

declare(strict_types=1);

class Customer extends ActiveRecord
{
    protected string $uidColumn = 'customer_uid';

    public const STATUS_PENDING_CONFIRM = 'pending-confirm';

    /** Password in clear; hashed by save(). */
    public mixed $fake_password = null;

    protected array $choices = ['status' => [
        'active', 'inactive', 'pending-confirm', 'pending-active', 'pending-disable', 'disabled', 'pending-delete',
    ]];

    protected array $guarded = ['password', 'removable'];

    public function rules(): array
    {
        return array_merge(parent::rules(), [
            ['first_name, last_name, email, timezone, status', 'required'],
            ['first_name, last_name', 'length', 'min' => 1, 'max' => 100],
            ['email', 'email'],
            ['email', 'unique'],
            ['group_id', 'exist', 'className' => 'CustomerGroup'],
            ['timezone', 'in', 'range' => DateTimeZone::listIdentifiers()],
            ['fake_password', 'length', 'min' => 6, 'max' => 100],
            ['password', 'passwordIsHash'],
        ]);
    }

    public function passwordIsHash(string $attribute): void
    {
        if ((string) $this->fake_password === '' && !PasswordHash::isHash((string) $this->$attribute)) {
            $this->addError($attribute, (string) $this->$attribute === '' ? 'Password cannot be blank.' : 'Password is not hashed.');
        }
    }

    public function getFullName(): string
    {
        return trim($this->first_name . ' ' . $this->last_name);
    }

    public function getGroup(): ?CustomerGroup
    {
        return $this->group_id ? CustomerGroup::model()->findByPk($this->group_id) : null;
    }

    /** Option of the customer's group; without a group, or where the group has none, that of all customers. */
    public function getGroupOption(string $code, mixed $default = null): mixed
    {
        $system = Yii::app()->options->get('system.customer_' . $code, $default);
        $group = $this->getGroup();

        return $group === null ? $system : $group->getOptionValue($code, $system);
    }

    protected function beforeSave(): bool
    {
        if ((string) $this->fake_password !== '') {
            $this->password = PasswordHash::make((string) $this->fake_password);
            $this->fake_password = null;
        }

        return parent::beforeSave();
    }

    public function tableName(): string
    {
        return '{{customer}}';
    }
}

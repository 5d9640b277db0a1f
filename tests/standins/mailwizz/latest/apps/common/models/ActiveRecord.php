<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// What all models share: dates, identifiers, and rules that follow from the columns.

declare(strict_types=1);

abstract class ActiveRecord extends CActiveRecord
{
    public const STATUS_ACTIVE = 'active';
    public const STATUS_INACTIVE = 'inactive';
    public const STATUS_DRAFT = 'draft';
    public const STATUS_DISABLED = 'disabled';
    public const STATUS_PENDING_DELETE = 'pending-delete';
    public const TEXT_YES = 'yes';
    public const TEXT_NO = 'no';

    /** Column that gets a unique identifier of 13 characters when empty. */
    protected string $uidColumn = '';

    /** @var array<string, list<string>> column => permitted values */
    protected array $choices = [];

    /** @var list<string> columns that mass assignment leaves alone */
    protected array $guarded = [];

    public function getYesNoOptions(): array
    {
        return ['yes' => 'Yes', 'no' => 'No'];
    }

    public function rules(): array
    {
        $rules = [];
        foreach ($this->getTableSchema()->columns as $name => $column) {
            if ($column->isPrimaryKey || in_array($name, ['date_added', 'last_updated', 'meta_data', $this->uidColumn], true)) {
                continue;
            }
            $safe = ['safe' => !in_array($name, $this->guarded, true)];
            if (isset($this->choices[$name])) {
                $rules[] = [$name, 'in', 'range' => $this->choices[$name]] + $safe;
            } elseif (preg_match("/^enum\('(.*)'\)$/", $column->dbType, $m)) {
                $rules[] = [$name, 'in', 'range' => explode("','", $m[1])] + $safe;
            } elseif ($column->type === 'integer') {
                $rules[] = [$name, 'numerical', 'integerOnly' => true] + $safe;
            } else {
                $rules[] = [$name, 'length', 'max' => $column->size ?? 16777215] + $safe;
            }
        }

        return $rules;
    }

    /** Sets and writes the status alone. */
    public function saveStatus(string $status): bool
    {
        $this->setAttribute('status', $status);
        $columns = ['status' => $status];
        if ($this->hasAttribute('last_updated')) {
            $columns['last_updated'] = gmdate('Y-m-d H:i:s');
        }

        return $this->updateByPk($this->getPrimaryKey(), $columns) > 0;
    }

    protected function beforeSave(): bool
    {
        if (!parent::beforeSave()) {
            return false;
        }
        $now = gmdate('Y-m-d H:i:s');
        if ($this->getIsNewRecord() && $this->hasAttribute('date_added') && empty($this->date_added)) {
            $this->date_added = $now;
        }
        if ($this->hasAttribute('last_updated')) {
            $this->last_updated = $now;
        }
        if ($this->uidColumn !== '' && (string) $this->getAttribute($this->uidColumn) === '') {
            $this->setAttribute($this->uidColumn, $this->generateUid());
        }

        return true;
    }

    /** 13 characters a-z0-9, two letters first, not in use. */
    protected function generateUid(): string
    {
        do {
            $uid = substr(str_shuffle('abcdefghijklmnopqrstuvwxyz'), 0, 2);
            while (strlen($uid) < 13) {
                $uid .= 'abcdefghijklmnopqrstuvwxyz0123456789'[random_int(0, 35)];
            }
        } while (static::model()->findByAttributes([$this->uidColumn => $uid]) !== null);

        return $uid;
    }
}

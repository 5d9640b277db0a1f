<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// A field of a list; its tag names it in the API and in templates.

declare(strict_types=1);

class ListField extends ActiveRecord
{
    protected array $choices = ['visibility' => ['visible', 'hidden', 'none']];

    public function rules(): array
    {
        return array_merge(parent::rules(), [
            ['type_id, label, tag, required, visibility, sort_order', 'required'],
            ['tag', 'match', 'pattern' => '/^[A-Z0-9_]+$/'],
            ['type_id', 'exist', 'className' => 'ListFieldType'],
        ]);
    }

    public function tableName(): string
    {
        return '{{list_field}}';
    }
}

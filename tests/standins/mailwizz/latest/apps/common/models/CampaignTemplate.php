<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// The text of a campaign.

declare(strict_types=1);

class CampaignTemplate extends ActiveRecord
{
    public function rules(): array
    {
        return array_merge(parent::rules(), [['content', 'required', 'except' => 'plain']]);
    }

    public function tableName(): string
    {
        return '{{campaign_template}}';
    }
}

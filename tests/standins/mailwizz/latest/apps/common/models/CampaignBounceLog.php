<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// A bounce; one for each campaign and subscriber.

declare(strict_types=1);

class CampaignBounceLog extends ActiveRecord
{
    public const BOUNCE_HARD = 'hard';
    public const BOUNCE_SOFT = 'soft';
    public const BOUNCE_INTERNAL = 'internal';

    protected array $choices = ['bounce_type' => ['hard', 'soft', 'internal']];

    public function tableName(): string
    {
        return '{{campaign_bounce_log}}';
    }
}

<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// A campaign: one message to one list.

declare(strict_types=1);

class Campaign extends ActiveRecord
{
    protected string $uidColumn = 'campaign_uid';

    public const STATUS_PENDING_SENDING = 'pending-sending';
    public const STATUS_SENDING = 'sending';
    public const STATUS_SENT = 'sent';
    public const STATUS_PROCESSING = 'processing';
    public const STATUS_PAUSED = 'paused';
    public const STATUS_BLOCKED = 'blocked';
    public const STATUS_PENDING_APPROVE = 'pending-approve';
    public const STATUSES = ['draft', 'pending-sending', 'sending', 'sent', 'processing', 'paused', 'pending-delete', 'blocked', 'pending-approve'];

    protected array $choices = ['status' => self::STATUSES, 'type' => ['regular', 'autoresponder']];

    protected array $guarded = ['customer_id', 'status'];

    public function rules(): array
    {
        return array_merge(parent::rules(), [
            ['name, from_name, from_email, subject, reply_to, to_name, send_at, list_id', 'required'],
            ['list_id', 'exist', 'className' => 'Lists'],
            ['segment_id', 'exist', 'className' => 'ListSegment'],
            ['group_id', 'exist', 'className' => 'CampaignGroup'],
            ['from_email, reply_to', 'email'],
            ['send_at', 'match', 'pattern' => '/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/'],
        ]);
    }

    public function getCustomer(): ?Customer
    {
        return Customer::model()->findByPk($this->customer_id);
    }

    public function getList(): ?Lists
    {
        return Lists::model()->findByPk($this->list_id);
    }

    public function getOption(): ?CampaignOption
    {
        return CampaignOption::model()->findByPk($this->campaign_id);
    }

    public function getTemplate(): ?CampaignTemplate
    {
        return CampaignTemplate::model()->findByAttributes(['campaign_id' => $this->campaign_id]);
    }

    public function tableName(): string
    {
        return '{{campaign}}';
    }
}

<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** A campaign as the API takes it: campaign[...] with template, options and delivery_servers. */
final class CampaignForm
{
    private const REQUIRED = [
        'name' => 'Name', 'from_name' => 'From name', 'from_email' => 'From email', 'subject' => 'Subject', 'reply_to' => 'Reply to', 'send_at' => 'Send at',
    ];
    private const OPTIONS = ['url_tracking', 'open_tracking', 'json_feed', 'xml_feed', 'plain_text_email', 'email_stats', 'tracking_domain_id'];
    /** What every campaign must hold, unless the group option campaigns.required_template_tags is "no". */
    private const REQUIRED_TAGS = ['[UNSUBSCRIBE_URL]', '[COMPANY_FULL_ADDRESS]'];

    /** @var array row of campaign, the columns that were sent */
    public $row = [];
    /** @var array{content: string, plain_text: string}|null */
    public $template;
    /** @var array row of campaign_option, the columns that were sent */
    public $options = [];
    /** @var list<int>|null ids for campaign_to_delivery_server; null: not sent, or not for this customer to choose */
    public $servers;
    /** @var array<string, mixed> field => text */
    public $errors = [];

    /** @var ApiRequest */
    private $request;
    /** @var array<string, string> */
    private $sent;

    /** @param array|null $campaign the row that is changed, null for a new one */
    public function __construct(ApiRequest $request, ?array $campaign)
    {
        $wrapper = $request->wrapper('campaign');
        if (!$wrapper) {
            throw new ApiError(422, 'Please provide the campaign data.');
        }
        $this->request = $request;
        $this->sent = Checks::texts($wrapper);
        $this->columns($campaign);
        $this->inList($campaign);
        $this->template(isset($wrapper['template']) && is_array($wrapper['template']) ? $wrapper['template'] : [], $campaign);
        $this->options(isset($wrapper['options']) && is_array($wrapper['options']) ? $wrapper['options'] : []);
        $this->servers();
        if ($this->errors) {
            throw new ApiError(422, $this->errors);
        }
    }

    /** A time "Y-m-d H:i:s" of a time zone in UTC, null when it is none. */
    public static function time(string $text, string $zone): ?string
    {
        $time = DateTimeImmutable::createFromFormat('!Y-m-d H:i:s', $text, new DateTimeZone($zone));
        if (!$time || $time->format('Y-m-d H:i:s') !== $text) {
            return null;
        }
        return $time->setTimezone(new DateTimeZone('UTC'))->format('Y-m-d H:i:s');
    }

    private function columns(?array $campaign): void
    {
        $sent = $this->sent;
        $wanted = $campaign ? array_intersect_key(self::REQUIRED, $sent) : self::REQUIRED;
        $this->errors = Checks::required($sent, $wanted)
            + Checks::email($sent, 'from_email', 'From email')
            + Checks::email($sent, 'reply_to', 'Reply to')
            + Checks::length($sent, 'name', 'Name', 255)
            + Checks::length($sent, 'subject', 'Subject', 255)
            + Checks::length($sent, 'from_name', 'From name', 100)
            + Checks::choice($sent, 'type', 'Type', ['regular', 'autoresponder'])
            + Checks::choice($sent, 'status', 'Status', ['draft', 'pending-sending', 'paused']);
        $this->row = array_intersect_key($sent, array_flip(['name', 'from_name', 'from_email', 'subject', 'reply_to', 'to_name', 'type', 'status']));
        if (isset($sent['send_at']) && !isset($this->errors['send_at'])) {
            $time = self::time($sent['send_at'], (string) ($this->request->customer['timezone'] ?: 'UTC'));
            if ($time === null) {
                $this->errors['send_at'] = 'The format of send at is invalid.';
            }
            $this->row['send_at'] = $time;
        }
    }

    private function inList(?array $campaign): void
    {
        $uid = $this->sent['list_uid'] ?? '';
        if ($uid === '') {
            if (!$campaign) {
                $this->errors['list_uid'] = 'Please provide a list.';
            }
            return;
        }
        $list = Sql::value(
            "SELECT list_id FROM {{list}} WHERE list_uid = :u AND customer_id = :c AND status = 'active'",
            ['u' => $uid, 'c' => $this->request->customerId()]
        );
        if ($list === null) {
            $this->errors['list_uid'] = 'The list does not exist.';
            return;
        }
        $this->row['list_id'] = (int) $list;
        if (($this->sent['segment_uid'] ?? '') !== '') {
            $this->errors['segment_uid'] = 'The segment does not exist.';
        }
    }

    private function template(array $wrapper, ?array $campaign): void
    {
        $sent = Checks::texts($wrapper);
        if (!$sent) {
            if (!$campaign) {
                $this->errors['template'] = 'Please provide a template for this campaign.';
            }
            return;
        }
        if (isset($sent['template_uid'])) {
            $content = Sql::value(
                'SELECT content FROM {{customer_email_template}} WHERE template_uid = :u AND customer_id = :c',
                ['u' => $sent['template_uid'], 'c' => $this->request->customerId()]
            );
        } else {
            $content = isset($sent['content']) ? base64_decode($sent['content']) : null;
        }
        if ($content === null || $content === '') {
            $this->errors['template'] = isset($sent['template_uid']) ? 'The template does not exist.' : 'Please provide the content of the template.';
            return;
        }
        $group = $this->request->customer['group_id'];
        $missing = array_filter(self::REQUIRED_TAGS, static function (string $tag) use ($content) {
            return strpos((string) $content, $tag) === false;
        });
        if ($missing && Group::option($group === null ? null : (int) $group, 'campaigns.required_template_tags', 'yes') === 'yes') {
            $this->errors['template'] = 'The following tags are required but were not found in your content: ' . implode(', ', $missing) . '.';
            return;
        }
        $this->template = ['content' => (string) $content, 'plain_text' => (string) base64_decode($sent['plain_text'] ?? '')];
    }

    private function options(array $wrapper): void
    {
        $sent = array_intersect_key(Checks::texts($wrapper), array_flip(self::OPTIONS));
        $this->errors += Checks::choice($sent, 'url_tracking', 'Url tracking', ['yes', 'no'])
            + Checks::choice($sent, 'open_tracking', 'Open tracking', ['yes', 'no'])
            + Checks::choice($sent, 'plain_text_email', 'Plain text email', ['yes', 'no']);
        if (($sent['tracking_domain_id'] ?? '') !== '') {
            $own = Sql::value(
                'SELECT domain_id FROM {{tracking_domain}} WHERE domain_id = :d AND (customer_id IS NULL OR customer_id = :c)',
                ['d' => (int) $sent['tracking_domain_id'], 'c' => $this->request->customerId()]
            );
            if ($own === null) {
                unset($sent['tracking_domain_id']);
            }
        }
        $this->options = array_intersect_key($sent, Sql::columns('campaign_option'));
    }

    /** The product says nothing of servers that are not taken. */
    private function servers(): void
    {
        $group = $this->request->customer['group_id'];
        if (
            !isset($this->sent['delivery_servers'])
            || Group::option($group === null ? null : (int) $group, 'servers.can_select_delivery_servers_for_campaign', 'no') !== 'yes'
        ) {
            return;
        }
        $this->servers = [];
        foreach (array_unique(array_map('intval', explode(',', $this->sent['delivery_servers']))) as $id) {
            $own = Sql::value(
                'SELECT 1 FROM {{delivery_server}} WHERE server_id = :s AND customer_id = :c',
                ['s' => $id, 'c' => $this->request->customerId()]
            );
            if ($own !== null) {
                $this->servers[] = $id;
            }
        }
    }
}

<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** The mail of one campaign: what is the same for all its recipients, read once, and the message of each. */
final class CampaignMail
{
    /** @var array */
    public $campaign;
    /** @var array with `company` */
    public $list;
    /** @var array */
    public $customer;
    /** @var string absolute, with a slash at its end */
    private $frontend;
    /** @var string the frontend under the campaign's or the server's tracking domain, by server_id */
    private $tracking = [];
    /** @var array */
    private $options;
    /** @var array{string, string} HTML and plain text as stored */
    private $template;

    public function __construct(array $campaign, string $frontend)
    {
        $id = (int) $campaign['campaign_id'];
        $this->campaign = $campaign;
        $this->frontend = $frontend;
        $this->customer = Sql::row('SELECT * FROM {{customer}} WHERE customer_id = :c', ['c' => (int) $campaign['customer_id']]);
        $this->list = Sql::row('SELECT * FROM {{list}} WHERE list_id = :l', ['l' => (int) $campaign['list_id']]);
        $this->list['company'] = self::address((int) $campaign['list_id']);
        $this->options = Sql::row('SELECT * FROM {{campaign_option}} WHERE campaign_id = :c', ['c' => $id]) ?: [];
        $template = Sql::row('SELECT content, plain_text FROM {{campaign_template}} WHERE campaign_id = :c', ['c' => $id]) ?: [];
        $this->template = [(string) ($template['content'] ?? ''), (string) ($template['plain_text'] ?? '')];
    }

    /**
     * The message for one subscriber over one server.
     *
     * @param array $subscriber row of list_subscriber with `fields`
     * @return array{envelope: string, id: string, text: string}
     */
    public function message(array $server, array $subscriber): array
    {
        $frontend = $this->frontendOf($server);
        $tags = SubscriberTags::of($this->campaign, $this->list, $this->customer, $subscriber, $frontend);
        $from = Identity::from($server, $this->campaign['from_email']);
        $replyTo = Identity::replyTo($server, $this->campaign['reply_to'] ?: $from);
        $envelope = Identity::returnPath($server, $from);
        $extra = [];
        foreach (self::additionalHeaders($server) as $header) {
            $value = strtr((string) $header['value'], $tags);
            if (strcasecmp($header['name'], 'X-Force-Return-Path') === 0) {
                $envelope = EmailAddress::valid($value) ? $value : $envelope;
            } else {
                $extra[$header['name']] = $value;
            }
        }
        $id = sha1(uniqid($subscriber['subscriber_uid'], true) . random_bytes(8)) . '@' . EmailAddress::domain($envelope);

        $mail = new MimeMessage();
        $mail->header('Message-ID', "<$id>");
        $mail->header('Date', gmdate('r'));
        $mail->header('Subject', strtr($this->campaign['subject'], $tags));
        $mail->header('From', MimeMessage::mailbox(strtr($this->campaign['from_name'], $tags), $from));
        $mail->header('To', MimeMessage::mailbox(strtr((string) ($this->campaign['to_name'] ?? ''), $tags), $subscriber['email']));
        $mail->header('Reply-To', MimeMessage::mailbox(strtr($this->campaign['from_name'], $tags), $replyTo));
        foreach ($this->productHeaders($server, $subscriber, $tags, $replyTo, $frontend) as $name => $value) {
            $mail->header($name, $value);
        }
        foreach ($extra as $name => $value) {
            $mail->header($name, $value);
        }
        [$html, $plain] = $this->bodies($frontend);
        $escaped = array_map(static function (string $value) {
            return htmlspecialchars($value, ENT_QUOTES, 'UTF-8');
        }, $tags);
        $mail->part('text/plain', strtr($plain, $tags));
        if (($this->options['plain_text_email'] ?? 'no') !== 'only') {
            $mail->part('text/html', strtr($html, $escaped));
        }
        return ['envelope' => $envelope, 'id' => $id, 'text' => $mail->text()];
    }

    /** The page of the web version: HTML with this subscriber's values, links counted. */
    public function webVersion(array $subscriber): string
    {
        $tags = SubscriberTags::of($this->campaign, $this->list, $this->customer, $subscriber, $this->frontend);
        return strtr($this->bodies($this->frontend)[0], array_map('htmlspecialchars', $tags));
    }

    /** The links that the mail of this campaign counts: hash => destination, tags not yet replaced. */
    public function links(): array
    {
        return $this->counts('url_tracking', 'yes') ? Links::tracked($this->template[0], '', '')[1] : [];
    }

    /** @return list<array{name: string, value: string}> */
    private static function additionalHeaders(array $server): array
    {
        $meta = @unserialize((string) $server['meta_data'], ['allowed_classes' => false]);
        $headers = is_array($meta) ? ($meta['additional_headers'] ?? []) : [];
        return array_values(array_filter((array) $headers, static function ($header) {
            return is_array($header) && isset($header['name'], $header['value']);
        }));
    }

    private function productHeaders(array $server, array $subscriber, array $tags, string $replyTo, string $frontend): array
    {
        $prefix = (string) Yii::app()->params['email.custom.header.prefix'];
        [$camp, $sub, $list] = [$this->campaign['campaign_uid'], $subscriber['subscriber_uid'], $this->list['list_uid']];
        $customer = $this->customer['customer_uid'];
        $unsubscribe = '<' . $tags['[UNSUBSCRIBE_URL]'] . '?source=email-client-unsubscribe-button>';
        if ($replyTo !== '') {
            $subject = rawurlencode("Campaign-Uid:$camp / Subscriber-Uid:$sub - Unsubscribe request");
            $unsubscribe .= ", <mailto:$replyTo?subject=$subject&body=" . rawurlencode('Please unsubscribe me!') . '>';
        }
        return [
            $prefix . 'Campaign-Uid' => $camp,
            $prefix . 'Subscriber-Uid' => $sub,
            $prefix . 'Customer-Uid' => $customer,
            $prefix . 'Customer-Gid' => (string) (int) ($this->customer['group_id'] ?? 0),
            $prefix . 'Delivery-Sid' => (string) $server['server_id'],
            $prefix . 'Tracking-Did' => (string) (int) ($server['tracking_domain_id'] ?? 0),
            $prefix . 'EBS' => $frontend . 'lists/block-address',
            $prefix . 'Mailer' => 'Stand-in mailer',
            'List-Unsubscribe' => $unsubscribe,
            'List-Unsubscribe-Post' => 'List-Unsubscribe=One-Click',
            'List-Id' => "$list <{$this->list['display_name']}>",
            'X-Report-Abuse' => "Please report abuse for this campaign here: {$frontend}campaigns/$camp/report-abuse/$list/$sub",
            'Feedback-ID' => "$camp:$sub:$list:$customer",
            'Precedence' => 'bulk',
        ];
    }

    /** @return array{string, string} HTML and plain text, tags not yet replaced */
    private function bodies(string $frontend): array
    {
        [$html, $plain] = $this->template;
        $plain = $plain !== '' ? $plain : Links::plain($html);
        if ($this->counts('url_tracking', 'yes')) {
            $html = Links::tracked($html, $this->campaign['campaign_uid'], $frontend)[0];
        }
        if ($this->counts('open_tracking', 'yes')) {
            $html = Links::withPixel($html, $this->campaign['campaign_uid'], $frontend);
        }
        return [$html, $plain];
    }

    private function counts(string $option, string $default): bool
    {
        return ($this->options[$option] ?? $default) === 'yes';
    }

    private function frontendOf(array $server): string
    {
        $id = (int) $server['server_id'];
        if (!isset($this->tracking[$id])) {
            $domain = (int) ($server['tracking_domain_id'] ?? 0) ?: (int) ($this->options['tracking_domain_id'] ?? 0);
            $row = $domain ? Sql::row('SELECT * FROM {{tracking_domain}} WHERE domain_id = :d', ['d' => $domain]) : null;
            $this->tracking[$id] = $row
                ? preg_replace('#^https?://[^/]+#', ($row['scheme'] ?? 'http') . '://' . $row['name'], $this->frontend)
                : $this->frontend;
        }
        return $this->tracking[$id];
    }

    /** The postal address of a list's company on one line. */
    private static function address(int $list): string
    {
        $row = Sql::row(
            'SELECT c.*, n.name AS country FROM {{list_company}} c LEFT JOIN {{country}} n ON n.country_id = c.country_id WHERE c.list_id = :l',
            ['l' => $list]
        ) ?: [];
        $parts = array_map(static function (string $key) use ($row) {
            return trim((string) ($row[$key] ?? ''));
        }, ['name', 'address_1', 'address_2', 'city', 'zone_name', 'zip_code', 'country']);
        return implode(', ', array_filter($parts, 'strlen'));
    }
}

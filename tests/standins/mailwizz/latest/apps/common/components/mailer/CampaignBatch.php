<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** Sends a campaign to some of its subscribers. A recipient is written down before the message leaves, so that nobody gets it twice. */
final class CampaignBatch
{
    private const NO_SERVER = 'Email delivery is temporary disabled.';

    /** @var CampaignMail */
    private $mail;
    /** @var int */
    private $campaign;
    /** @var ServerPicker */
    private $picker;
    /** @var array|null row of delivery_server drawn now */
    private $server;
    /** @var SmtpClient|null */
    private $client;
    /** @var int messages that the drawn server may still take before another one is drawn */
    private $turns = 0;
    /** @var string */
    private $helo;

    public function __construct(CampaignMail $mail, string $frontend)
    {
        $this->mail = $mail;
        $this->campaign = (int) $mail->campaign['campaign_id'];
        $this->picker = new ServerPicker();
        $this->helo = (string) (parse_url($frontend, PHP_URL_HOST) ?: 'localhost');
    }

    /** @return bool nobody is left */
    public function send(int $most): bool
    {
        $this->storeLinks();
        $subscribers = $this->waiting($most);
        $ids = array_map('intval', array_column($subscribers, 'subscriber_id'));
        $fields = SubscriberTags::fields((int) $this->mail->list['list_id'], $ids);
        $disabled = false;
        foreach ($subscribers as $subscriber) {
            if (!$this->draw()) {
                Journal::line("{$this->mail->campaign['campaign_uid']}: " . self::NO_SERVER);
                $disabled = true;
                break;
            }
            $this->one($subscriber + ['fields' => $fields[$subscriber['subscriber_id']]]);
        }
        $this->putBack();
        return !$disabled && !$this->waiting(1);
    }

    /** Subscribers without a delivery first, then those whose last try was put off. */
    private function waiting(int $most): array
    {
        return Sql::rows(
            "SELECT s.*, l.log_id, l.retries FROM {{list_subscriber}} s
             LEFT JOIN {{campaign_delivery_log}} l ON l.campaign_id = :c AND l.subscriber_id = s.subscriber_id
             WHERE s.list_id = :l AND s.status = 'confirmed' AND (l.log_id IS NULL OR (l.status = 'temporary-error' AND l.retries < l.max_retries))
             ORDER BY l.log_id IS NULL DESC, s.subscriber_id LIMIT :n",
            ['c' => $this->campaign, 'l' => (int) $this->mail->list['list_id'], 'n' => $most]
        );
    }

    private function one(array $subscriber): void
    {
        if (Blacklist::has($subscriber['email'])) {
            $this->log($subscriber, ['status' => 'blacklisted', 'message' => 'The email address is blacklisted.', 'server_id' => null]);
            Sql::update('list_subscriber', ['status' => 'blacklisted'], ['subscriber_id' => (int) $subscriber['subscriber_id']]);
            return;
        }
        $message = $this->mail->message($this->server, $subscriber);
        $log = $this->log($subscriber, [
            'status' => 'error',
            'message' => 'Handed to the delivery server, which did not answer yet.',
            'email_message_id' => $message['id'],
            'server_id' => (int) $this->server['server_id'],
        ]);
        try {
            $reply = $this->client->send($message['envelope'], $subscriber['email'], $message['text']);
            $this->finish($log, 'success', $reply);
            $this->count();
        } catch (SmtpException $error) {
            $this->failed($log, (int) $subscriber['retries'], $error);
        }
        if ((float) ($this->server['pause_after_send'] ?? 0) > 0) {
            usleep((int) $this->server['pause_after_send']);
        }
    }

    private function failed(int $log, int $retries, SmtpException $error): void
    {
        if ($error->permanent()) {
            $this->finish($log, 'fatal-error', $error->getMessage());
            return;
        }
        $last = $retries + 1 >= (int) Sql::value('SELECT max_retries FROM {{campaign_delivery_log}} WHERE log_id = :l', ['l' => $log]);
        Sql::update(
            'campaign_delivery_log',
            ['status' => $last ? 'giveup' : 'temporary-error', 'message' => $error->getMessage(), 'retries' => $retries + 1],
            ['log_id' => $log]
        );
        if ($error->server) {
            Journal::line("Delivery server {$this->server['server_id']} ({$this->server['name']}): " . $error->getMessage());
            $this->picker->broken((int) $this->server['server_id']);
            $this->turns = 0;
        }
    }

    /** The subscriber's row of the delivery log, with these values. */
    private function log(array $subscriber, array $values): int
    {
        if ($subscriber['log_id'] !== null) {
            Sql::update('campaign_delivery_log', $values, ['log_id' => (int) $subscriber['log_id']]);
            return (int) $subscriber['log_id'];
        }
        return Sql::insert('campaign_delivery_log', $values + [
            'campaign_id' => $this->campaign,
            'subscriber_id' => (int) $subscriber['subscriber_id'],
            'processed' => 'no',
            'retries' => 0,
            'max_retries' => (int) Yii::app()->params['campaign.delivery.giveup.retries'] ?: 3,
            'delivery_confirmed' => $this->server['must_confirm_delivery'] === 'yes' ? 'no' : 'yes',
        ]);
    }

    private function finish(int $log, string $status, string $message): void
    {
        Sql::update('campaign_delivery_log', ['status' => $status, 'message' => mb_substr(mb_scrub($message), 0, 1000)], ['log_id' => $log]);
    }

    private function count(): void
    {
        DeliveryServer::loadByPk((int) $this->server['server_id'])->logUsage((int) $this->mail->customer['customer_id'], 'campaigns');
    }

    /** A server for the next message: the one in use until its turns are over. */
    private function draw(): bool
    {
        if ($this->turns > 0) {
            $this->turns--;
            return true;
        }
        $this->putBack();
        $this->server = $this->picker->draw($this->mail->customer, 'campaigns', $this->campaign);
        if (!$this->server) {
            return false;
        }
        $change = (int) Sql::option('system.cron.send_campaigns.change_server_at', 200);
        $this->turns = min($change > 0 ? $change : PHP_INT_MAX, ServerPicker::left($this->server)) - 1;
        $this->client = new SmtpClient($this->server, $this->helo);
        Sql::run("UPDATE {{delivery_server}} SET status = 'in-use' WHERE server_id = :s AND status = 'active'", ['s' => (int) $this->server['server_id']]);
        return true;
    }

    private function putBack(): void
    {
        if ($this->client) {
            $this->client->close();
            Sql::run("UPDATE {{delivery_server}} SET status = 'active' WHERE server_id = :s" . WriteBack::unless('in-use'), ['s' => (int) $this->server['server_id']]);
        }
        $this->client = null;
    }

    private function storeLinks(): void
    {
        foreach ($this->mail->links() as $hash => $destination) {
            Sql::run(
                'INSERT INTO {{campaign_url}} (campaign_id, hash, destination, date_added) SELECT :c, :h, :d, NOW() FROM DUAL
                 WHERE NOT EXISTS (SELECT 1 FROM {{campaign_url}} u WHERE u.campaign_id = :c AND u.hash = :h)',
                ['c' => $this->campaign, 'h' => $hash, 'd' => $destination]
            );
        }
    }
}

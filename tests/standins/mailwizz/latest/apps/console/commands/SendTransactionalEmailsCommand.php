<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** send-transactional-emails: what the API was given, over servers for all uses or for this one. */
class SendTransactionalEmailsCommand extends CConsoleCommand
{
    private const AT_ONCE = 100;

    public function run(array $args): int
    {
        $mutex = Mutex::take('send-transactional-emails');
        if (!$mutex) {
            return 0;
        }
        $emails = Sql::rows(
            "SELECT * FROM {{transactional_email}} WHERE status = 'unsent' AND send_at <= NOW() AND retries < max_retries
             ORDER BY priority, email_id LIMIT :n",
            ['n' => self::AT_ONCE]
        );
        $picker = new ServerPicker();
        foreach ($emails as $email) {
            $this->send($email, $picker);
        }
        $mutex->release();
        return 0;
    }

    private function send(array $email, ServerPicker $picker): void
    {
        $customer = $email['customer_id'] === null ? null
            : Sql::row('SELECT * FROM {{customer}} WHERE customer_id = :c', ['c' => (int) $email['customer_id']]);
        $server = $picker->draw($customer, 'transactional');
        $id = ['email_id' => (int) $email['email_id']];
        if (!$server) {
            Journal::line("{$email['email_uid']}: Email delivery is temporary disabled.");
            return;
        }
        // Counted before it leaves, so that a run that ends midway sends nothing twice.
        Sql::update('transactional_email', ['status' => 'sent', 'retries' => (int) $email['retries'] + 1], $id);
        $client = new SmtpClient($server, (string) (parse_url((string) PublicUrl::frontend(), PHP_URL_HOST) ?: 'localhost'));
        try {
            [$envelope, $text] = $this->message($server, $email);
            $said = $client->send($envelope, $email['to_email'], $text);
            DeliveryServer::loadByPk((int) $server['server_id'])->logUsage($customer ? (int) $customer['customer_id'] : null, 'transactional');
        } catch (SmtpException $error) {
            $said = $error->getMessage();
            $last = $error->permanent() || (int) $email['retries'] + 1 >= (int) $email['max_retries'];
            Sql::update('transactional_email', ['status' => $last ? 'error' : 'unsent'], $id);
        }
        $client->close();
        Sql::insert('transactional_email_log', $id + ['message' => mb_substr($said, 0, 1000)]);
    }

    /** @return array{string, string} return path and message */
    private function message(array $server, array $email): array
    {
        $from = Identity::from($server, (string) $email['from_email'] ?: $server['from_email']);
        $envelope = Identity::returnPath($server, $from);
        $mail = new MimeMessage();
        $mail->header('Message-ID', '<' . sha1($email['email_uid'] . random_bytes(8)) . '@' . EmailAddress::domain($envelope) . '>');
        $mail->header('Date', gmdate('r'));
        $mail->header('Subject', $email['subject']);
        $mail->header('From', MimeMessage::mailbox($email['from_name'], $from));
        $mail->header('To', MimeMessage::mailbox($email['to_name'], $email['to_email']));
        if ((string) $email['reply_to_email'] !== '') {
            $mail->header('Reply-To', MimeMessage::mailbox((string) $email['reply_to_name'], $email['reply_to_email']));
        }
        $mail->part('text/plain', (string) $email['plain_text'] !== '' ? $email['plain_text'] : Links::plain($email['body']));
        $mail->part('text/html', $email['body']);
        return [$envelope, $mail->text()];
    }
}

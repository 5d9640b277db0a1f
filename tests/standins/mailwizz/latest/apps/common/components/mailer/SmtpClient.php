<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** One delivery server as an SMTP client sees it; the connection stays for max_connection_messages messages. */
final class SmtpClient
{
    /** @var array row of delivery_server */
    private $server;
    /** @var string */
    private $helo;
    /** @var resource|null */
    private $stream;
    /** @var int messages over this connection */
    private $sent = 0;
    /** @var array<string, string> extension => its parameters */
    private $extensions = [];

    public function __construct(array $server, string $helo)
    {
        $this->server = $server;
        $this->helo = $helo;
    }

    /** Hands in one message. Returns the server's last reply. */
    public function send(string $sender, string $recipient, string $message): string
    {
        if ($this->stream && $this->sent >= max(1, (int) $this->server['max_connection_messages'])) {
            $this->close();
        }
        if (!$this->stream) {
            $this->open();
        }
        try {
            $this->command("MAIL FROM:<$sender>");
            $this->command("RCPT TO:<$recipient>");
            $this->command('DATA', 354);
            $reply = $this->command(self::stuffed($message) . '.');
            $this->sent++;
            return $reply;
        } catch (SmtpException $error) {
            $this->recover($error);
            throw $error;
        }
    }

    public function close(): void
    {
        if ($this->stream) {
            @fwrite($this->stream, "QUIT\r\n");
            fclose($this->stream);
        }
        $this->stream = null;
        $this->sent = 0;
    }

    private function open(): void
    {
        $host = $this->server['hostname'];
        $port = (int) $this->server['port'];
        $tls = strtolower((string) $this->server['protocol']);
        $timeout = max(5, (int) $this->server['timeout']);
        $address = strpos($host, ':') !== false ? "[$host]" : $host;
        $stream = @stream_socket_client(($tls === 'ssl' ? 'ssl' : 'tcp') . "://$address:$port", $number, $text, $timeout);
        if (!$stream) {
            throw new SmtpException("Connection could not be established with host $host:$port [$text #$number]", 0, true);
        }
        stream_set_timeout($stream, $timeout);
        $this->stream = $stream;
        try {
            $this->reply(220);
            $this->hello();
            if ($tls === 'tls' || $tls === 'starttls') {
                $this->command('STARTTLS', 220);
                if (!@stream_socket_enable_crypto($stream, true, STREAM_CRYPTO_METHOD_TLS_CLIENT)) {
                    throw new SmtpException("TLS with $host:$port failed");
                }
                $this->hello();
            }
            if ((string) $this->server['username'] !== '') {
                $this->authenticate();
            }
        } catch (SmtpException $error) {
            $this->close();
            throw new SmtpException($error->getMessage(), $error->getCode(), true);
        }
    }

    private function hello(): void
    {
        $this->extensions = [];
        foreach (array_slice(explode("\n", $this->command('EHLO ' . $this->helo)), 1) as $line) {
            $words = explode(' ', strtoupper(trim(substr($line, 4))), 2);
            $this->extensions[$words[0]] = $words[1] ?? '';
        }
    }

    private function authenticate(): void
    {
        $user = (string) $this->server['username'];
        $offered = explode(' ', $this->extensions['AUTH'] ?? '');
        if (in_array('LOGIN', $offered, true)) {
            $this->command('AUTH LOGIN', 334);
            $this->command(base64_encode($user), 334);
            $this->command(base64_encode((string) $this->server['password']), 235);
        } elseif (in_array('PLAIN', $offered, true)) {
            $this->command('AUTH PLAIN ' . base64_encode("\0$user\0" . $this->server['password']), 235);
        } else {
            throw new SmtpException("Failed to authenticate on SMTP server with username \"$user\": the server offers no mechanism", 535);
        }
    }

    /** Leaves the connection fit for the next message, or closed. */
    private function recover(SmtpException $error): void
    {
        try {
            if ($error->getCode() === 0 || $error->getCode() === 421) {
                throw $error;
            }
            $this->command('RSET');
        } catch (SmtpException $lost) {
            $this->close();
        }
    }

    private function command(string $text, int $expected = 0): string
    {
        $bytes = $text . "\r\n";
        while ($bytes !== '') {
            $written = @fwrite($this->stream, $bytes);
            if (!$written) {
                throw new SmtpException('Connection lost to host ' . $this->server['hostname']);
            }
            $bytes = (string) substr($bytes, $written);
        }
        return $this->reply($expected);
    }

    /** @param int $expected the code, 0 for any of the 2xx */
    private function reply(int $expected): string
    {
        $lines = '';
        do {
            $line = fgets($this->stream, 2048);
            if ($line === false) {
                throw new SmtpException('Connection to host ' . $this->server['hostname'] . ' timed out or was closed');
            }
            $lines .= $line;
        } while (isset($line[3]) && $line[3] === '-');
        $code = (int) $line;
        if ($expected ? $code !== $expected : $code < 200 || $code > 299) {
            throw new SmtpException(sprintf('Expected response code %s but got code "%d", with message "%s"', $expected ?: '250', $code, trim($lines)), $code);
        }
        return trim($lines);
    }

    private static function stuffed(string $message): string
    {
        $lines = preg_replace('/\r\n|\r|\n/', "\r\n", $message);
        return preg_replace('/^\./m', '..', rtrim($lines, "\r\n")) . "\r\n";
    }
}

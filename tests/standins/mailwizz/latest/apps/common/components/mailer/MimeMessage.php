<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** A message of headers and alternative parts, in the form that goes over SMTP: CRLF, seven bits, no long lines. */
final class MimeMessage
{
    /** @var array<string, array{string, string}> lower-case name => [name, value] */
    private $headers = [];
    /** @var list<array{string, string}> [type, text] */
    private $parts = [];

    /** Sets a header; one of the same name, in whatever case, goes. */
    public function header(string $name, string $value): void
    {
        $value = trim(preg_replace('/[\r\n]+\s*/', ' ', $value));
        $this->headers[strtolower($name)] = [$name, $value];
    }

    public function has(string $name): bool
    {
        return isset($this->headers[strtolower($name)]);
    }

    /** @param string $type text/plain or text/html */
    public function part(string $type, string $text): void
    {
        $this->parts[] = [$type, $text];
    }

    public function text(): string
    {
        $boundary = '=_' . bin2hex(random_bytes(16));
        $lines = [];
        foreach ($this->headers as [$name, $value]) {
            $lines[] = "$name: " . self::folded($name, $value);
        }
        $lines[] = 'MIME-Version: 1.0';
        $lines[] = "Content-Type: multipart/alternative; boundary=\"$boundary\"";
        $body = '';
        foreach ($this->parts as [$type, $text]) {
            $body .= "--$boundary\r\nContent-Type: $type; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
                . quoted_printable_encode(preg_replace('/\r\n|\r|\n/', "\r\n", $text)) . "\r\n";
        }
        return implode("\r\n", $lines) . "\r\n\r\n" . $body . "--$boundary--\r\n";
    }

    /** A display name and an address as one mailbox; the name quoted, or encoded when it is not ASCII. */
    public static function mailbox(string $name, string $address): string
    {
        $name = trim(preg_replace('/[\r\n]+/', ' ', $name));
        if ($name === '' || $name === $address) {
            return $address;
        }
        $ascii = preg_match('/\A[\x20-\x7e]*\z/', $name);
        return ($ascii ? '"' . addcslashes($name, '"\\') . '"' : self::encoded($name)) . " <$address>";
    }

    private static function folded(string $name, string $value): string
    {
        if (preg_match('/[^\x09\x20-\x7e]/', $value)) {
            return self::encoded($value);
        }
        return wordwrap("$name: $value", 76, "\r\n ") === "$name: $value" ? $value : self::wrapped($value, 76 - strlen($name) - 2);
    }

    /** Breaks at blanks only, so that links stay whole. */
    private static function wrapped(string $value, int $room): string
    {
        $lines = [''];
        foreach (explode(' ', $value) as $word) {
            $last = count($lines) - 1;
            if ($lines[$last] !== '' && strlen($lines[$last]) + 1 + strlen($word) > ($last ? 75 : $room)) {
                $lines[] = $word;
            } else {
                $lines[$last] .= ($lines[$last] === '' ? '' : ' ') . $word;
            }
        }
        return implode("\r\n ", $lines);
    }

    private static function encoded(string $value): string
    {
        $words = [];
        for ($rest = mb_scrub($value, 'UTF-8'); $rest !== ''; $rest = substr($rest, strlen($chunk))) {
            $chunk = mb_strcut($rest, 0, 45, 'UTF-8');
            $words[] = '=?UTF-8?B?' . base64_encode($chunk) . '?=';
        }
        return implode("\r\n ", $words);
    }
}

<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** A page of a few words. */
final class PublicPage
{
    public static function show(string $title, string $body, int $status = 200): void
    {
        http_response_code($status);
        header('Content-Type: text/html; charset=utf-8');
        header('Cache-Control: no-store');
        $title = htmlspecialchars($title, ENT_QUOTES, 'UTF-8');
        echo "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>$title</title></head><body><h1>$title</h1>\n$body\n</body></html>\n";
    }

    /** A form that posts to its own address. The token is in a cookie as well, so that no other site can make a visitor send it. */
    public static function form(string $button): string
    {
        $token = bin2hex(random_bytes(20));
        setcookie('csrf_token', $token, ['path' => '/', 'httponly' => true, 'samesite' => 'Lax']);
        return "<form method=\"post\"><input type=\"hidden\" name=\"csrf_token\" value=\"$token\">"
            . '<button type="submit">' . htmlspecialchars($button, ENT_QUOTES, 'UTF-8') . '</button></form>';
    }

    public static function formSent(): bool
    {
        $token = $_COOKIE['csrf_token'] ?? '';
        $sent = $_POST['csrf_token'] ?? '';
        return is_string($token) && is_string($sent) && $token !== '' && hash_equals($token, $sent);
    }
}

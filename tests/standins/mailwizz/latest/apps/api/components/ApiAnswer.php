<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** JSON out. */
final class ApiAnswer
{
    public static function send(int $status, array $body): void
    {
        $text = json_encode($body, JSON_INVALID_UTF8_SUBSTITUTE | JSON_UNESCAPED_UNICODE);
        header('Content-Type: application/json');
        if ($status === 200 && ($_SERVER['REQUEST_METHOD'] ?? '') === 'GET') {
            $tag = '"' . sha1($text) . '"';
            header("ETag: $tag");
            if (trim($_SERVER['HTTP_IF_NONE_MATCH'] ?? '') === $tag) {
                http_response_code(304);
                return;
            }
        }
        http_response_code($status);
        echo $text;
    }
}

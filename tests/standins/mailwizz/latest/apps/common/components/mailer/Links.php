<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** What an HTML template becomes before anything of a subscriber is put in: links that count clicks, a pixel that counts opens. */
final class Links
{
    /** The hash under which a link of a campaign is known. */
    public static function hash(string $destination): string
    {
        return sha1($destination);
    }

    /**
     * Rewrites the links of anchors. Links of the product itself ([UNSUBSCRIBE_URL] and the like) are not counted.
     *
     * @return array{string, array<string, string>} the text, and hash => destination
     */
    public static function tracked(string $html, string $campaign, string $frontend): array
    {
        $urls = [];
        $text = preg_replace_callback('/(<a\b[^>]*?\bhref\s*=\s*)(["\'])(https?:\/\/.+?)\2/is', function (array $m) use (&$urls, $campaign, $frontend) {
            $destination = html_entity_decode(trim($m[3]), ENT_QUOTES | ENT_HTML5, 'UTF-8');
            $hash = self::hash($destination);
            $urls[$hash] = $destination;
            return $m[1] . $m[2] . $frontend . "campaigns/$campaign/track-url/[SUBSCRIBER_UID]/$hash" . $m[2];
        }, $html);
        return [$text, $urls];
    }

    public static function withPixel(string $html, string $campaign, string $frontend): string
    {
        $pixel = '<img width="1" height="1" src="' . $frontend . "campaigns/$campaign/track-opening/[SUBSCRIBER_UID]\" alt=\"\" />";
        return preg_match('/<\/body>/i', $html) ? preg_replace('/<\/body>/i', $pixel . '$0', $html, 1) : $html . $pixel;
    }

    /** The plain text that goes beside an HTML template without one. */
    public static function plain(string $html): string
    {
        $text = preg_replace('/<(style|script|head)\b.*?<\/\1>/is', '', $html);
        $text = preg_replace('/<a\b[^>]*?\bhref\s*=\s*(["\'])(.+?)\1[^>]*>(.*?)<\/a>/is', '$3 ( $2 )', $text);
        $text = preg_replace('/<(br|\/p|\/div|\/tr|\/h\d|\/li)\b[^>]*>/i', "\n", $text);
        return trim(preg_replace('/\n{3,}/', "\n\n", html_entity_decode(strip_tags($text), ENT_QUOTES | ENT_HTML5, 'UTF-8'))) . "\n";
    }
}

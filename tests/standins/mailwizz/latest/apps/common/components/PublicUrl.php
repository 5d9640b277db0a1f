<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** Addresses under which the world reaches the site; known from the first visit, because commands see no Host header. */
final class PublicUrl
{
    /** The frontend, with a slash at its end; null before anybody visited the site. */
    public static function frontend(): ?string
    {
        $known = trim((string) Sql::option('system.urls.frontend_absolute_url', '')) !== '';
        return $known ? AppUrl::absolute('frontend') : null;
    }
}

<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Absolute links. Where the applications are is learned from the first web request; the command line knows nothing of its own.

declare(strict_types=1);

class AppUrl
{
    public const APPLICATIONS = ['frontend', 'backend', 'customer', 'api'];

    /** Stores system.urls.*_absolute_url from the request's Host header, where they are not known yet. */
    public static function remember(CHttpRequest $request): void
    {
        $options = Yii::app()->options;
        if ((string) $options->get('system.urls.frontend_absolute_url', '') !== '') {
            return;
        }
        $root = $options->get('system.urls.scheme', 'http') . '://' . $request->getHost() . $request->getRootUrl() . '/';
        foreach (self::APPLICATIONS as $application) {
            $options->set('system.urls.' . $application . '_absolute_url', $root . ($application === 'frontend' ? '' : $application . '/'));
        }
    }

    /** Link to a path of an application, with the scheme of system.urls.scheme. */
    public static function absolute(string $application, string $path = ''): string
    {
        $options = Yii::app()->options;
        $base = (string) $options->get('system.urls.' . $application . '_absolute_url', '');
        if ($base === '') {
            throw new CException(sprintf(
                'The option system.urls.%s_absolute_url is empty: no web request has reached this installation yet.',
                $application
            ));
        }
        $base = preg_replace('~^https?://~', $options->get('system.urls.scheme', 'http') . '://', $base);
        $clean = $options->get('system.common.clean_urls', '0') === '1';

        return rtrim($base, '/') . ($clean ? '/' : '/index.php/') . ltrim($path, '/');
    }
}

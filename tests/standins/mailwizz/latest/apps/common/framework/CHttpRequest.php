<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// What the visitor asked.

declare(strict_types=1);

class CHttpRequest
{
    private string $application;

    public function __construct(string $application)
    {
        $this->application = $application;
    }

    /** GET, POST, PUT, DELETE ...; a POST may name another one in X-HTTP-Method-Override. */
    public function getRequestType(): string
    {
        return strtoupper($_SERVER['HTTP_X_HTTP_METHOD_OVERRIDE'] ?? $_SERVER['REQUEST_METHOD'] ?? 'GET');
    }

    public function getIsPostRequest(): bool
    {
        return $this->getRequestType() === 'POST';
    }

    /**
     * Path behind the entry point, without slashes at its ends: 'lists/ab123/unsubscribe'.
     *
     * As the visitor wrote it, whatever the web server made of it: decoded, but '..' and '//' stay.
     */
    public function getPathInfo(): string
    {
        $asked = preg_replace('~^https?://[^/]+~i', '', (string) ($_SERVER['REQUEST_URI'] ?? '/'));
        $path = urldecode(explode('?', $asked, 2)[0]);
        foreach ([$_SERVER['SCRIPT_NAME'] ?? '/index.php', $this->getBaseUrl()] as $entry) {
            if ($entry !== '' && str_starts_with($path, $entry)) {
                $path = substr($path, strlen($entry));
                break;
            }
        }

        return trim($path, '/');
    }

    /** '' for the public pages, '/backend' and the like for others; with the directory the application is in. */
    public function getBaseUrl(): string
    {
        return rtrim(str_replace('\\', '/', dirname($_SERVER['SCRIPT_NAME'] ?? '/index.php')), '/');
    }

    public function getRootUrl(): string
    {
        $base = $this->getBaseUrl();

        return $this->application === 'frontend' ? $base : substr($base, 0, -strlen('/' . $this->application));
    }

    public function getHost(): string
    {
        return $_SERVER['HTTP_HOST'] ?? $_SERVER['SERVER_NAME'] ?? 'localhost';
    }

    public function getIsSecureConnection(): bool
    {
        return !empty($_SERVER['HTTPS']) && strtolower($_SERVER['HTTPS']) !== 'off';
    }

    public function getQuery(string $name, mixed $default = null): mixed
    {
        return $_GET[$name] ?? $default;
    }

    public function getPost(string $name, mixed $default = null): mixed
    {
        return $_POST[$name] ?? $default;
    }

    public function getRawBody(): string
    {
        return (string) file_get_contents('php://input');
    }

    public function getHeader(string $name): ?string
    {
        return $_SERVER['HTTP_' . strtoupper(str_replace('-', '_', $name))] ?? null;
    }

    public function getUserHostAddress(): string
    {
        return $_SERVER['REMOTE_ADDR'] ?? '127.0.0.1';
    }

    public function getUserAgent(): ?string
    {
        return $_SERVER['HTTP_USER_AGENT'] ?? null;
    }
}

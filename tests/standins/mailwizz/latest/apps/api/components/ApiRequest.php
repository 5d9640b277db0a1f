<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** What a client sent: path below the API, method, query, and the form in the body. A body that is no form is empty. */
final class ApiRequest
{
    /** @var string begins with a slash */
    public $path;
    /** @var string */
    public $method;
    /** @var array */
    public $form;
    /** @var array customer that the key belongs to; set once the key is checked */
    public $customer = [];

    public function __construct()
    {
        $path = (string) parse_url($_SERVER['REQUEST_URI'] ?? '/', PHP_URL_PATH);
        $this->path = '/' . trim(rawurldecode(preg_replace('#^/api(/index\.php)?(?=/|$)#', '', $path)), '/');
        $sent = strtoupper($_SERVER['REQUEST_METHOD'] ?? 'GET');
        $this->method = strtoupper($_SERVER['HTTP_X_HTTP_METHOD_OVERRIDE'] ?? '') ?: $sent;
        $this->form = $sent === 'POST' ? $_POST : self::urlencoded();
    }

    public function key(): string
    {
        return (string) ($_SERVER['HTTP_X_API_KEY'] ?? $_SERVER['HTTP_X_MW_PUBLIC_KEY'] ?? '');
    }

    public function query(string $name): string
    {
        return isset($_GET[$name]) && is_string($_GET[$name]) ? trim($_GET[$name]) : '';
    }

    /** One text of the form; what is no text is the default. */
    public function text(string $name, string $default = ''): string
    {
        return isset($this->form[$name]) && is_string($this->form[$name]) ? trim($this->form[$name]) : $default;
    }

    /** name[...] of the form. */
    public function wrapper(string $name): array
    {
        return isset($this->form[$name]) && is_array($this->form[$name]) ? $this->form[$name] : [];
    }

    public function customerId(): int
    {
        return (int) $this->customer['customer_id'];
    }

    /** PHP reads forms of POST only; of the others the product parses what is urlencoded. */
    private static function urlencoded(): array
    {
        $type = strtolower(trim(explode(';', $_SERVER['CONTENT_TYPE'] ?? '')[0]));
        $form = [];
        if ($type === '' || $type === 'application/x-www-form-urlencoded') {
            parse_str((string) file_get_contents('php://input'), $form);
        }
        return $form;
    }
}

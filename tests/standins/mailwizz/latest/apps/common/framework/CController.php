<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Answers the paths that begin with its name.

declare(strict_types=1);

abstract class CController
{
    public string $id;

    public function __construct(string $id)
    {
        $this->id = $id;
    }

    public function beforeAction(string $action): bool
    {
        return true;
    }

    protected function getRequest(): CHttpRequest
    {
        return Yii::app()->getRequest();
    }

    /** apps/NAME/views/VIEW.php inside the layout, when there is one. */
    protected function render(string $view, array $data = []): void
    {
        $views = Yii::app()->getBasePath() . '/views/';
        $content = self::file($views . $view . '.php', $data);
        $layout = $views . 'layout.php';
        echo is_file($layout) ? self::file($layout, $data + ['content' => $content]) : $content;
    }

    protected function redirect(string $url, int $status = 302): never
    {
        header('Location: ' . $url, true, $status);
        Yii::app()->flushAndEnd();
    }

    protected function renderJson(mixed $data, int $status = 200): never
    {
        http_response_code($status);
        header('Content-Type: application/json');
        echo json_encode($data, JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR);
        Yii::app()->flushAndEnd();
    }

    private static function file(string $file, array $data): string
    {
        extract($data);
        ob_start();
        require $file;

        return (string) ob_get_clean();
    }
}

<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Seven steps in their order; what is done is remembered in the session.

declare(strict_types=1);

class Installer
{
    public const STEPS = ['welcome', 'requirements', 'filesystem', 'database', 'admin', 'cron', 'finish'];

    public const CONFIG = MW_APPS_PATH . '/common/config/main-custom.php';

    public function run(string $route): void
    {
        session_name('mw_install');
        session_start();
        if (is_file(self::CONFIG) && empty($_SESSION['config_file_created'])) {
            $this->redirect('../');
        }
        if (!in_array($route, self::STEPS, true)) {
            $this->redirect('index.php?route=welcome');
        }
        foreach (array_slice(self::STEPS, 0, array_search($route, self::STEPS, true)) as $before) {
            if (empty($_SESSION['done'][$before])) {
                $this->redirect('index.php?route=' . $before);
            }
        }
        $class = ucfirst($route) . 'Step';
        $step = new $class();
        $step->enter();
        if ($_SERVER['REQUEST_METHOD'] === 'POST' && !empty($_POST['next']) && $step->submit()) {
            $_SESSION['done'][$route] = true;
            $next = self::STEPS[array_search($route, self::STEPS, true) + 1];
            $this->redirect('index.php?route=' . $next);
        }
        header('Content-Type: text/html; charset=UTF-8');
        $this->view($route, $step);
    }

    private function view(string $route, InstallStep $step): void
    {
        ob_start();
        require __DIR__ . '/views/' . $route . '.php';
        $content = ob_get_clean();
        require __DIR__ . '/views/layout.php';
    }

    private function redirect(string $url): never
    {
        header('Location: ' . $url, true, 302);
        exit;
    }
}

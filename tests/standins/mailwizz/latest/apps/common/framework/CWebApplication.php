<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// A web application: finds the controller of a path, and shows errors.

declare(strict_types=1);

/**
 * @property CHttpRequest $request
 * @property WebSession   $session
 */
class CWebApplication extends CApplication
{
    public string $name;

    public function __construct(string $name)
    {
        $this->name = $name;
    }

    public function run(): void
    {
        ob_start();
        try {
            $this->beforeRequest();
            $this->dispatch($this->getRequest()->getPathInfo());
        } catch (Throwable $e) {
            while (ob_get_level() > 1) {
                ob_end_clean();
            }
            ob_clean();
            $this->showError($e);
        }
        ob_end_flush();
    }

    public function getRequest(): CHttpRequest
    {
        return $this->__get('request');
    }

    public function getSession(): WebSession
    {
        return $this->__get('session');
    }

    /** Link inside this application, as the browser needs it. */
    public function createUrl(string $route): string
    {
        $clean = $this->options->get('system.common.clean_urls', '0') === '1';

        return $this->getRequest()->getBaseUrl() . ($clean ? '/' : '/index.php/') . $route;
    }

    protected function make(string $name): object
    {
        return match ($name) {
            'request' => new CHttpRequest($this->name),
            'session' => new WebSession($this->name),
            default => parent::make($name),
        };
    }

    private function beforeRequest(): void
    {
        AppUrl::remember($this->getRequest());
        if ($this->name === 'api') {
            return;
        }
        $path = $this->getRequest()->getPathInfo();
        $version = (string) $this->options->get('system.common.version', '1.0');
        if (version_compare(MW_VERSION, $version, '>') && !($this->name === 'backend' && preg_match('~^(update|guest)(/|$)~', $path))) {
            header('Location: ' . $this->getRequest()->getRootUrl() . '/backend/index.php/update', true, 302);
            $this->flushAndEnd();
        }
        $offline = $this->options->get('system.common.site_status', 'online') !== 'online';
        if ($offline && in_array($this->name, ['frontend', 'customer'], true)) {
            throw new CHttpException(503, 'Application currently offline. Try again later!');
        }
    }

    /** apps/NAME/config/routes.php may map patterns of paths to 'controller/action'; else the path names both. */
    private function dispatch(string $path): void
    {
        $routes = $this->getBasePath() . '/config/routes.php';
        foreach (is_file($routes) ? require $routes : [] as $pattern => $route) {
            if (preg_match('~^(?:' . $pattern . ')$~D', $path, $m)) {
                $_GET += array_filter($m, static fn ($key, $index): bool => is_string($index), ARRAY_FILTER_USE_BOTH);
                $this->runRoute($route);

                return;
            }
        }
        $this->runRoute($path === '' ? 'site/index' : $path);
    }

    private function runRoute(string $route): void
    {
        $parts = explode('/', $route);
        [$id, $action] = [$parts[0], ($parts[1] ?? '') === '' ? 'index' : $parts[1]];
        $class = self::camel($id) . 'Controller';
        $method = 'action' . self::camel($action);
        if (!preg_match('/^[a-z][a-z0-9_-]*$/i', $id) || !class_exists($class) || !method_exists($class, $method)) {
            throw new CHttpException(404, 'Page not found.');
        }
        // What follows is parameters: name, value, name, value ...
        foreach (array_chunk(array_slice($parts, 2), 2) as $pair) {
            if ($pair[0] !== '') {
                $_GET[$pair[0]] = $pair[1] ?? '';
            }
        }
        $controller = new $class($id);
        $arguments = [];
        foreach ((new ReflectionMethod($controller, $method))->getParameters() as $parameter) {
            $value = $_GET[$parameter->getName()] ?? null;
            if ($value === null && !$parameter->isOptional()) {
                throw new CHttpException(400, 'Your request is invalid.');
            }
            $arguments[] = $value ?? $parameter->getDefaultValue();
        }
        if ($controller->beforeAction($action)) {
            $controller->$method(...$arguments);
        }
    }

    public function flushAndEnd(): never
    {
        while (ob_get_level() > 0) {
            ob_end_flush();
        }
        $this->end();
    }

    public static function camel(string $name): string
    {
        return str_replace(' ', '', ucwords(str_replace(['-', '_'], ' ', $name)));
    }

    /** apps/NAME/components/ErrorHandler.php, where there is one, shows errors its own way. */
    private function showError(Throwable $e): void
    {
        $status = $e instanceof CHttpException ? $e->statusCode : 500;
        Yii::log(get_class($e) . ': ' . $e->getMessage(), 'error', $this->name);
        if (is_file($this->getBasePath() . '/components/ErrorHandler.php')) {
            require_once $this->getBasePath() . '/components/ErrorHandler.php';
            ErrorHandler::handle($e);

            return;
        }
        http_response_code($status);
        header('Content-Type: text/html; charset=UTF-8');
        printf(
            "<!DOCTYPE html>\n<html><head><title>Error %d</title></head><body>\n<h1>%s</h1>\n<p>%s</p>\n</body></html>\n",
            $status,
            $e instanceof CHttpException ? 'Error ' . $status : get_class($e),
            htmlspecialchars($e->getMessage(), ENT_QUOTES)
        );
    }
}

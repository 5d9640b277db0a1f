<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
//
// {names: [...]} -> {options: {name: value or null}}
// {set: {name: value}} -> {options: {name: value}}, as read back

declare(strict_types=1);

namespace EmailEngine\Fleet;

return static function (Product $product, array $document): array {
    $application = $product->boot();
    $set = $document['set'] ?? [];
    $names = $set ? array_keys($set) : $document['names'];
    if ($names && !isset($application->options)) {
        throw new Failure('MailWizz', 'this version has no component of options', 'Use a version that has it; nothing was changed');
    }
    return Records::together(static function () use ($application, $set, $names): array {
        foreach ($set as $name => $value) {
            $application->options->set($name, $value);
        }
        $found = [];
        foreach ($names as $name) {
            $value = $application->options->get($name, null);
            $found[$name] = is_scalar($value) || $value === null ? $value : json_encode($value);
        }
        return ['options' => (object) $found];
    });
};

<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
//
// php fleet.php COMMAND ROOT, one JSON document on standard input.
//
// Answers one line on standard output: "email_engine.fleet: " and a JSON document. An error is {"error": {"where", "what", "remedy"}}, with
// exit status 1. Whatever MailWizz prints beside it goes to standard error.
//
// Commands: info, database, options, state, tenants, servers; each is a file of commands/, which says what it takes.
// Written for PHP 7.2 and later, as MailWizz is.

declare(strict_types=1);

namespace EmailEngine\Fleet;

require __DIR__ . '/Failure.php';
require __DIR__ . '/Speech.php';
require __DIR__ . '/Product.php';
require __DIR__ . '/Records.php';

$speech = new Speech();

try {
    $commands = ['info', 'database', 'options', 'state', 'tenants', 'servers'];
    $command = $argv[1] ?? '';
    if (!in_array($command, $commands, true) || !isset($argv[2])) {
        throw new Failure('command line', 'says nothing that can be done', 'php fleet.php COMMAND ROOT; commands: ' . implode(', ', $commands));
    }
    $document = json_decode((string) stream_get_contents(STDIN), true);
    if (!is_array($document)) {
        throw new Failure('standard input', 'is no JSON document', 'Hand one over');
    }
    $product = new Product($argv[2], $speech);
    $run = require __DIR__ . '/commands/' . $command . '.php';
    $speech->answer($run($product, $document));
} catch (Failure $failure) {
    $speech->answer(['error' => $failure->told()]);
} catch (\Throwable $error) {
    $speech->answer(['error' => Failure::unexpected($error)->told()]);
}

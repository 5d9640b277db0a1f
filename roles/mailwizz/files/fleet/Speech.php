<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// One answer on standard output, whatever MailWizz prints, and even where it ends the process.

declare(strict_types=1);

namespace EmailEngine\Fleet;

final class Speech
{
    private const MARKER = 'email_engine.fleet: ';

    /** @var bool */
    private $answered = false;

    /** @var string */
    private $doing = 'starting';

    public function __construct()
    {
        ini_set('display_errors', 'stderr');
        // Bytes that are printed here would stand before or inside the answer.
        ob_start();
        register_shutdown_function([$this, 'last']);
    }

    /** What an error says where the process ends by itself. */
    public function doing(string $what): void
    {
        $this->doing = $what;
    }

    /** @param array<string, mixed> $document */
    public function answer(array $document): void
    {
        $this->answered = true;
        $this->aside();
        $text = json_encode((object) $document, JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE | JSON_PRESERVE_ZERO_FRACTION);
        fwrite(STDOUT, "\n" . self::MARKER . $text . "\n");
        exit(isset($document['error']) ? 1 : 0);
    }

    /** At the end of the process: says why there is no answer. */
    public function last(): void
    {
        if ($this->answered) {
            return;
        }
        $printed = trim(preg_replace('/\s+/', ' ', $this->aside()));
        $error = error_get_last();
        $what = 'ended the process while ' . $this->doing;
        if ($error !== null && ($error['type'] & (E_ERROR | E_PARSE | E_CORE_ERROR | E_COMPILE_ERROR))) {
            $what = substr($error['message'], 0, 400);
        } elseif ($printed !== '') {
            $what .= ', and said: ' . substr($printed, -400);
        }
        $this->answered = true;
        $told = ['where' => 'MailWizz', 'what' => $what, 'remedy' => 'Look in apps/common/runtime, and whether this version can be started from a script (MW_RETURN_APP_INSTANCE)'];
        fwrite(STDOUT, "\n" . self::MARKER . json_encode(['error' => $told], JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE) . "\n");
        exit(1);
    }

    /** What was printed so far, moved to standard error. */
    private function aside(): string
    {
        $printed = '';
        while (ob_get_level() > 0) {
            $printed = ob_get_clean() . $printed;
        }
        if ($printed !== '') {
            fwrite(STDERR, substr($printed, -10000));
        }
        return $printed;
    }
}

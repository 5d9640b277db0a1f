<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// A server that mail is handed to. customer_id NULL: a server of the system.

declare(strict_types=1);

/**
 * @property ModelMetaData $modelMetaData
 */
class DeliveryServer extends ActiveRecord
{
    public const STATUS_IN_USE = 'in-use';
    public const STATUS_HIDDEN = 'hidden';
    public const STATUSES = ['inactive', 'active', 'in-use', 'disabled', 'hidden', 'pending-delete'];
    public const USE_FOR = ['all', 'campaigns', 'transactional', 'email-tests', 'reports', 'list-emails', 'invoices'];
    public const FORCE_FROM = ['never', 'always', 'when no valid signing domain'];

    /** Type => class; other types of the product need services that are not imitated. */
    public const TYPES = ['smtp' => 'DeliveryServerSmtp', 'smtp-pmta' => 'DeliveryServerSmtpPmta'];

    /** Headers the product writes itself (lower case); Content-* beside them. */
    private const OWN_HEADERS = [
        'from', 'to', 'subject', 'date', 'return-path', 'sender', 'reply-to', 'message-id', 'list-unsubscribe',
        'mime-version', 'x-sender', 'x-receiver', 'x-report-abuse', 'list-id',
    ];

    /** @var list<array{name: string, value: string}> kept in meta_data */
    public mixed $additional_headers = [];

    protected string $serverType = 'smtp';

    private ?ModelMetaData $meta = null;

    public function tableName(): string
    {
        return '{{delivery_server}}';
    }

    /** The row as the class of its type. */
    public static function loadByPk(int|string $id): ?self
    {
        $server = static::model()->findByPk($id);
        $class = $server === null ? null : (self::TYPES[$server->type] ?? self::class);

        return $class === null ? null : $class::model()->findByPk($id);
    }

    public function rules(): array
    {
        $yesNo = ['range' => ['yes', 'no']];
        $quota = ['integerOnly' => true, 'min' => 0, 'max' => 2147483647];
        $rules = [
            ['hostname, from_email', 'required'],
            ['name, hostname, username, password, from_email, from_name, reply_to_email', 'length', 'max' => 150],
            ['hostname', 'hostnameIsOne'],
            ['from_email, reply_to_email', 'email'],
            ['port', 'numerical', 'integerOnly' => true, 'min' => 1, 'max' => 65535],
            ['timeout', 'numerical', 'integerOnly' => true, 'min' => 5, 'max' => 120],
            ['protocol', 'in', 'range' => ['tls', 'ssl', 'starttls']],
            ['probability', 'required'],
            ['probability', 'in', 'range' => range(5, 100, 5)],
            ['hourly_quota, daily_quota, monthly_quota', 'required'],
            ['hourly_quota, daily_quota, monthly_quota', 'numerical'] + $quota,
            ['pause_after_send', 'numerical', 'integerOnly' => true, 'min' => 0, 'max' => 30000000],
            ['max_connection_messages', 'numerical', 'integerOnly' => true, 'min' => 1],
            ['bounce_server_id', 'exist', 'className' => 'BounceServer', 'attributeName' => 'server_id'],
            ['tracking_domain_id', 'exist', 'className' => 'TrackingDomain', 'attributeName' => 'domain_id'],
            ['use_for', 'in', 'range' => self::USE_FOR],
            ['force_from', 'in', 'range' => self::FORCE_FROM],
            ['force_reply_to', 'in', 'range' => ['never', 'always']],
            ['locked, signing_enabled, force_sender, must_confirm_delivery', 'in'] + $yesNo,
            ['locked, signing_enabled, force_sender, must_confirm_delivery, use_for, force_from, force_reply_to', 'required'],
            ['additional_headers', 'headersArePermitted'],
            // What mass assignment leaves alone.
            ['customer_id', 'exist', 'className' => 'Customer', 'safe' => false],
            ['status', 'in', 'range' => self::STATUSES, 'allowEmpty' => false, 'safe' => false],
        ];
        if ($this->hasAttribute('second_quota')) {
            $rules[] = ['second_quota, minute_quota', 'numerical'] + $quota;
            $rules[] = ['force_from_name', 'in', 'range' => self::FORCE_FROM];
            $rules[] = ['warmup_plan_id', 'numerical', 'integerOnly' => true];
        }

        return $rules;
    }

    public function hostnameIsOne(string $attribute): void
    {
        $host = (string) $this->$attribute;
        if ($host !== '' && filter_var($host, FILTER_VALIDATE_IP) === false && filter_var($host, FILTER_VALIDATE_DOMAIN, FILTER_FLAG_HOSTNAME) === false) {
            $this->addError($attribute, 'Hostname is neither a host name nor an address.');
        }
    }

    public function headersArePermitted(string $attribute): void
    {
        $headers = $this->$attribute ?: [];
        if (!is_array($headers) || !array_is_list($headers)) {
            $this->addError($attribute, 'Additional headers must be a list.');

            return;
        }
        foreach ($headers as $header) {
            $name = is_array($header) ? ($header['name'] ?? null) : null;
            $value = is_array($header) ? ($header['value'] ?? null) : null;
            if (!is_string($name) || !is_string($value) || count($header) !== 2 || trim($value) === '' || preg_match('/[\r\n\0]/', $value)) {
                $this->addError($attribute, 'Each additional header needs a name and a value of one line.');
            } elseif (!preg_match('/^[A-Za-z0-9][A-Za-z0-9-]*$/', $name)) {
                $this->addError($attribute, sprintf('"%s" is no name of a header.', $name));
            } elseif (in_array(strtolower($name), self::OWN_HEADERS, true) || stripos($name, 'content-') === 0) {
                $this->addError($attribute, sprintf('The header "%s" is not allowed.', $name));
            }
        }
    }

    public function getModelMetaData(): ModelMetaData
    {
        return $this->meta ??= ModelMetaData::fromText($this->meta_data);
    }

    public function getIsActive(): bool
    {
        return in_array($this->status, [self::STATUS_ACTIVE, self::STATUS_IN_USE], true);
    }

    // Quotas. What is left is kept in the cache until the period ends; save() drops it, a change behind the model's back does not.

    /** @return array<string, array{int, string}> column => seconds of the period, start of the present one as SQL time */
    public static function periods(): array
    {
        return [
            'hourly_quota' => [3600, gmdate('Y-m-d H:00:00')],
            'daily_quota' => [86400, gmdate('Y-m-d 00:00:00')],
            'monthly_quota' => [2678400, gmdate('Y-m-01 00:00:00')],
        ];
    }

    /** Messages it may still take now; PHP_INT_MAX without limits. */
    public function getQuotaLeft(): int
    {
        $left = PHP_INT_MAX;
        foreach (self::periods() as $column => [$seconds, $since]) {
            $quota = (int) $this->$column;
            if ($quota === 0) {
                continue;
            }
            $key = $this->quotaKey($column, $since);
            $known = Yii::app()->cache->get($key);
            if ($known === false) {
                $used = DeliveryServerUsageLog::model()->count('server_id = :s AND date_added >= :d', [':s' => $this->server_id, ':d' => $since]);
                $known = max(0, $quota - (int) $used);
                Yii::app()->cache->set($key, $known, $seconds);
            }
            $left = min($left, $known);
        }

        return $left;
    }

    /** Notes one message handed to this server. */
    public function logUsage(?int $customerId = null, string $for = 'campaigns'): void
    {
        Yii::app()->db->createCommand(
            'INSERT INTO {{delivery_server_usage_log}} (server_id, customer_id, delivery_for, customer_countable, date_added) VALUES (:s, :c, :f, "yes", NOW())'
        )->execute([':s' => (int) $this->server_id, ':c' => $customerId, ':f' => $for]);
        foreach (self::periods() as $column => [$seconds, $since]) {
            $known = Yii::app()->cache->get($this->quotaKey($column, $since));
            if ($known !== false) {
                Yii::app()->cache->set($this->quotaKey($column, $since), max(0, $known - 1), $seconds);
            }
        }
    }

    private function quotaKey(string $column, string $since): string
    {
        return 'delivery-server-quota:' . Yii::app()->db->connectionString . ':' . Yii::app()->db->tablePrefix . ':' . $this->server_id . ':' . $column . ':' . $since;
    }

    protected function afterConstruct(): void
    {
        $this->type = $this->serverType;
        $this->force_from = 'always';
        parent::afterConstruct();
    }

    protected function afterFind(): void
    {
        $this->meta = null;
        $headers = $this->getModelMetaData()->itemAt('additional_headers');
        $this->additional_headers = is_array($headers) ? $headers : [];
        parent::afterFind();
    }

    protected function beforeSave(): bool
    {
        if (static::class !== self::class) {
            $this->type = $this->serverType;
        }
        if ((string) $this->name === '') {
            $this->name = $this->hostname;
        }
        $this->getModelMetaData()->add('additional_headers', array_values($this->additional_headers ?: []));
        $this->meta_data = $this->getModelMetaData()->toText();

        return parent::beforeSave();
    }

    protected function afterSave(): void
    {
        foreach (self::periods() as $column => [, $since]) {
            Yii::app()->cache->delete($this->quotaKey($column, $since));
        }
        parent::afterSave();
    }
}

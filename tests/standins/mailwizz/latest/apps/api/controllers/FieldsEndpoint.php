<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** /lists/{list}/fields */
final class FieldsEndpoint
{
    public static function types(ApiRequest $request): array
    {
        $rows = Sql::rows('SELECT name, identifier FROM {{list_field_type}} ORDER BY type_id');
        return [200, ['status' => 'success', 'data' => ['records' => $rows]]];
    }

    public static function index(ApiRequest $request, string $uid): array
    {
        $list = Owned::list($request, $uid);
        $rows = Sql::rows(
            'SELECT f.*, t.name AS type_name, t.identifier FROM {{list_field}} f LEFT JOIN {{list_field_type}} t ON t.type_id = f.type_id
             WHERE f.list_id = :l ORDER BY f.sort_order, f.field_id',
            ['l' => (int) $list['list_id']]
        );
        return [200, ['status' => 'success', 'data' => ['records' => array_map([self::class, 'record'], $rows)]]];
    }

    public static function view(ApiRequest $request, string $uid, string $id): array
    {
        return [200, ['status' => 'success', 'data' => ['record' => self::record(self::field($request, $uid, $id))]]];
    }

    public static function create(ApiRequest $request, string $uid): array
    {
        $list = Owned::list($request, $uid);
        $values = Checks::texts($request->form);
        $errors = Checks::required($values, ['type' => 'Type', 'label' => 'Label', 'tag' => 'Tag']) + self::wrong($values);
        $type = self::type($values['type'] ?? '');
        if ($type === null) {
            $errors += ['type' => 'Type is unknown.'];
        }
        $taken = Sql::value('SELECT 1 FROM {{list_field}} WHERE list_id = :l AND tag = :t', ['l' => (int) $list['list_id'], 't' => $values['tag'] ?? '']);
        if ($taken !== null) {
            $errors += ['tag' => 'The tag is already in use in this list.'];
        }
        if ($errors) {
            throw new ApiError(422, $errors);
        }
        $id = Sql::insert('list_field', [
            'list_id' => (int) $list['list_id'], 'type_id' => $type, 'label' => $values['label'], 'tag' => $values['tag'],
            'required' => $values['required'] ?? 'no', 'visibility' => $values['visibility'] ?? 'visible',
            'help_text' => $values['help_text'] ?? '', 'sort_order' => (int) ($values['sort_order'] ?? 0),
        ]);
        return [201, ['status' => 'success', 'field_id' => $id]];
    }

    public static function update(ApiRequest $request, string $uid, string $id): array
    {
        $field = self::field($request, $uid, $id);
        $values = array_intersect_key(Checks::texts($request->form), array_flip(['label', 'required', 'visibility', 'sort_order', 'help_text']));
        if (!$values) {
            throw new ApiError(422, 'Please provide the field data.');
        }
        if ($errors = self::wrong($values)) {
            throw new ApiError(422, $errors);
        }
        Sql::update('list_field', $values, ['field_id' => (int) $field['field_id']]);
        return [200, ['status' => 'success']];
    }

    public static function delete(ApiRequest $request, string $uid, string $id): array
    {
        $field = self::field($request, $uid, $id);
        if ($field['tag'] === 'EMAIL') {
            throw new ApiError(422, 'This field cannot be deleted.');
        }
        Sql::run('DELETE FROM {{list_field_value}} WHERE field_id = :f', ['f' => (int) $field['field_id']]);
        Sql::run('DELETE FROM {{list_field}} WHERE field_id = :f', ['f' => (int) $field['field_id']]);
        return [200, ['status' => 'success']];
    }

    /** type_id of an identifier, null when there is none such. */
    public static function type(string $identifier): ?int
    {
        $id = Sql::value('SELECT type_id FROM {{list_field_type}} WHERE identifier = :i', ['i' => $identifier]);
        return $id === null ? null : (int) $id;
    }

    public static function record(array $field): array
    {
        return [
            'field_id' => (int) $field['field_id'],
            'tag' => $field['tag'],
            'label' => $field['label'],
            'required' => $field['required'],
            'help_text' => $field['help_text'] ?? null,
            'type' => ['name' => $field['type_name'], 'identifier' => $field['identifier']],
        ];
    }

    private static function field(ApiRequest $request, string $uid, string $id): array
    {
        return Owned::found(Sql::row(
            'SELECT f.*, t.name AS type_name, t.identifier FROM {{list_field}} f LEFT JOIN {{list_field_type}} t ON t.type_id = f.type_id
             WHERE f.list_id = :l AND f.field_id = :f',
            ['l' => (int) Owned::list($request, $uid)['list_id'], 'f' => (int) $id]
        ), 'The field does not exist.');
    }

    private static function wrong(array $values): array
    {
        $errors = Checks::choice($values, 'required', 'Required', ['yes', 'no'])
            + Checks::choice($values, 'visibility', 'Visibility', ['visible', 'hidden', 'none'])
            + Checks::length($values, 'label', 'Label', 255);
        $tag = $values['tag'] ?? '';
        if ($tag !== '' && !preg_match('/\A[A-Z0-9_]{1,50}\z/', $tag)) {
            $errors += ['tag' => 'Tag may hold upper-case letters, digits and underscores only.'];
        }
        return $errors;
    }
}

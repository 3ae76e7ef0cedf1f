/** Somebody else whom requests are made as, once the API server allows it: kubeconfig's `as`, and the headers of it. Pure. */
import type { FieldReader, Fields } from '../model/field-reader.ts';

export interface Impersonation {
  readonly user: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** What a name of a header is made of, but for `%`, which begins what is written otherwise. */
const HEADER_NAME = /[^!#$&'*+\-.^_`|~0-9A-Za-z]/;

/** @param user of a kubeconfig @returns undefined where it is itself. What is wrong is told to `read`. */
export function readImpersonation(user: Fields, read: FieldReader): Impersonation | undefined {
  const extra = Object.entries(read.map(user['as-user-extra'], 'as-user-extra'));
  const result: Impersonation = {
    user: read.text(user['as'], 'as'),
    uid: read.text(user['as-uid'], 'as-uid'),
    groups: texts(user['as-groups'], 'as-groups', read),
    extra: Object.fromEntries(extra.map(([key, values]) => [key, texts(values, `as-user-extra.${key}`, read)])),
  };
  if (result.user !== '') return result;
  // As kubectl: the API server takes none of it without.
  if (result.uid !== '' || result.groups.length > 0 || extra.length > 0)
    read.mistake('as', 'is missing, and there is as-uid, as-groups or as-user-extra: name the user too');
  return undefined;
}

/** Several values are several headers. */
export function impersonationHeaders({ user, uid, groups, extra }: Impersonation): Record<string, string | string[]> {
  return {
    'impersonate-user': headerValue(user),
    ...(uid === '' ? {} : { 'impersonate-uid': headerValue(uid) }),
    ...(groups.length === 0 ? {} : { 'impersonate-group': groups.map(headerValue) }),
    ...Object.fromEntries(
      Object.entries(extra).map(([key, values]) => [`impersonate-extra-${headerName(key)}`, values.map(headerValue)]),
    ),
  };
}

function texts(value: unknown, name: string, read: FieldReader): readonly string[] {
  return read.list(value, name).map((each, index) => read.text(each, `${name}[${index}]`));
}

/** Other characters are percent-encoded, as the API server undoes it. */
function headerName(key: string): string {
  const bytes = Buffer.from(key).toString('latin1');
  return Array.from(bytes, (character) =>
    HEADER_NAME.test(character) ? `%${character.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}` : character,
  ).join('');
}

/** Node writes headers as Latin-1: so the bytes are those of UTF-8. */
function headerValue(text: string): string {
  return Buffer.from(text).toString('latin1');
}

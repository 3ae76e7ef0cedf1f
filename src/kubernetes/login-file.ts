/** A renewed OIDC login goes back to the kubeconfig that it came from, as with kubectl: whoever reads it next needs what is new. */
import { randomBytes } from 'node:crypto';
import { open, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { isMap, isSeq, parseDocument } from 'yaml';
import type { OidcLogin } from './oidc-login.ts';

/** What a provider gives anew. */
const RENEWED = ['id-token', 'refresh-token'] as const;
/** Others hold a file for a moment. */
const LOCK_TRIES = 20;
const LOCK_PAUSE_MS = 50;

/**
 * Of several files the first that has the user. Where somebody has logged in meanwhile, theirs stays.
 * @throws Error when it cannot be written
 */
export async function keepLogin(
  files: readonly string[],
  userName: string,
  { before, after }: { readonly before: OidcLogin; readonly after: OidcLogin },
): Promise<void> {
  for (const file of files) {
    if (withLogin(await textOf(file), userName, before, after) === undefined) continue;
    await using _ = await lock(file);
    const text = withLogin(await textOf(file), userName, before, after);
    if (text !== undefined && text !== SAME) await replace(file, text);
    return;
  }
}

/** The file has the user, and another login. */
const SAME = '';

/** @returns undefined where the file does not have the user. */
function withLogin(text: string, userName: string, before: OidcLogin, after: OidcLogin): string | undefined {
  const document = parseDocument(text);
  const users = document.get('users');
  const index = isSeq(users) ? users.items.findIndex((each) => isMap(each) && each.get('name') === userName) : -1;
  if (index < 0) return undefined;
  const path = ['users', index, 'user', 'auth-provider', 'config'];
  if (RENEWED.some((field) => (document.getIn([...path, field]) ?? '') !== (before[field] ?? ''))) return SAME;
  for (const field of RENEWED) if (after[field] !== undefined) document.setIn([...path, field], after[field]);
  return document.toString({ lineWidth: 0, indentSeq: false });
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

/** As kubectl: the file beside it is there while it is written. */
async function lock(file: string): Promise<AsyncDisposable> {
  const path = `${file}.lock`;
  for (let tries = 1; ; tries += 1) {
    try {
      await (await open(path, 'wx', 0o600)).close();
      return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
    } catch (error) {
      const isHeld = error instanceof Error && 'code' in error && error.code === 'EEXIST';
      if (!isHeld || tries === LOCK_TRIES) throw error;
      await wait(LOCK_PAUSE_MS);
    }
  }
}

/** Whole at any moment; a link stays one. */
async function replace(file: string, text: string): Promise<void> {
  const path = await realpath(file);
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(draft, text, { mode: (await stat(path)).mode & 0o777 });
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

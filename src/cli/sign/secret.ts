/** Where `detour sign` has the secret from: a file, standard input, or a Secret that whoever runs it may read. */
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { readSecrets, SHORTEST_SECRET } from '../../keys/secrets.ts';
import { isFailure } from '../../kubernetes/api-client.ts';
import { FieldReader } from '../../model/field-reader.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { DEFAULT_SYSTEM_NAMESPACE } from '../cluster/cluster-flags.ts';
import type { Io } from '../command.ts';
import { type Trouble, troubleOf } from '../trouble.ts';
import { unreadable } from '../unreadable.ts';

/** The entry of a Kubernetes Secret that is the file of secrets. */
export const SECRET_ENTRY = 'keys';
export const DEFAULT_SECRET = 'detour-signing';

const MAKE_ONE = 'make one: head -c 48 /dev/urandom | base64 > FILE';

/** @param path `-`: standard input */
export async function secretOfFile(path: string, io: Io): Promise<Uint8Array | Trouble> {
  // Bytes: what is no text is a secret, too.
  if (path === '-') return firstOf(io.input ? Buffer.from(await io.input()) : await buffer(process.stdin), 'standard input');
  try {
    return firstOf(await readFile(path), path);
  } catch (error) {
    return unreadable(`--secret-file ${path}`, error, MAKE_ONE);
  }
}

/** @param namespace undefined: that of the control plane. @throws AccessError */
export async function secretOfCluster(
  cluster: Cluster,
  name: string,
  namespace = DEFAULT_SYSTEM_NAMESPACE,
): Promise<Uint8Array | Trouble> {
  const path = `/api/v1/namespaces/${namespace}/secrets/${encodeURIComponent(name)}`;
  const secret = await cluster.call('GET', path, { resource: 'secrets' });
  const where = `Secret ${name} in ${namespace}`;
  if (isFailure(secret)) {
    if (secret.status !== 404) return troubleOf(secret, `cannot read the ${where}`);
    return {
      trouble: `there is no ${where}`,
      hint: 'name it by --secret and -n, or give --secret-file; docs/edge.md says how to make one',
    };
  }
  const read = new FieldReader();
  const entry = read.text(read.map(secret['data'], 'data')[SECRET_ENTRY], `data.${SECRET_ENTRY}`);
  if (entry === '') return { trouble: `the ${where} has no entry ${SECRET_ENTRY}`, hint: 'docs/edge.md says how to make one' };
  return firstOf(Buffer.from(entry, 'base64'), `the ${where}`);
}

function firstOf(file: Uint8Array, where: string): Uint8Array | Trouble {
  const { secrets, short } = readSecrets(file);
  const [first] = secrets;
  if (first !== undefined) return first;
  if (short.length === 0) return { trouble: `${where} holds no secret`, hint: MAKE_ONE };
  return { trouble: `${where} holds no secret of ${SHORTEST_SECRET} bytes or more: shorter ones can be guessed`, hint: MAKE_ONE };
}

/** Who may talk to the API server of a test: users with a token each, and the key that signs ServiceAccounts' tokens. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface User {
  readonly name: string;
  readonly groups: readonly string[];
}

/** May do everything: RBAC lets this group through. */
export const ADMIN: User = { name: 'admin', groups: ['system:masters'] };

export interface Credentials {
  /** A bearer token for each user's name. */
  readonly tokens: ReadonlyMap<string, string>;
  /** Signs ServiceAccounts' tokens. */
  readonly accountKeyFile: string;
  /** What makes the API server know them. */
  readonly flags: readonly string[];
}

export async function writeCredentials(folder: string, users: readonly User[]): Promise<Credentials> {
  const tokens = new Map([ADMIN, ...users].map(({ name }) => [name, randomBytes(16).toString('hex')]));
  const lines = [ADMIN, ...users].map(({ name, groups }) => `${tokens.get(name)},${name},${name},"${groups.join(',')}"`);
  const tokenFile = join(folder, 'tokens.csv');
  const keyFile = join(folder, 'accounts.key');
  const publicFile = join(folder, 'accounts.pub');
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  await writeFile(tokenFile, `${lines.join('\n')}\n`, { mode: 0o600 });
  await writeFile(keyFile, privateKey, { mode: 0o600 });
  await writeFile(publicFile, publicKey);
  const flags = [
    `--token-auth-file=${tokenFile}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${publicFile}`,
    `--service-account-signing-key-file=${keyFile}`,
  ];
  return { tokens, accountKeyFile: keyFile, flags };
}

import { expect, test } from 'vitest';
import { TlsFiles, type TlsMaterial } from '../../../src/identity/tls-files.ts';
import type { Logger } from '../../../src/logger.ts';
import { Authority } from '../../support/certificates.ts';
import { MountedSecret } from '../../support/mounted-secret.ts';
import { until } from '../../support/until.ts';

const authority = new Authority();
const pair = (names = ['DNS:detour']) => {
  const { cert, key } = authority.issue({ names });
  return { 'tls.crt': cert, 'tls.key': key, 'ca.crt': authority.cert };
};

function open(mount: MountedSecret, pollMs?: number) {
  const changes: TlsMaterial[] = [];
  const warnings: string[] = [];
  const note = (message: string): void => void warnings.push(message);
  const log: Logger = { debug: () => undefined, info: () => undefined, warn: note, error: note };
  const names = { cert: mount.file('tls.crt'), key: mount.file('tls.key'), clientCa: mount.file('ca.crt'), flags: 'tls' };
  const opened = TlsFiles.open({
    files: names,
    log,
    onChange: (material) => changes.push(material),
    ...(pollMs === undefined ? {} : { pollMs }),
  });
  return { changes, warnings, opened };
}

test('what a kubelet swaps is read again, by watching and by looking', async () => {
  for (const pollMs of [1_000_000, 20]) {
    await using mount = await MountedSecret.mount(pair());
    const { changes, warnings, opened } = open(mount, pollMs);
    using files = await opened;
    const next = pair();
    await mount.update(next);
    await until('the new pair', () => changes.length > 0);
    expect(changes.map(({ cert, key }) => [cert, key])).toEqual([[next['tls.crt'], next['tls.key']]]);
    expect([files.material.cert, files.trouble, warnings]).toEqual([next['tls.crt'], undefined, []]);
  }
});

test('a pair that is broken leaves the one before it, says so once, and is forgotten when it is mended', async () => {
  const good = pair();
  await using mount = await MountedSecret.mount(good);
  const { changes, warnings, opened } = open(mount, 20);
  using files = await opened;
  const next = pair();
  await mount.update({ ...next, 'tls.key': good['tls.key'] });
  await until('the trouble', () => files.trouble);
  expect(files.trouble).toMatch(/^--tls-key .*tls\.key is not the key of --tls-cert /);
  await mount.update({ ...next, 'tls.crt': '' });
  await until('the other trouble', () => files.trouble?.includes('is no certificate in PEM'));
  expect([files.material.cert, changes, warnings.length]).toEqual([good['tls.crt'], [], 2]);
  await mount.update(next);
  await until('the new pair', () => changes.length > 0);
  expect([files.material.cert, files.trouble]).toEqual([next['tls.crt'], undefined]);
});

test.each([
  ['tls.crt', '', /^--tls-cert .* is no certificate in PEM/],
  ['tls.key', 'x', /^--tls-key .* is no private key in PEM without a password/],
  ['ca.crt', 'x', /^--tls-client-ca .* has no certificate in PEM/],
  ['tls.key', pair()['tls.key'], /^--tls-key .* is not the key of --tls-cert /],
])('a start with a bad %s says which file, and why', async (name, content, message) => {
  await using mount = await MountedSecret.mount({ ...pair(), [name]: content });
  await expect(open(mount).opened).rejects.toThrow(message);
});

test('a start without a file says which one', async () => {
  await using mount = await MountedSecret.mount({ 'tls.crt': pair()['tls.crt'] });
  await expect(open(mount).opened).rejects.toThrow(/^--tls-key .* cannot be read: ENOENT/);
});

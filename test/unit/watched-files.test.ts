import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { WatchedFiles } from '../../src/watched-files.ts';
import { MountedSecret } from '../support/mounted-secret.ts';
import { until } from '../support/until.ts';

/** Takes pairs of one number. */
function watching(mount: MountedSecret, pollMs = 20) {
  const used: string[] = [];
  const told: string[] = [];
  const files = new WatchedFiles({
    files: { one: mount.file('one'), two: mount.file('two') },
    called: (name) => `the ${name}`,
    use: ({ one, two }) => {
      if (one !== two) throw new Error(`${one} is not ${two}`);
      used.push(one);
    },
    onTrouble: (why) => told.push(why),
    pollMs,
  });
  return { files, used, told };
}

test('files are used together, once for each change, whether it is seen by watching or by looking', async () => {
  for (const pollMs of [1_000_000, 20]) {
    await using mount = await MountedSecret.mount({ one: '1', two: '1' });
    const { files, used, told } = watching(mount, pollMs);
    using _ = files;
    await files.start();
    expect(used).toEqual(['1']);
    await mount.update({ one: '2', two: '2' });
    await until('the next', () => used.length > 1);
    await mount.update({ one: '3', two: '3' });
    await until('the one after', () => used.length > 2);
    expect([used, told]).toEqual([['1', '2', '3'], []]);
  }
});

test('what does not fit is told once and not used; what was there before needs not be used again', async () => {
  await using mount = await MountedSecret.mount({ one: '1', two: '1' });
  const { files, used, told } = watching(mount);
  using _ = files;
  await files.start();
  await mount.update({ one: '2', two: '1' });
  await until('the mistake', () => files.trouble === '2 is not 1');
  await mount.update({ one: '1', two: '1' });
  await until('the end of it', () => files.trouble === '');
  expect([used, told]).toEqual([['1'], ['2 is not 1', '']]);
});

test('of files that are not there the first is told, and they are waited for', async () => {
  await using mount = await MountedSecret.mount({});
  const { files, used, told } = watching(mount);
  using _ = files;
  await files.start();
  expect(told).toEqual([expect.stringMatching(/^the one cannot be read: ENOENT/)]);
  await writeFile(mount.file('one'), '1');
  await writeFile(mount.file('two'), '1');
  await until('them to be used', () => used.length > 0);
  expect([used, files.trouble]).toEqual([['1'], '']);
});

test('nothing is used any more when it has ended', async () => {
  await using mount = await MountedSecret.mount({ one: '1', two: '1' });
  const ended = watching(mount);
  await ended.files.start();
  ended.files[Symbol.dispose]();
  const other = watching(mount);
  using _ = other.files;
  await other.files.start();
  await mount.update({ one: '2', two: '2' });
  await until('the other one to see it', () => other.used.length > 1);
  expect(ended.used).toEqual(['1']);
});

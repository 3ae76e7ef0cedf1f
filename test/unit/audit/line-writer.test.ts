import { mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { appendToFile, LineWriter, type LineWriterOptions } from '../../../src/audit/line-writer.ts';
import { until } from '../../support/until.ts';

function writer(options: Partial<LineWriterOptions> & Pick<LineWriterOptions, 'append'>): LineWriter {
  const nothing = (): void => undefined;
  return new LineWriter({
    retryMs: 1,
    instead: (lines) => `and ${lines} more`,
    onDropped: nothing,
    onTrouble: nothing,
    ...options,
  });
}

describe('lines', () => {
  test('are written in their order, those of one turn together, and all of them before the end', async () => {
    const texts: string[] = [];
    const lines = writer({ append: async (text) => void texts.push(text) });
    for (const line of ['a', 'b', 'c']) lines.write(line);
    await lines[Symbol.asyncDispose]();
    expect(texts).toEqual(['a\nb\nc\n']);
  });

  test('wait while nothing can be written, up to a number; those beyond are counted, and a line stands for them', async () => {
    let isBroken = true;
    let dropped = 0;
    const troubles: (string | undefined)[] = [];
    const texts: string[] = [];
    await using lines = writer({
      mostLines: 3,
      append: async (text) => {
        if (isBroken) throw new Error('no space left');
        texts.push(text);
      },
      onDropped: (count) => (dropped += count),
      onTrouble: (why) => troubles.push(why),
    });
    lines.write('first');
    await until('the trouble', () => troubles.length === 1);
    for (let number = 0; number < 5; number++) lines.write(`${number}`);
    expect(dropped).toBe(2);
    isBroken = false;
    await until('all of it', () => texts.length === 2);
    expect(texts).toEqual(['first\n', '0\n1\n2\nand 2 more\n']);
    expect(troubles).toEqual(['no space left', undefined]);
  });

  test('that nobody takes hold up no end for long', async () => {
    let tries = 0;
    const lines = writer({
      append: async () => {
        tries += 1;
        throw new Error('never');
      },
    });
    lines.write('lost');
    await until('a try', () => tries > 0);
    await lines[Symbol.asyncDispose]();
  });
});

test('a file that was moved away is made anew, and only its owner may read it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'detour-audit-'));
  try {
    const path = join(folder, 'audit.log');
    const append = appendToFile(path);
    await append('one\n');
    await append('two\n');
    await rename(path, `${path}.1`);
    await append('three\n');
    expect([await readFile(`${path}.1`, 'utf8'), await readFile(path, 'utf8')]).toEqual(['one\ntwo\n', 'three\n']);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  } finally {
    await rm(folder, { recursive: true });
  }
});

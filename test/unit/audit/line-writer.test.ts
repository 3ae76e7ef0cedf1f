import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rename, rm, stat, truncate } from 'node:fs/promises';
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

  test('that are long wait, too, up to what they have together', async () => {
    let isBroken = true;
    let dropped = 0;
    const texts: string[] = [];
    await using lines = writer({
      mostBytes: 10,
      append: async (text) => {
        if (isBroken) throw new Error('no space left');
        texts.push(text);
      },
      onDropped: (count) => (dropped += count),
      onTrouble: () => (isTroubled = true),
    });
    let isTroubled = false;
    lines.write('first');
    await until('the trouble', () => isTroubled);
    for (const line of ['12345', 'ééé', '12345', '1']) lines.write(line);
    expect(dropped).toBe(2);
    isBroken = false;
    await until('all of it', () => texts.length === 2);
    lines.write('1234567890');
    await until('what there is room for again', () => texts.length === 3);
    expect(texts).toEqual(['first\n', '12345\n12345\nand 2 more\n', '1234567890\n']);
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

test('of a text that a full disk took in part the rest follows, no line twice and none in two', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'detour-audit-'));
  const path = join(folder, 'audit.log');
  const text = Array.from({ length: 150 }, (_, line) => `line ${line}\n`).join('');
  const door = new URL('../../../src/audit/line-writer.ts', import.meta.url).href;
  const script = `
    const { appendToFile } = await import(${JSON.stringify(door)});
    const append = appendToFile(${JSON.stringify(path)});
    for (;;) {
      try { await append(${JSON.stringify(text)}); break; } catch (error) { if (error.code !== 'EFBIG') throw error; }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }`;
  // A file of this process has 512 or 1024 bytes at most, which depends on the shell: less than the text.
  const child = spawn('sh', ['-c', 'ulimit -f 1; exec "$0" --input-type=module -e "$1"', process.execPath, script], {
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  try {
    let taken = '';
    let isOver = false;
    ended.then(() => (isOver = true));
    await until('the end', async () => {
      const part = await readFile(path, 'utf8').catch(() => '');
      if (part.length !== 512 && part.length !== 1024) return isOver;
      taken += part;
      await truncate(path);
      return false;
    });
    expect([await ended, `${taken}${await readFile(path, 'utf8')}`]).toEqual([0, text]);
  } finally {
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true });
  }
});

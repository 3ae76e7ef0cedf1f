import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Command } from '../../../src/cli/command.ts';
import { runComplete } from '../../../src/cli/complete.ts';
import { runCompletion } from '../../../src/cli/completion.ts';
import { run } from '../../../src/cli/main.ts';
import { many, one, readChoice, readText, toggle } from '../../../src/flag-values.ts';

const COMMANDS: Readonly<Record<string, Command>> = {
  plain: { summary: "it's plain: nothing", run: async () => 0 },
  rich: {
    summary: 'all kinds',
    run: async () => 0,
    completes: 'files',
    flags: async () => ({
      output: {
        ...one({ value: 'text|json', default: ['text'], summary: "What it's [like]: how." }, readChoice(['text', 'json'])),
        short: 'o',
      },
      file: { ...many({ value: 'FILE|-', summary: 'Which.' }, readText), short: 'f' },
      name: many({ value: 'NAME', summary: 'Who.' }, readText),
      strict: toggle('More.'),
    }),
  },
  shell: { summary: 'one of', run: async () => 0, completes: ['bash', 'zsh'] },
};

async function script(shell: string): Promise<string> {
  let out = '';
  const io = { out: (text: string) => (out += text), err: (text: string) => (out += text), environment: {} };
  expect(await runCompletion([shell], io, COMMANDS)).toBe(0);
  return out;
}

describe('in bash', () => {
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'detour-completion-'));
    writeFileSync(join(folder, 'a b.yaml'), '');
    mkdirSync(join(folder, 'apps'));
    writeFileSync(join(folder, 'detour.bash'), await script('bash'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  /** What the last word may become, as bash splits words: at `=` too. */
  function complete(...words: string[]): string[] {
    const lines = [
      'source ./detour.bash',
      'COMP_WORDS=("$@")',
      'COMP_CWORD=$(($# - 1))',
      '_detour',
      `printf "%s\\n" "\${COMPREPLY[@]}"`,
    ];
    const output = execFileSync('bash', ['--norc', '-c', lines.join('\n'), 'bash', 'detour', ...words], {
      cwd: folder,
      encoding: 'utf8',
    });
    return output.split('\n').filter((line) => line !== '');
  }

  test.each([
    ['a command', ['r'], ['rich']],
    ['all commands', [''], ['plain', 'rich', 'shell', 'help']],
    ['the flags of a command', ['rich', '--'], ['--output', '--file', '--name', '--strict', '--help']],
    ['short flags too', ['rich', '-'], ['-o', '--output', '-f', '--file', '--name', '--strict', '-h', '--help']],
    ['the values of a flag', ['rich', '--output', ''], ['text', 'json']],
    ['of its short name', ['rich', '--strict', '-o', 'j'], ['json']],
    ['behind an equals sign', ['rich', '--output', '='], ['text', 'json']],
    ['and the beginning of one', ['rich', '--output', '=', 't'], ['text']],
    ['files of a flag, with spaces in them', ['rich', '-f', 'a'], ['a b.yaml', 'apps']],
    ['files as arguments', ['rich', 'ap'], ['apps']],
    ['nothing where nothing is known', ['rich', '--name', ''], []],
    ['the words of an argument', ['shell', 'z'], ['zsh']],
    ['commands behind help', ['help', 'p'], ['plain']],
    ['nothing of a command that is none', ['nothing', ''], []],
  ])('%s', (_, words, expected) => {
    expect(complete(...words).sort()).toEqual([...expected].sort());
  });
});

test('zsh is told commands, flags with their short names, values and files, all of it quoted', async () => {
  const zsh = await script('zsh');
  expect(zsh).toContain(String.raw`'plain:it'\''s plain\: nothing'`);
  expect(zsh).toContain(String.raw`'(-o --output)'{-o,--output}'[What it'\''s \[like\]\: how.]:text|json:(text json)'`);
  expect(zsh).toContain(`'*'{-f,--file}'[Which.]:FILE|-:_files'`);
  expect(zsh).toContain(`'*--strict[More.]'`);
  expect(zsh).toContain(`'*:argument:_files'`);
  expect(zsh).toContain(`'*:argument:(bash zsh)'`);
});

test('fish is told commands, flags with their short names, values and files, all of it quoted', async () => {
  const fish = (await script('fish')).split('\n');
  const rich = "complete -c detour -n '__detour_runs rich'";
  expect(fish).toContain(String.raw`complete -c detour -n __fish_use_subcommand -a plain -d 'it\'s plain: nothing'`);
  expect(fish).toContain(String.raw`${rich} -s o -l output -x -a 'text json' -d 'What it\'s [like]: how.'`);
  expect(fish).toContain(`${rich} -s f -l file -r -F -d 'Which.'`);
  expect(fish).toContain(`${rich} -l strict -d 'More.'`);
  expect(fish).toContain(`${rich} -F`);
});

test('fish takes the word behind the program alone for the command, not a value of that name', async () => {
  const fish = await script('fish');
  expect(fish).toContain('  set -l words (commandline -opc)\n  test "$words[2]" = "$argv[1]"\n');
  expect(fish).not.toContain('__fish_seen_subcommand_from');
});

describe('for kubectl', () => {
  async function complete(...words: string[]): Promise<readonly string[]> {
    let out = '';
    const io = { out: (text: string) => (out += text), err: (text: string) => (out += text), environment: {} };
    expect(await runComplete(words, io, COMMANDS)).toBe(0);
    expect(out.endsWith('\n')).toBe(true);
    return out.split('\n').slice(0, -1);
  }
  const LIKE = "What it's [like]: how.";

  test.each([
    ['a command', ['r'], ['rich\tall kinds', ':4']],
    ['a command that is written out', ['rich'], ['rich\tall kinds', ':4']],
    [
      'a flag, with both names',
      ['rich', '-'],
      expect.arrayContaining([`-o\t${LIKE}`, `--output\t${LIKE}`, '-h\tTells its flags.']),
    ],
    ['a flag that has begun', ['rich', '--f'], ['--file\tWhich.', ':4']],
    ['the value of a flag', ['rich', '--strict', '-o', 'j'], ['json', ':4']],
    ['behind an equals sign', ['rich', '--output=t'], ['text', ':4']],
    ['files of a flag', ['rich', '-f', ''], [':0']],
    ['files as arguments', ['rich', '--strict', 'ap'], [':0']],
    ['nothing where nothing is known', ['rich', '--name', ''], [':4']],
    ['what is behind a flag that takes no value', ['shell', '--help', 'z'], ['zsh', ':4']],
    ['commands behind help', ['help', 'p'], ['plain', ':4']],
    ['nothing of a command that is none', ['nothing', '-'], [':4']],
    ['a value that is called like a command', ['shell', 'rich', '-'], ['-h\tTells its flags.', '--help\tTells its flags.', ':4']],
  ])('%s', async (_, words, expected) => {
    expect(await complete(...words)).toEqual(expected);
  });

  test('all commands, where there is no word yet', async () => {
    const all = await complete('');
    expect(all.map((line) => line.replace(/\t.*/, ''))).toEqual(['plain', 'rich', 'shell', 'help', ':4']);
    expect(await complete()).toEqual(all);
  });
});

describe('detour completion', () => {
  async function detour(...args: string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
    let [out, err] = ['', ''];
    const code = await run(args, { out: (text) => (out += text), err: (text) => (err += text), environment: {} });
    return { code, out, err };
  }

  test('knows every command of help, and its flags', async () => {
    const names = [...(await detour('help')).out.matchAll(/^ {2}([a-z]+) {2,}/gm)].map((match) => match[1] ?? '');
    const { out } = await detour('completion', 'bash');
    expect(names.length).toBeGreaterThan(5);
    for (const name of names) {
      const cases = new RegExp(`^ {4}${name}\\) .*`, 'm').exec(out)?.[0] ?? '';
      const help = name === 'help' || name === 'demo' ? '' : (await detour(name, '--help')).out;
      for (const [, flag = ''] of help.matchAll(/^ {2}(?:-[a-z], )?(--[a-z-]+)/gm)) expect(cases).toContain(` ${flag}`.trim());
    }
  });

  test.each([
    [[], 'bash|zsh|fish is missing'],
    [['powershell'], '"powershell" must be one of bash, zsh, fish.'],
    [['constructor'], 'must be one of'],
  ])('refuses %j', async (args, message) => {
    const { code, err } = await detour('completion', ...args);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });
});

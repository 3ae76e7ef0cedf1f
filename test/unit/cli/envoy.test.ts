import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ENVOY_FLAGS, runEnvoy } from '../../../src/cli/envoy.ts';
import { type FlagTable, variableOf } from '../../../src/flags.ts';

const page = readFileSync(new URL('../../../docs/envoys.md', import.meta.url), 'utf8');

test('docs/envoys.md lists exactly the flags, with their values, defaults and meanings', () => {
  const table: FlagTable = ENVOY_FLAGS;
  const rows = Object.entries(table).map(([name, flag]) => {
    const value = /^[A-Z[]/.test(flag.value) ? [flag.value] : flag.value.split('|');
    const fallback =
      flag.default.length > 0 ? `\`${flag.default.join(',')}\`` : ['role', 'node'].includes(name) ? 'must be there' : 'none';
    const repeatable = flag.repeatable ? ' (repeatable)' : '';
    return `| \`--${name}\`${repeatable} | \`${variableOf(name)}\` | ${value.map((each) => `\`${each}\``).join(', ')} | ${fallback} | ${flag.summary} |`;
  });
  expect(page.split('\n').filter((line) => line.startsWith('| `--'))).toEqual(rows);
});

test('the commands of docs/envoys.md are understood', async () => {
  const commands = [...page.matchAll(/detour (envoy --role [^>)\n]*)/g)].map(([, text = '']) => text.replace(/"$/, '').trim());
  expect(commands).toHaveLength(2);
  for (const command of commands) {
    const said: string[] = [];
    const io = { out: () => undefined, err: (text: string) => said.push(text), environment: {} };
    expect([await runEnvoy(command.split(/\s+/).slice(1), io), said]).toEqual([0, []]);
  }
});

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

const GATEWAY = ['--role', 'gateway', '--node', 'shop/edge', '--listen', '0.0.0.0:8080'];

async function envoy(...args: readonly string[]): Promise<{ readonly out: string; readonly err: string; readonly code: number }> {
  let [out, err] = ['', ''];
  const code = await runEnvoy(args, { out: (text) => (out += text), err: (text) => (err += text), environment: {} });
  return { out, err, code };
}

test('a gateway says what it makes of carriers, where they do not count as they come', async () => {
  expect((await envoy(...GATEWAY, '--carriers', 'accept')).out).not.toContain('carriers');
  expect((await envoy(...GATEWAY, '--carriers', 'strip')).out).toContain('      carriers: strip\n');
  expect((await envoy(...GATEWAY, '--carriers', 'signed', '--carrier-keys', '/etc/detour/signing/keys')).out).toContain(
    '      carriers: signed\n      carrier_keys: /etc/detour/signing/keys\n',
  );
});

const SIDECAR = ['--role', 'sidecar', '--node', 'shop/api-0'];

test('a sidecar says that what leaves the cluster carries nothing', async () => {
  expect((await envoy(...SIDECAR, '--capture', 'ipv4')).out).not.toContain('egress');
  const { out } = await envoy(...SIDECAR, '--capture', 'ipv4', '--egress-carriers', 'strip', '--cluster-cidrs', '10.0.0.0/8');
  expect(out).toContain('      egress_carriers: strip\n      cluster_cidrs:\n        - 10.0.0.0/8\n');
  expect((await envoy(...SIDECAR, '--capture', 'ipv4', '--egress-carriers', 'strip')).out).toContain('        - 172.16.0.0/12\n');
});

test.each<[readonly string[], string]>([
  [[...SIDECAR, '--egress-carriers', 'strip'], '--egress-carriers is about captured traffic'],
  [[...SIDECAR, '--capture', 'ipv4', '--cluster-cidrs', '10.0.0.0/8'], '--cluster-cidrs is about what leaves the cluster'],
  [
    [...SIDECAR, '--capture', 'ipv4', '--egress-carriers', 'strip', '--cluster-cidrs', '10.0.0.0'],
    '--cluster-cidrs "10.0.0.0" must be a network',
  ],
  [[...GATEWAY, '--egress-carriers', 'strip'], '--egress-carriers belongs to a sidecar'],
  [[...GATEWAY, '--carriers', 'signed'], '--carrier-keys is missing'],
  [[...GATEWAY, '--carriers', 'strip', '--carrier-keys', '/keys'], '--carrier-keys is about signed keys'],
  [[...GATEWAY, '--carrier-keys', '/keys'], '--carrier-keys is about signed keys'],
  [[...GATEWAY, '--carriers', 'drop'], '--carriers "drop" must be one of accept, signed, strip'],
  [['--role', 'sidecar', '--node', 'shop/api-0', '--carriers', 'strip'], '--carriers belongs to a gateway'],
])('%j is told as a mistake', async (args, mistake) => {
  const { code, err } = await envoy(...args);
  expect([code, err]).toEqual([2, expect.stringContaining(mistake)]);
});

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CAPTURE_FLAGS, runCapture } from '../../../src/cli/capture.ts';
import { type FlagTable, variableOf } from '../../../src/flags.ts';

async function capture(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const io = { out: (text: string) => out.push(text), err: (text: string) => err.push(text), environment };
  return { code: await runCapture(args, io), out: out.join(''), err: err.join('') };
}

test('docs/sidecars.md lists exactly the flags, with their values, defaults and meanings', () => {
  const page = readFileSync(new URL('../../../docs/sidecars.md', import.meta.url), 'utf8');
  const table: FlagTable = CAPTURE_FLAGS;
  const rows = Object.entries(table).map(([name, flag]) => {
    const fallback = flag.default.length > 0 ? `\`${flag.default.join(',')}\`` : 'none';
    const repeatable = flag.repeatable && flag.value !== '' ? ' (repeatable)' : '';
    const value = flag.value === '' ? '' : `\`${flag.value}\` `;
    return `| \`--${name}\`${repeatable} | \`${variableOf(name)}\` | ${value}| ${fallback} | ${flag.summary} |`;
  });
  expect(page.split('\n').filter((line) => line.startsWith('| `--'))).toEqual(rows);
});

describe('detour capture', () => {
  test('prints the rules of each family that the pod has, and leaves the API server out of them', async () => {
    const environment = {
      DETOUR_POD_IPS: '10.0.0.7,fd00::7',
      KUBERNETES_SERVICE_HOST: 'fd96::1',
      KUBERNETES_SERVICE_PORT: '443',
    };
    const { code, out, err } = await capture(['--dry-run', '--uid', '1338', '--probes-port', '9'], environment);
    expect([code, err]).toEqual([0, '']);
    const [four = '', six = ''] = out.split('# ipv6\n');
    expect(four).toContain('--uid-owner 1338 -d 192.0.2.1/32 -p tcp -j DNAT --to-destination 10.0.0.7');
    expect(four).toContain('-A DETOUR_INBOUND -p tcp --dport 9 -j RETURN');
    expect(four).not.toContain('fd');
    expect(six).toContain('-A DETOUR_OUTBOUND -d fd96::1/128 -p tcp --dport 443 -j RETURN');
  });

  test.each([
    [[], '--pod-ips is missing'],
    [['--pod-ips', '10.0.0.7,10.0.0.8'], 'it takes one of each'],
    [['--pod-ips', 'api'], 'must be an IP address'],
    [['--pod-ips', '10.0.0.7', '--uid', '0'], 'must be the number of a user, and not 0'],
    [['--pod-ips', '10.0.0.7', '--exclude-outbound-cidrs', '10.0.0.0/33'], 'must be an address or a CIDR'],
    [['--pod-ips', '10.0.0.7', '--exclude-inbound-ports', '90-80'], 'must be a port or a range of them'],
  ])('%j: %s', async (args, mistake) => {
    const { code, err } = await capture([...args, '--dry-run']);
    expect(code).toBe(2);
    expect(err).toContain(mistake);
  });

  test('says what it needs where there is no iptables', async () => {
    const { code, err } = await capture(['--pod-ips', '10.0.0.7'], { PATH: '/nowhere' });
    expect(code).toBe(1);
    expect(err).toMatch(
      /The rules for IPv4 could not be set:(.|\n)*iptables-nft-save(.|\n)*It needs iptables, root, and the capabilities/,
    );
  });
});

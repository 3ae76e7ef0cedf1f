import { describe, expect, test } from 'vitest';
import { applyCapture, type ProgramResult, type RunProgram, undoCapture } from '../../../src/capture/apply-capture.ts';
import { captureRules, undoRules } from '../../../src/capture/capture-rules.ts';
import { type CaptureSettings, parseCidr, parsePortRange } from '../../../src/capture/capture-settings.ts';

const settings: CaptureSettings = {
  podIps: ['10.0.0.7', 'fd00::7'],
  uid: 1337,
  excludeOutboundPorts: [
    { first: 3306, last: 3306 },
    { first: 6000, last: 6010 },
  ],
  excludeOutboundCidrs: ['10.96.0.0/12', 'fd01::/16'],
  excludeInboundPorts: [{ first: 15021, last: 15021 }],
  apiServer: { host: '10.96.0.1', port: 443 },
};
const whereListening = true;
const DEFAULT_CHAINS = '*nat\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n';

describe('the rules', () => {
  test('are these for IPv4', () => {
    expect(captureRules(settings, 'ipv4', { whereListening, now: DEFAULT_CHAINS }).split('\n')).toEqual([
      '*nat',
      ':DETOUR_INBOUND - [0:0]',
      ':DETOUR_OUTBOUND - [0:0]',
      ':DETOUR_ORIGIN - [0:0]',
      '-A PREROUTING -p tcp -j DETOUR_INBOUND',
      '-A OUTPUT -p tcp -j DETOUR_OUTBOUND',
      '-A POSTROUTING -p tcp -j DETOUR_ORIGIN',
      '-A DETOUR_INBOUND -p tcp --dport 15021 -j RETURN',
      '-A DETOUR_INBOUND -p tcp -m socket --nowildcard -j REDIRECT --to-ports 15006',
      '-A DETOUR_OUTBOUND -m owner --uid-owner 1337 -d 192.0.2.1/32 -p tcp -j DNAT --to-destination 10.0.0.7',
      '-A DETOUR_OUTBOUND -m owner --uid-owner 1337 -j RETURN',
      '-A DETOUR_OUTBOUND -o lo -j RETURN',
      '-A DETOUR_OUTBOUND -p tcp --dport 53 -j RETURN',
      '-A DETOUR_OUTBOUND -d 10.96.0.1/32 -p tcp --dport 443 -j RETURN',
      '-A DETOUR_OUTBOUND -p tcp --dport 3306 -j RETURN',
      '-A DETOUR_OUTBOUND -p tcp --dport 6000:6010 -j RETURN',
      '-A DETOUR_OUTBOUND -d 10.96.0.0/12 -j RETURN',
      '-A DETOUR_OUTBOUND -p tcp -j REDIRECT --to-ports 15001',
      '-A DETOUR_ORIGIN -o lo -d 127.0.0.1/32 -p tcp --dport 15001 -j SNAT --to-source 127.0.0.1',
      'COMMIT',
      '',
    ]);
  });

  test('name no address of the other family', () => {
    const six = captureRules(settings, 'ipv6', { whereListening, now: '' });
    expect(six).not.toMatch(/10\.|127\.|192\./);
    expect(six).toContain(
      '-A DETOUR_OUTBOUND -m owner --uid-owner 1337 -d 2001:db8::1/128 -p tcp -j DNAT --to-destination fd00::7',
    );
    expect(six).toContain('-A DETOUR_OUTBOUND -d fd01::/16 -j RETURN');
  });

  test('take the place of those that are there, and leave those of others', () => {
    const now = [
      ':DETOUR_INBOUND - [0:0]',
      '-A PREROUTING -p tcp -j DETOUR_INBOUND',
      '-A PREROUTING -p tcp -j DETOUR_INBOUND',
      '-A OUTPUT -d 10.1.1.1/32 -j SOMEBODY',
    ].join('\n');
    const lines = captureRules(settings, 'ipv4', { whereListening, now }).split('\n');
    expect(lines.filter((line) => line.startsWith('-D'))).toEqual([
      '-D PREROUTING -p tcp -j DETOUR_INBOUND',
      '-D PREROUTING -p tcp -j DETOUR_INBOUND',
    ]);
    expect(undoRules(now)?.split('\n')).toEqual([
      '*nat',
      '-D PREROUTING -p tcp -j DETOUR_INBOUND',
      '-D PREROUTING -p tcp -j DETOUR_INBOUND',
      '-F DETOUR_INBOUND',
      '-X DETOUR_INBOUND',
      'COMMIT',
      '',
    ]);
    expect(undoRules(DEFAULT_CHAINS)).toBeUndefined();
  });
});

describe('setting them', () => {
  const ok: ProgramResult = { ok: true, output: '', error: '' };
  const not = (error: string): ProgramResult => ({ ok: false, output: '', error });

  /** @param answer undefined: the program is happy. */
  function recorded(answer: (program: string, input: string) => ProgramResult | undefined): [RunProgram, string[]] {
    const calls: string[] = [];
    return [
      async (program, _args, input) => {
        calls.push(program);
        return answer(program, input) ?? ok;
      },
      calls,
    ];
  }

  test('uses nf_tables, for each family of the pod', async () => {
    const [run, calls] = recorded(() => undefined);
    expect(await applyCapture(settings, run)).toEqual(['iptables-nft: captured', 'ip6tables-nft: captured']);
    expect(calls).toEqual(['iptables-nft-save', 'iptables-nft-restore', 'ip6tables-nft-save', 'ip6tables-nft-restore']);
  });

  test('goes on to the older iptables where the kernel has no nf_tables', async () => {
    const [run] = recorded((program) => (program.includes('-nft') ? not('Operation not supported') : undefined));
    expect(await applyCapture({ ...settings, podIps: ['10.0.0.7'] }, run)).toEqual(['iptables-legacy: captured']);
  });

  test('does without the match `socket` where there is none, and says what that means', async () => {
    const [run] = recorded((_program, input) => (input.includes('-m socket') ? not('No such file') : undefined));
    expect(await applyCapture({ ...settings, podIps: ['fd00::7'] }, run)).toEqual([
      'ip6tables-nft: captured, probes by TCP too, since this kernel has no match `socket`',
    ]);
  });

  test('fails with everything that was tried', async () => {
    const [run] = recorded((program) => not(`no ${program}`));
    await expect(applyCapture(settings, run)).rejects.toThrow(
      'The rules for IPv4 could not be set:\n  iptables-nft-save: no iptables-nft-save\n  iptables-legacy-save: no iptables-legacy-save\n  iptables-save: no iptables-save',
    );
  });

  test('takes them away wherever they are', async () => {
    const [run, calls] = recorded((program) =>
      program === 'ip6tables-legacy-save' ? { ...ok, output: ':DETOUR_ORIGIN - [0:0]' } : undefined,
    );
    expect(await undoCapture(run)).toEqual(['ip6tables-legacy: no longer captured']);
    expect(calls.filter((call) => call.endsWith('-restore'))).toEqual(['ip6tables-legacy-restore']);
  });
});

test('ports and addresses are read strictly', () => {
  expect(parsePortRange('3306')).toEqual({ first: 3306, last: 3306 });
  expect(parsePortRange('6000-6010')).toEqual({ first: 6000, last: 6010 });
  for (const text of ['', '0', '65536', '10-9', '1-70000', '80:90', ' 80', '-1'])
    expect(parsePortRange(text), text).toBeUndefined();
  expect(parseCidr('10.0.0.0/8')).toBe('10.0.0.0/8');
  expect(parseCidr('10.0.0.1')).toBe('10.0.0.1/32');
  expect(parseCidr('fd00::1')).toBe('fd00::1/128');
  for (const text of ['', '10.0.0.0/33', 'fd00::/129', '10.0.0.0/8/9', 'example.com', '10.0.0.0/', '10.0.0.0/-1']) {
    expect(parseCidr(text), text).toBeUndefined();
  }
});

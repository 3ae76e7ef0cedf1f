import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';

const DIRECTORY = ['--source', 'directory:/tmp/m'];
const TLS = ['--tls-cert', '/t/tls.crt', '--tls-key', '/t/tls.key'];
const OPEN = ['--xds-listen', '0.0.0.0:18000'];
const read = (...args: readonly string[]) => readConfig([...DIRECTORY, ...args], {});

describe('streams', () => {
  test.each(['127.0.0.1:1', '127.9.9.9:1', '[::1]:1', 'localhost:1'])('are in plaintext on %s', (listen) => {
    expect(read('--xds-listen', listen).config?.streams).toEqual({ kind: 'plaintext', isOpen: false });
  });

  test.each(['0.0.0.0:1', '[::]:1', '10.0.0.1:1', 'example.com:1', '[::ffff:127.0.0.1]:1', '128.0.0.1:1'])(
    'on %s are in plaintext only where that is asked for by name',
    (listen) => {
      expect(read('--xds-listen', listen).mistakes).toEqual([
        expect.stringMatching(
          /^--xds-listen .* is open to other machines: give --tls-cert and --tls-key, or, .* --plaintext on\.$/,
        ),
      ]);
      expect(read('--xds-listen', listen, '--plaintext', 'on').config?.streams).toEqual({ kind: 'plaintext', isOpen: true });
    },
  );

  test('are in TLS where Envoys can say who they are', () => {
    const { config } = read(...OPEN, ...TLS, '--tls-client-ca', '/t/ca.crt');
    expect(config?.streams).toMatchObject({ kind: 'tls', clientCa: '/t/ca.crt', tokens: false, gateways: [] });
  });

  test.each([
    ['a certificate without its key', ['--tls-cert', '/c', '--tls-client-ca', '/a'], '--tls-cert and --tls-key go together'],
    ['a key without its certificate', ['--tls-key', '/c'], '--tls-cert and --tls-key go together'],
    ['nobody who could say who it is', TLS, '--tls-cert without --tls-client-ca or --tokens on'],
    ['plaintext with a certificate', [...TLS, '--tls-client-ca', '/a', '--plaintext', 'on'], '--plaintext on contradicts'],
    ['authorities without TLS', ['--tls-client-ca', '/a'], '--tls-client-ca is for TLS'],
    ['gateways without TLS', ['--gateways', 'a/b'], '--gateways is for TLS'],
    ['tokens of a directory', [...TLS, '--tokens', 'on'], '--tokens is for --source kubernetes'],
    [
      'a gateway of every namespace',
      [...TLS, '--tls-client-ca', '/a', '--gateways', '*/gateway'],
      '--gateways "*/gateway" must be',
    ],
    ['a gateway of a word', [...TLS, '--tls-client-ca', '/a', '--gateways', 'gateway'], '--gateways "gateway" must be'],
    [
      'a pattern of SPIFFE ids',
      [...TLS, '--tls-client-ca', '/a', '--gateways', 'spiffe://a/*'],
      '--gateways "spiffe://a/*" must be',
    ],
    ['a trust domain that is none', ['--trust-domain', 'A'], '--trust-domain "A" must be a DNS name'],
  ])('refuse %s', (_, args, mistake) => {
    expect(read(...args).mistakes).toEqual([expect.stringContaining(mistake)]);
  });

  test('without TLS take no tokens', () => {
    const { mistakes } = readConfig(['--source', 'kubernetes', '--tokens', 'on'], {});
    expect(mistakes).toEqual([expect.stringContaining('--tokens is for TLS')]);
  });
});

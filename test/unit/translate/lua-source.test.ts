import { expect, test } from 'vitest';
import { DEFAULT_CARRIERS } from '../../../src/model/carriers.ts';
import { luaSource } from '../../../src/translate/lua-source.ts';

const gateway = {
  kind: 'gateway',
  namespace: 'shop',
  listen: { host: '0.0.0.0', port: 80 },
  previewDomain: 'preview.example.com',
  corsOrigins: ['https://a.example.com', '*'],
} as const;

test('settings stand before the text of the filter, in one line', () => {
  expect(luaSource({ carriers: DEFAULT_CARRIERS, lua: 'text' }, 'inbound')).toBe(
    'local settings = { role = "inbound", header = "x-detour", header_aliases = {  }, member = "detour", member_aliases = {  } }\ntext',
  );
  const carriers = { header: 'x-key', member: 'key', headerAliases: ['sd-routing-key'], memberAliases: ['okteto-divert'] };
  expect(luaSource({ carriers, lua: 'text' }, 'gateway', gateway)).toBe(
    'local settings = { role = "gateway", header = "x-key", header_aliases = { "sd-routing-key" }, member = "key", ' +
      'member_aliases = { "okteto-divert" }, shards = 1024, preview_domain = "preview.example.com", ' +
      'cors_origins = { "https://a.example.com", "*" } }\ntext',
  );
});

test('what somebody typed cannot end the literal', () => {
  const source = luaSource({ carriers: DEFAULT_CARRIERS, lua: '' }, 'gateway', { ...gateway, corsOrigins: ['a"\\\n]]é'] });
  expect(source).toContain('cors_origins = { "a\\034\\092\\010]]\\195\\169" } }\n');
});

test('what takes carriers away stands behind the filter, where it is asked for', () => {
  const source = { carriers: DEFAULT_CARRIERS, lua: 'text', edge: { filter: 'edge', signedKeys: 'signed' } };
  expect(luaSource(source, 'gateway', gateway)).toMatch(/\ntext$/);
  expect(luaSource(source, 'gateway', { ...gateway, carriers: { kind: 'strip' } })).toMatch(
    /, carriers = "strip" }\ntext\nedge$/,
  );
  expect(luaSource(source, 'gateway', { ...gateway, carriers: { kind: 'signed', keysFile: '/a"b' } })).toMatch(
    /, carriers = "signed", keys_file = "\/a\\034b" }\ntext\nsigned\nedge$/,
  );
  expect(luaSource(source, 'egress')).toMatch(/role = "egress".*, carriers = "strip" }\ntext\nedge$/);
});

test('a gateway that is to take carriers away never runs without what does', () => {
  const source = { carriers: DEFAULT_CARRIERS, lua: 'text' };
  expect(luaSource(source, 'gateway', { ...gateway, carriers: { kind: 'strip' } })).toMatch(/\nerror\(/);
});

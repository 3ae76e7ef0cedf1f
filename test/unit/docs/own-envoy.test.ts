/** The page about Envoys of one's own has the settings that the filter is given elsewhere. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DEFAULT_CARRIERS } from '../../../src/model/carriers.ts';
import { type LuaRole, luaSource } from '../../../src/translate/lua-source.ts';

const page = readFileSync(new URL('../../../docs/bring-your-own-envoy.md', import.meta.url), 'utf8');
const GATEWAY = {
  kind: 'gateway',
  namespace: 'shop',
  listen: { host: '0.0.0.0', port: 8080 },
  previewDomain: undefined,
  corsOrigins: [],
} as const;

test.each<readonly [LuaRole, typeof GATEWAY | undefined]>([
  ['outbound', undefined],
  ['gateway', GATEWAY],
])('the filter of the role %s', (role, gateway) => {
  expect(page).toContain(`\n${luaSource({ carriers: DEFAULT_CARRIERS, lua: '' }, role, gateway)}SETTINGS\n`);
});

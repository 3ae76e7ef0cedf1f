/**
 * Kubernetes objects and a proxy in, Envoy resources out: a folder for each feature. `UPDATE_GOLDEN=1` writes what is
 * expected; read the difference before it is committed. Every case is also accepted by a real Envoy.
 */
import { readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { InterceptEngine } from '../../src/intercepts/engine.ts';
import { DEFAULT_CARRIERS } from '../../src/model/carriers.ts';
import { type NodeLike, proxyOf } from '../../src/model/node.ts';
import { readManifests } from '../../src/sources/directory/read.ts';
import type { EnvoyResource, ResourceType } from '../../src/translate/resource.ts';
import { scopeOf } from '../../src/translate/scope.ts';
import { Translator } from '../../src/translate/translate.ts';
import { encodeResource } from '../../src/xds/codec.ts';
import { validateGolden } from '../support/validate-golden.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const CASES = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

/** In the files the filter's text stands for itself. */
const LUA = '-- the text of envoy/detour.lua\n';
const EDGE = { filter: '-- the text of envoy/edge.lua\n', signedKeys: '-- the text of envoy/signed-keys.lua\n' };
const NOW = Date.parse('2026-01-01T00:00:00Z');

async function resourcesOf(name: string): Promise<readonly EnvoyResource[]> {
  const { objects, problems } = readManifests(await readFile(join(FOLDER, name, 'in.yaml'), 'utf8'), 'in.yaml');
  expect(problems).toEqual([]);
  const engine = new InterceptEngine();
  engine.apply(objects, NOW);
  const proxy = proxyOf(parse(await readFile(join(FOLDER, name, 'proxy.yaml'), 'utf8')) as NodeLike);
  if ('error' in proxy) throw new Error(proxy.error);
  const translation = new Translator({ carriers: DEFAULT_CARRIERS, lua: LUA, edge: EDGE }).scope(scopeOf(proxy, engine.model));
  const changes = translation.update(engine.model, undefined, new Set());
  return changes.flatMap(({ resource }) => resource ?? []);
}

/** As people read it: by type, in the order of names. */
function document(resources: readonly EnvoyResource[]): string {
  const types: readonly ResourceType[] = ['listener', 'scopedRoute', 'route', 'cluster', 'endpoints'];
  const sections = types.map((type) => {
    const own = resources.filter((each) => each.type === type).sort((a, b) => (a.name < b.name ? -1 : 1));
    return [type, own.map((each) => each.message)] as const;
  });
  const present = sections.filter(([, own]) => own.length > 0);
  return stringify(Object.fromEntries(present), { aliasDuplicateObjects: false, lineWidth: 0 });
}

describe.each(CASES)('golden: %s', (name) => {
  test('the resources are as written down', async () => {
    const file = join(FOLDER, name, 'resources.yaml');
    const actual = document(await resourcesOf(name));
    if (process.env['UPDATE_GOLDEN'] === '1' && process.env['CI'] === undefined) await writeFile(file, actual);
    expect(actual).toBe(await readFile(file, 'utf8'));
  });

  test('Envoy accepts them, and every cluster that is named is there', async () => {
    const resources = await resourcesOf(name);
    const clusters = new Set(resources.filter((each) => each.type === 'cluster').map((each) => each.name));
    for (const resource of resources) {
      for (const cluster of resource.clusters) expect(clusters, `named by ${resource.name}`).toContain(cluster);
      expect(encodeResource(resource.type, resource.message).length).toBeGreaterThan(0);
    }
    expect(await validateGolden(resources)).toBeUndefined();
  });
});

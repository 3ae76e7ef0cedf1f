/** What Detour makes of the world and its changes, for servers that cannot make it themselves. */
import { readFile } from 'node:fs/promises';
import { InterceptEngine } from '../../src/intercepts/engine.ts';
import { DEFAULT_CARRIERS } from '../../src/model/carriers.ts';
import type { ClusterChange } from '../../src/model/cluster-state.ts';
import type { ResourceType } from '../../src/translate/resource.ts';
import { createScopeTranslation, type ScopeTranslation, type TranslateSettings } from '../../src/translate/translate.ts';
import { encode } from '../../src/xds/resource.ts';
import { factsOf, PUSH_ORDER } from '../../src/xds/type-urls.ts';
import { deltaResponse } from '../../src/xds/wire.ts';
import { SCOPE } from './world.ts';

/** What one change of the world does to resources. */
export interface ChangedResources {
  /** DeltaDiscoveryResponses, each after its length as a varint, in push order. */
  readonly bytes: Buffer;
  /** Type URL and name, a line break between them. */
  readonly put: readonly string[];
}

export async function translateSettings(): Promise<TranslateSettings> {
  return { carriers: DEFAULT_CARRIERS, lua: await readFile(new URL('../../envoy/detour.lua', import.meta.url), 'utf8') };
}

export class Resources {
  readonly #engine = new InterceptEngine();
  readonly #translation: ScopeTranslation;
  #translated = false;

  constructor(settings: TranslateSettings) {
    this.#translation = createScopeTranslation(SCOPE, settings);
  }

  apply(changes: readonly ClusterChange[]): ChangedResources {
    const modelChange = this.#engine.apply(changes, Date.now());
    const changed = this.#translation.update(this.#engine.model, this.#translated ? modelChange : undefined, new Set());
    this.#translated = true;
    const put: string[] = [];
    const parts: Buffer[] = [];
    for (const { type } of PUSH_ORDER) {
      const ofType = changed.filter((change) => change.type === type);
      if (ofType.length === 0) continue;
      const resources = ofType.flatMap(({ resource }) => (resource === undefined ? [] : [encode(resource)]));
      const removed = ofType.flatMap(({ name, resource }) => (resource === undefined ? [name] : []));
      put.push(...resources.map(({ name }) => key(type, name)));
      const response = deltaResponse({ typeUrl: factsOf(type).typeUrl, nonce: '', version: '', resources, removed });
      parts.push(varint(response.length), response);
    }
    return { bytes: Buffer.concat(parts), put };
  }
}

function key(type: ResourceType, name: string): string {
  return `${factsOf(type).typeUrl}\n${name}`;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

/** A scope's resources, for one model, in a real Envoy with the real filter. */
import { readFile } from 'node:fs/promises';
import { DEFAULT_CARRIERS } from '../../src/model/carriers.ts';
import type { InterceptModel } from '../../src/model/intercept.ts';
import type { Scope, SocketAddress } from '../../src/model/proxy.ts';
import { createScopeTranslation } from '../../src/translate/translate.ts';
import { type EnvoyProcess, startEnvoy } from '../support/envoy.ts';
import { staticConfig } from '../support/static-config.ts';
import { until } from '../support/until.ts';

export function local(port: number): SocketAddress {
  return { host: '127.0.0.1', port };
}

export function address(app: { readonly port: number }): { readonly ip: string; readonly port: number } {
  return { ip: '127.0.0.1', port: app.port };
}

export function gatewayScope(port: number, over: Partial<Extract<Scope, { kind: 'gateway' }>> = {}): Scope {
  return { kind: 'gateway', namespace: 'shop', listen: local(port), previewDomain: undefined, corsOrigins: [], ...over };
}

export function sidecarScope(over: Partial<Extract<Scope, { kind: 'sidecar' }>>): Scope {
  const none = { inbound: [], outbound: undefined, services: [], previews: [], inBaselineOf: [] };
  return { kind: 'sidecar', namespace: 'shop', ...none, ...over };
}

/** @returns an Envoy whose listeners take connections. */
export async function startScope(
  scope: Scope,
  model: InterceptModel,
  { carriers = DEFAULT_CARRIERS } = {},
): Promise<EnvoyProcess> {
  const text = (name: string): Promise<string> => readFile(new URL(`../../envoy/${name}`, import.meta.url), 'utf8');
  const edge = { filter: await text('edge.lua'), signedKeys: await text('signed-keys.lua') };
  const settings = { carriers, lua: await text('detour.lua'), edge };
  const changes = createScopeTranslation(scope, settings).update(model, undefined, new Set());
  const resources = changes.flatMap(({ resource }) => resource ?? []);
  const envoy = await startEnvoy({ config: staticConfig(resources) });
  const listeners = resources.filter((each) => each.type === 'listener').length;
  try {
    await until('the listeners', async () => (await envoy.stat('listener_manager.total_listeners_active')) === listeners);
    await until('the workers', async () => (await envoy.stat('listener_manager.workers_started')) === 1);
    return envoy;
  } catch (error) {
    await envoy[Symbol.asyncDispose]();
    throw error;
  }
}

/** The sidecars whose listeners drain, captured and with ports of their own, and the control plane that they follow. */
import { DEFAULT_CARRIERS } from '../../../src/model/carriers.ts';
import type { InterceptModel } from '../../../src/model/intercept.ts';
import type { Proxy } from '../../../src/model/proxy.ts';
import { Translator } from '../../../src/translate/translate.ts';
import { Views } from '../../../src/xds/views.ts';

const SETTINGS = { carriers: DEFAULT_CARRIERS, lua: '' };
const POD = { role: 'sidecar', namespace: 'shop', name: 'api-0', services: [] } as const;

export const CAPTURED = { ...POD, inbound: [], outbound: undefined, capture: ['ipv4'] } as const satisfies Proxy;
export const EXPLICIT = {
  ...POD,
  inbound: [{ listen: { host: '10.0.0.1', port: 8080 }, app: { host: '127.0.0.1', port: 8080 } }],
  outbound: { host: '127.0.0.1', port: 15001 },
} as const satisfies Proxy;

/** It has been told `model`, and nothing of time. */
export function controlPlane(model: InterceptModel): Views {
  const translator = new Translator(SETTINGS);
  const views = new Views({
    settings: SETTINGS,
    createTranslation: (scope) => translator.scope(scope),
    ...{ now: () => 0, idleMs: 60_000, defer: () => undefined, onConverged: () => undefined },
  });
  views.publish(model, undefined);
  return views;
}

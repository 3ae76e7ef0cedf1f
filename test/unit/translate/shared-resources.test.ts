import { describe, expect, test } from 'vitest';
import { DEFAULT_CARRIERS } from '../../../src/model/carriers.ts';
import type { Scope } from '../../../src/model/proxy.ts';
import { Translator } from '../../../src/translate/translate.ts';
import { collectGarbage } from '../../support/garbage.ts';
import { aChange, aHost, aModel, aServiceModel } from '../../support/models.ts';

const SETTINGS = { carriers: DEFAULT_CARRIERS, lua: 'the filter' };
const NONE: ReadonlySet<never> = new Set();
const SCOPE: Scope = {
  kind: 'gateway',
  namespace: 'shop',
  listen: { host: '0.0.0.0', port: 8080 },
  previewDomain: undefined,
  corsOrigins: [],
};

test('of a preview that is gone nothing is kept, though its Service stays', async () => {
  const translation = new Translator(SETTINGS).scope(SCOPE);
  const modelWith = (...keys: readonly string[]) =>
    aModel({ services: [aServiceModel({ ports: [{ intercepts: keys.map((key) => ({ key })) }] })], hosts: [aHost()] });
  const change = (key: string) => aChange({ services: ['shop/api'], keys: [key] });
  translation.update(modelWith('pr-1', 'pr-2'), undefined, NONE);
  const made = translation
    .update(modelWith('pr-1', 'pr-2', 'pr-3'), change('pr-3'), NONE)
    .flatMap(({ name, resource }) => (name.endsWith('/pr-3') && resource !== undefined ? [new WeakRef(resource)] : []));
  expect(made).toHaveLength(2);
  translation.update(modelWith('pr-1', 'pr-2'), change('pr-3'), NONE);
  await collectGarbage();
  expect(made.map((each) => each.deref()?.name)).toEqual([undefined, undefined]);
});

describe('sidecars that listen alike', () => {
  const sidecar = (service: string): Scope => ({
    kind: 'sidecar',
    namespace: 'shop',
    inbound: [
      {
        listen: { host: '0.0.0.0', port: 15_080 },
        app: { host: '127.0.0.1', port: 8080 },
        services: [{ service: `shop/${service}`, port: 80 }],
      },
    ],
    outbound: { host: '127.0.0.1', port: 15_001 },
    services: [],
    previews: [],
    inBaselineOf: [],
  });
  const model = aModel({ services: [aServiceModel({ name: 'api' }), aServiceModel({ name: 'web' })] });
  const listenersOf = (translator: Translator, service: string) =>
    translator
      .scope(sidecar(service))
      .update(model, undefined, NONE)
      .flatMap(({ type, resource }) => (type === 'listener' && resource !== undefined ? [resource] : []));

  test('share their listeners, whatever their Services', () => {
    const translator = new Translator(SETTINGS);
    const [api, web] = [listenersOf(translator, 'api'), listenersOf(translator, 'web')];
    expect(api).toHaveLength(2);
    expect(web.map((listener, index) => listener === api[index])).toEqual([true, true]);
  });

  test('keep them as long as there is one of them', async () => {
    const translator = new Translator(SETTINGS);
    const made = listenersOf(translator, 'api').map((listener) => new WeakRef(listener));
    await collectGarbage();
    expect(made.map((each) => each.deref())).toEqual([undefined, undefined]);
  });
});

test('of gateways of a kind that nobody has any more nothing is kept', async () => {
  const translator = new Translator(SETTINGS);
  const made = ['one.example.com', 'two.example.com'].flatMap((previewDomain) =>
    translator
      .scope({ ...SCOPE, previewDomain })
      .update(aModel({ hosts: [aHost()] }), undefined, NONE)
      .flatMap(({ type, resource }) => (type === 'route' && resource !== undefined ? [new WeakRef(resource)] : [])),
  );
  expect(made.length).toBeGreaterThan(2);
  await collectGarbage();
  expect(made.map((each) => each.deref()?.name)).toEqual(made.map(() => undefined));
});

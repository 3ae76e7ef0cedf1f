import { expect, test } from 'vitest';
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

import { describe, expect, it } from 'vitest';
import { InterceptEngine } from '../../../src/intercepts/engine.ts';
import { hostPart } from '../../../src/translate/gateway-routes.ts';
import { HostStencils } from '../../../src/translate/host-stencils.ts';
import { anEndpoint, aPod, aService, aSlice, puts } from '../../support/builders.ts';

/** Previews of Services of the same name. */
const USUAL: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  key: {},
  fail: { 'when-unavailable': 'fail' },
  exact: { match: 'x-user=alice' },
  prefix: { match: 'x-user^=al', 'when-unavailable': 'fail' },
  suffix: { match: 'x-user$=ce' },
  contains: { match: 'x-user*="l%i, c"' },
  regex: { match: 'x-user~="al.*"' },
};
const UNUSUAL: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  percent: { percent: '50' },
  mirror: { mode: 'mirror' },
  lines: { match: 'x-user=alice; x-user=bob' },
  both: { match: 'x-user=alice, x-team=a' },
  baggage: { match: 'baggage[user]=alice' },
  present: { match: 'x-user=alice, x-team' },
};
const serve = (name: string, host = `${name}.example.com`) => [
  aService({ name, annotations: { host, 'allow-match': '*' } }),
  aSlice({ name: `${name}-1`, service: `shop/${name}`, endpoints: [anEndpoint({ addresses: ['10.0.0.1'] })] }),
];
const preview = (name: string, annotations: Readonly<Record<string, string>>, key = 'pr-42') =>
  aPod({
    name: `${name}-${key}`,
    previewLabel: key,
    controller: { kind: 'Deployment', name: `${name}-${key}` },
    annotations: { intercept: name, ...annotations },
  });

const engine = new InterceptEngine();
engine.apply(
  puts(
    ...serve('api', 'api.example.com, example.org'),
    ...serve('paths', 'paths.example.com/a'),
    ...Object.entries({ ...USUAL, ...UNUSUAL }).flatMap(([name, annotations]) => [...serve(name), preview(name, annotations)]),
    ...[...serve('two'), preview('two', {}), preview('two', {}, 'pr-43')],
  ),
  0,
);

const stencils = new HostStencils('x-key');
const partsOf = (host: string) => {
  const model = engine.model.hosts.get(host);
  if (model === undefined) throw new Error(`there is no host ${host}`);
  const services = model.paths.map(({ service }) => engine.model.services.get(service));
  return { made: stencils.part(model, services), full: hostPart(model, services, 'x-key') };
};
const hostsOf = (names: object): string[] => Object.keys(names).map((name) => `${name}.example.com`);

describe('a host', () => {
  it.each(['api.example.com', 'example.org', ...hostsOf(USUAL)])(
    'of the usual kind is what it would be without a stencil: %s',
    (host) => {
      const { made, full } = partsOf(host);
      expect(JSON.stringify(made?.virtualHost)).toBe(JSON.stringify(full.virtualHost));
      expect(made?.clusters).toEqual(full.clusters);
      expect(made?.intercepts).toEqual(full.intercepts);
      expect(made?.intercepts).toHaveLength(/^(api|example)\./.test(host) ? 0 : 1);
    },
  );

  it.each(['paths.example.com', 'two.example.com', ...hostsOf(UNUSUAL)])('that there is more to has none: %s', (host) => {
    expect(partsOf(host).made).toBeUndefined();
  });
});

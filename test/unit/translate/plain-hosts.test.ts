import { describe, expect, it } from 'vitest';
import { InterceptEngine } from '../../../src/intercepts/engine.ts';
import { hostPart } from '../../../src/translate/gateway-routes.ts';
import { PlainHosts } from '../../../src/translate/plain-hosts.ts';
import { anEndpoint, aPod, aService, aSlice, puts } from '../../support/builders.ts';

const engine = new InterceptEngine();
engine.apply(
  puts(
    aService({ name: 'api', annotations: { host: 'api.example.com, example.org' } }),
    aSlice({ service: 'shop/api', endpoints: [anEndpoint({ addresses: ['10.0.0.1'] })] }),
    aService({ name: 'paths', annotations: { host: 'paths.example.com/a' } }),
    aService({ name: 'id', annotations: { host: 'id.example.com' } }),
    aPod({ annotations: { intercept: 'id' } }),
  ),
  0,
);
const partsOf = (host: string) => {
  const model = engine.model.hosts.get(host);
  if (model === undefined) throw new Error(`there is no host ${host}`);
  const services = model.paths.map(({ service }) => engine.model.services.get(service));
  return { plain: new PlainHosts('x-key').part(model, services), full: hostPart(model, services, 'x-key') };
};

describe('a host that no preview has to do with', () => {
  it.each(['api.example.com', 'example.org'])('is made of a stencil, and is what it would be without: %s', (host) => {
    const { plain, full } = partsOf(host);
    expect(JSON.stringify(plain?.virtualHost)).toBe(JSON.stringify(full.virtualHost));
    expect(plain?.clusters).toEqual(full.clusters);
    expect(plain?.intercepts).toEqual(full.intercepts);
  });

  it.each(['paths.example.com', 'id.example.com'])('is not one with paths, nor one with an intercept: %s', (host) => {
    expect(partsOf(host).plain).toBeUndefined();
  });
});

import { describe, expect, test } from 'vitest';
import { InterceptEngine } from '../../../src/intercepts/engine.ts';
import type { Scope } from '../../../src/model/proxy.ts';
import { interceptUrls } from '../../../src/translate/preview-urls.ts';
import { aPod, aService, aSlice, type ClusterObject, puts } from '../../support/builders.ts';

const gateway = (previewDomain: string | undefined, namespace = 'shop'): Scope => ({
  kind: 'gateway',
  namespace,
  listen: { host: '127.0.0.1', port: 8080 },
  previewDomain,
  corsOrigins: [],
});

function urlsOf(gateways: readonly Scope[], ...objects: readonly ClusterObject[]): readonly (readonly string[])[] {
  const engine = new InterceptEngine();
  engine.apply(puts(...objects), 10_000);
  return [...engine.intercepts()].map(interceptUrls(engine.model, gateways)).map(({ urls }) => urls);
}

describe('the URLs of a preview', () => {
  test('are those of the hosts of its Service, with their paths', () => {
    const api = aService({ annotations: { host: 'shop.example.com/cart, api.example.com' } });
    expect(urlsOf([gateway(undefined)], api, aSlice(), aPod())).toEqual([
      ['http://pr-42--api.example.com/', 'http://pr-42--shop.example.com/cart'],
    ]);
  });

  test("are those of the namespace's hosts where its Service has none, since the key goes on to the hops behind", () => {
    const web = aService({ name: 'web', annotations: { host: 'shop.example.com/web' } });
    const other = aService({ namespace: 'other', name: 'web', annotations: { host: 'other.example.com' } });
    expect(urlsOf([], aService(), aSlice(), web, other, aPod())).toEqual([['http://pr-42--shop.example.com/']]);
  });

  test('are addresses of its own under the preview domain of a connected gateway, once', () => {
    const domain = 'preview.example.com';
    const urls = urlsOf([gateway(domain), gateway(domain), gateway(domain, 'edge')], aService(), aSlice(), aPod());
    expect(urls).toEqual([['http://pr-42--api.preview.example.com/', 'http://pr-42--api--shop.preview.example.com/']]);
  });

  test('are https where a connected gateway ends TLS, at the port that it leads to', () => {
    const plain = gateway('preview.example.com');
    if (plain.kind !== 'gateway') throw new Error('it is one');
    const tls = { listen: { host: '0.0.0.0', port: 8443 }, certificates: ['shop'], sdsFolder: '/etc/envoy' };
    const api = aService({ annotations: { host: 'shop.example.com' } });
    const urls = (redirectPort: number | undefined) =>
      urlsOf([gateway(undefined), { ...plain, tls: { ...tls, redirectPort } }], api, aSlice(), aPod());
    const usual = [['https://pr-42--shop.example.com/', 'https://pr-42--api.preview.example.com/']];
    expect([urls(443), urls(undefined)]).toEqual([usual, usual]);
    expect(urls(8443)).toEqual([['https://pr-42--shop.example.com:8443/', 'https://pr-42--api.preview.example.com:8443/']]);
    // Each address is of the gateway that has it.
    expect(
      urlsOf([plain, { ...gateway(undefined), tls: { ...tls, redirectPort: 443 } } as Scope], api, aSlice(), aPod()),
    ).toEqual([['https://pr-42--shop.example.com/', 'http://pr-42--api.preview.example.com/']]);
  });

  test('stand beside those of the baseline, where the request has to carry the key', () => {
    const engine = new InterceptEngine();
    const api = aService({ annotations: { host: 'shop.example.com/cart, example.com' } });
    engine.apply(puts(api, aSlice(), aPod()), 10_000);
    expect([...engine.intercepts()].map(interceptUrls(engine.model, []))).toEqual([
      { urls: ['http://pr-42--shop.example.com/cart'], baselineUrls: ['http://example.com/', 'http://shop.example.com/cart'] },
    ]);
  });

  test('are none where there is none: no label so long, no host of two labels, no key that is not live', () => {
    const long = aService({ annotations: { host: `${'a'.repeat(58)}.example.com` } });
    expect(urlsOf([], long, aSlice(), aPod())).toEqual([[]]);
    expect(urlsOf([], aService({ annotations: { host: 'example.com' } }), aSlice(), aPod())).toEqual([[]]);
    const expired = aPod({ annotations: { intercept: 'api', expires: '1970-01-01T00:00:01Z' } });
    expect(urlsOf([], aService({ annotations: { host: 'shop.example.com' } }), aSlice(), expired)).toEqual([[]]);
  });
});

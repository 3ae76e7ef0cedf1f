import { describe, expect, it } from 'vitest';
import { buildHost, type Claimant, hostOfPreviewUrl, hostPort } from '../../../src/intercepts/hosts.ts';
import type { Service } from '../../../src/model/cluster-state.ts';
import { objectKey } from '../../../src/model/names.ts';
import { aPort, aService } from '../../support/builders.ts';

const old = aService({ name: 'old', createdAt: 1 });
const young = aService({ name: 'young', createdAt: 2 });
const foreign = aService({ namespace: 'web', name: 'foreign', createdAt: 3 });

function claimantOf(service: Service, prefixes: readonly string[]): Claimant {
  return { key: objectKey(service.namespace, service.name), service, prefixes };
}

function build(host: string, ...claims: readonly (readonly [Service, ...string[]])[]) {
  const claimants = claims.map(([service, ...prefixes]) => claimantOf(service, prefixes));
  const built = buildHost(host, claimants);
  expect(buildHost(host, claimants.toReversed())).toEqual(built);
  return {
    paths: built.model?.paths.map(({ prefix, target }) => `${prefix} ${target}`),
    namespace: built.model?.namespace,
    previewUrls: built.model?.previewUrls,
    problems: built.problems.map(({ code, subject }) => `${code} ${subject.key}`),
  };
}

describe('a host', () => {
  it('is served for the one Service that claims it', () => {
    expect(build('shop.example.com', [old, '/'])).toEqual({
      paths: ['/ shop/old:80'],
      namespace: 'shop',
      previewUrls: true,
      problems: [],
    });
  });

  it('belongs to the namespace of the oldest Service that claims it, whatever else others claim there', () => {
    const { paths, namespace, problems } = build('shop.example.com', [foreign, '/other'], [old, '/']);
    expect({ paths, namespace, problems }).toEqual({
      paths: ['/ shop/old:80'],
      namespace: 'shop',
      problems: ['HostTaken web/foreign'],
    });
  });

  it('of Services of one age belongs to the first by namespace and name', () => {
    const twin = aService({ namespace: 'web', name: 'a', createdAt: 1 });
    expect(build('shop.example.com', [twin, '/'], [old, '/'])).toMatchObject({
      namespace: 'shop',
      problems: ['HostTaken web/a'],
    });
  });

  it('takes paths from several Services of its namespace, the longest first', () => {
    expect(build('shop.example.com', [old, '/'], [young, '/api', '/api/v2']).paths).toEqual([
      '/api/v2 shop/young:80',
      '/api shop/young:80',
      '/ shop/old:80',
    ]);
  });

  it('gives a path that two claim to the older', () => {
    expect(build('shop.example.com', [young, '/', '/new'], [old, '/'])).toMatchObject({
      paths: ['/new shop/young:80', '/ shop/old:80'],
      problems: ['DuplicateHost shop/young'],
    });
  });

  it('is not served for a Service that speaks no HTTP, and stays its own all the same', () => {
    const mute = aService({ name: 'mute', createdAt: 0, ports: [aPort({ name: 'redis' })] });
    expect(build('shop.example.com', [mute, '/'], [foreign, '/'])).toMatchObject({
      paths: undefined,
      problems: ['PortNotHttp shop/mute', 'HostTaken web/foreign'],
    });
    expect(build('shop.example.com', [mute, '/'], [old, '/'])).toMatchObject({
      paths: ['/ shop/old:80'],
      problems: ['PortNotHttp shop/mute'],
    });
    const away = aService({ name: 'away', type: 'ExternalName' });
    expect(build('shop.example.com', [away, '/'])).toMatchObject({ paths: undefined, problems: ['ExternalName shop/away'] });
  });

  it.each([
    ['shop.example.com', true],
    ['a.b.example.com', true],
    ['example.com', false],
    ['localhost', false],
    ['my--shop.example.com', false],
    ['xn--bcher-kva.example.com', false],
    ['shop.xn--p1ai.example', true],
  ])('%s has preview URLs: %s', (host, previewUrls) => {
    expect(build(host, [old, '/'], [young, '/x'])).toMatchObject({
      previewUrls,
      problems: previewUrls ? [] : ['NoPreviewUrl shop/old'],
    });
  });

  it('that would be a preview URL of an older host is for the namespace of that host alone', () => {
    const url = 'pr-1--shop.example.com';
    const claim = (service: Service) => [claimantOf(service, ['/'])];
    const taken = buildHost(url, claim(foreign), claim(old));
    expect([taken.model, taken.problems.map(({ code, subject }) => `${code} ${subject.key}`)]).toEqual([
      undefined,
      ['HostTaken web/foreign'],
    ]);
    expect(taken.problems[0]?.message).toContain('it is a preview URL of shop.example.com, which namespace shop owns');
    expect(buildHost(url, claim(young), claim(old)).model?.namespace).toBe('shop');
    expect(buildHost(url, claim(old), claim(foreign)).model?.namespace).toBe('shop');
  });

  it('that nobody claims is not there', () => {
    expect(buildHost('shop.example.com', [])).toEqual({ model: undefined, problems: [] });
  });
});

describe('the host that another looks like a preview URL of', () => {
  it.each([
    ['pr-1--shop.example.com', 'shop.example.com'],
    ['a--b--shop.example.com', 'shop.example.com'],
    ['shop.example.com', undefined],
    ['pr-1--example.com', undefined],
    ['xn--bcher-kva.example.com', undefined],
    ['pr-1--xn--bcher-kva.example.com', 'bcher-kva.example.com'],
    ['shop.a--b.example.com', undefined],
  ])('of %s is %s', (host, plain) => {
    expect(hostOfPreviewUrl(host)).toBe(plain);
  });
});

describe('the port that a host goes to', () => {
  it.each([
    { name: 'is the one named http', ports: [aPort({ name: 'web', port: 80 }), aPort({ name: 'http', port: 8080 })], port: 8080 },
    { name: 'is one named http-…', ports: [aPort({ name: 'grpc', port: 80 }), aPort({ name: 'http-x', port: 81 })], port: 81 },
    { name: 'is not https', ports: [aPort({ name: 'https', port: 443 }), aPort({ name: 'web', port: 8080 })], port: 8080 },
    { name: 'is else 80', ports: [aPort({ name: 'a', port: 81 }), aPort({ name: 'b', port: 80 })], port: 80 },
    {
      name: 'is else the first that speaks HTTP',
      ports: [aPort({ name: 'redis', port: 1 }), aPort({ name: 'b', port: 2 })],
      port: 2,
    },
    { name: 'is none', ports: [aPort({ name: 'redis', port: 1 })], port: undefined },
  ])('$name', ({ ports, port }) => {
    expect(hostPort(aService({ ports }))?.port).toBe(port);
  });
});

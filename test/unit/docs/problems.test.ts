import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InterceptEngine } from '../../../src/intercepts/engine.ts';
import { PROBLEMS, type ProblemCode } from '../../../src/model/problem.ts';
import { aPod, aPort, aService, aSlice, type ClusterObject, puts } from '../../support/builders.ts';

const page = readFileSync(new URL('../../../docs/problems.md', import.meta.url), 'utf8');

/** Code to the text under its heading. */
const sections = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), section.slice(section.indexOf('\n')).split(/^## /m)[0] ?? '']),
);

describe('docs/problems.md', () => {
  it('has exactly the codes of the catalogue', () => {
    expect([...sections.keys()].sort()).toEqual(Object.keys(PROBLEMS).sort());
  });

  it.each(Object.entries(PROBLEMS))(
    'says of %s its severity, title, meaning, an example and the fix',
    (code, { severity, title }) => {
      const section = sections.get(code) ?? '';
      expect(section).toContain(`\`${severity}\`: ${title}\n`);
      for (const part of ['Means', 'Example', 'Fix'])
        expect(section).toMatch(new RegExp(`^- \\*\\*${part}:\\*\\* \\S.{10,}`, 'm'));
    },
  );
});

const shop = aService({ annotations: { host: 'shop.example.com' } });

/** The examples of the page, as objects. What is not here comes from a source or from an Envoy, and is tested there. */
const EXAMPLES: Partial<Record<ProblemCode, readonly ClusterObject[]>> = {
  AnnotationTooLarge: [aPod({ annotations: { intercept: 'api', match: 'x'.repeat(1 << 20) } })],
  UnknownAnnotation: [aPod({ annotations: { intercepts: 'api' } })],
  MisplacedAnnotation: [aPod({ annotations: { intercept: 'api', host: 'shop.example.com' } })],
  InvalidKey: [aPod({ previewLabel: 'PR_42' })],
  MissingIntercept: [aPod({ annotations: {} })],
  InvalidValue: [aPod({ annotations: { intercept: 'api', percent: '110' } })],
  InvalidTarget: [aPod({ annotations: { intercept: 'shop/api' } })],
  UnknownService: [aPod({ annotations: { intercept: 'apii' } })],
  UnknownPort: [aPod({ annotations: { intercept: 'api:web' } })],
  PortNotHttp: [aService({ ports: [aPort({ name: 'redis' })] }), aPod({ annotations: { intercept: 'api:redis' } })],
  ExternalName: [aService({ type: 'ExternalName' }), aPod()],
  Expired: [aPod({ annotations: { intercept: 'api', expires: '2024-01-31T18:00:00Z' } })],
  InvalidRule: [aPod({ annotations: { intercept: 'api', match: 'x-user==alice' } })],
  RuleTooBroad: [aPod({ annotations: { intercept: 'api', match: 'x-user' } })],
  RegexInvalid: [aPod({ annotations: { intercept: 'api', match: 'x-team=red, x-user~="(?=al).*"' } })],
  RegexTooCostly: [aPod({ annotations: { intercept: 'api', match: 'x-team=red, x-user~="([a-z]{100}){100}"' } })],
  NamespaceNotAllowed: [aPod({ namespace: 'alice', annotations: { intercept: 'api.shop' } })],
  HeaderNotAllowed: [aPod({ annotations: { intercept: 'api', match: 'cookie*=alice' } })],
  ModeNotAllowed: [
    aService({ annotations: { 'allow-modes': 'route' } }),
    aPod({ annotations: { intercept: 'api', mode: 'mirror' } }),
  ],
  DuplicateKey: [aPod(), aPod({ name: 'b', controller: { kind: 'Deployment', name: 'b' } })],
  Shadowed: [
    aPod({ annotations: { intercept: 'api', match: 'x-user^=al' } }),
    aPod({ name: 'b', previewLabel: 'pr-7', annotations: { intercept: 'api', match: 'x-user^=alice' } }),
  ],
  Shadows: [aPod(), aPod({ name: 'b', controller: { kind: 'Deployment', name: 'b' } })],
  PreviewInBaseline: [aPod({ name: 'api-0' })],
  NoReadyPods: [aPod({ ready: false })],
  NoEndpoints: [shop, aSlice({ endpoints: [] })],
  InvalidHost: [aService({ annotations: { host: 'https://shop.example.com' } })],
  HostTaken: [shop, aService({ namespace: 'alice', createdAt: 9_000, annotations: { host: 'shop.example.com' } })],
  DuplicateHost: [shop, aService({ name: 'web', createdAt: 9_000, annotations: { host: 'shop.example.com' } })],
  NoPreviewUrl: [aService({ annotations: { host: 'example.com' } })],
};

describe('an example of the page', () => {
  it.each(Object.entries(EXAMPLES))('makes %s, with a message and a hint, and nothing throws', (code, objects) => {
    const engine = new InterceptEngine();
    engine.apply(puts(aService(), aSlice(), ...objects), Date.parse('2026-01-01T00:00:00Z'));
    const problem = [...engine.problems()].find((candidate) => candidate.code === code);
    expect(problem?.message).toMatch(/\.$/);
    if (code !== 'Shadows') expect(problem?.hint).toMatch(/[.:?]/);
  });

  it('is there for every code that objects can make', () => {
    const elsewhere = ['InvalidObject', 'DuplicateObject', 'SourceUnavailable', 'NotInjected', 'Rejected'];
    expect([...Object.keys(EXAMPLES), ...elsewhere].sort()).toEqual(Object.keys(PROBLEMS).sort());
  });
});

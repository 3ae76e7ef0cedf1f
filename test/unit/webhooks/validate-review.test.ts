/** What is refused at `kubectl apply`, and what never is. */
import { describe, expect, test } from 'vitest';
import { InterceptEngine } from '../../../src/intercepts/engine.ts';
import type { Fields } from '../../../src/model/field-reader.ts';
import type { AdmissionRequest } from '../../../src/webhooks/admission-review.ts';
import { reviewAnnotations, type ValidateVerdict } from '../../../src/webhooks/validate-review.ts';
import { aPod, aService, puts } from '../../support/builders.ts';

const CONTROLLER = {
  ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'api-1', uid: 'u', controller: true }],
};

function deployment(annotations: object, metadata: object = {}, labels: object = { 'detour.dev/preview': 'pr-42' }): Fields {
  const template = {
    metadata: { labels, annotations: { 'detour.dev/intercept': 'api', ...annotations } },
    spec: { containers: [] },
  };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'api-pr-42', ...metadata }, spec: { template } };
}

function asked(object: Fields, oldObject?: Fields): AdmissionRequest {
  const operation = oldObject === undefined ? 'CREATE' : 'UPDATE';
  const by = { user: 'alice', dryRun: false };
  return { uid: 'u', operation, kind: String(object['kind']), namespace: 'shop', ...by, object, oldObject: oldObject ?? {} };
}

const review = (object: Fields, oldObject?: Fields): ValidateVerdict => reviewAnnotations(asked(object, oldObject), () => []);

const WRONG = { 'detour.dev/percent': '110' };
const MISTAKE =
  'InvalidValue: Deployment shop/api-pr-42: detour.dev/percent does not take the value "110". Write a whole number from 1 to 100, without a sign.';

describe('a mistake', () => {
  test('is refused, with what lint says of it', () => {
    expect(review(deployment(WRONG))).toEqual({ allowed: false, outcome: 'denied', message: MISTAKE });
  });

  test('is a warning in what a controller makes, and in what ends', () => {
    for (const metadata of [CONTROLLER, { deletionTimestamp: '2027-01-01T00:00:00Z' }])
      expect(review(deployment(WRONG, metadata))).toEqual({ allowed: true, outcome: 'warned', warnings: [MISTAKE] });
  });

  test('that was there before is a warning; one that comes is refused', () => {
    const old = deployment(WRONG);
    expect(review(deployment({ ...WRONG, 'detour.dev/mode': 'route' }), old)).toMatchObject({
      allowed: true,
      warnings: [MISTAKE],
    });
    expect(review(deployment({ 'detour.dev/percent': '120' }), old)).toMatchObject({ allowed: false });
    expect(review(deployment(WRONG), deployment({}))).toMatchObject({ allowed: false });
  });
});

test.each<readonly [string, Fields, string]>([
  [
    'a key that is none',
    deployment({}, {}, { 'detour.dev/preview': 'PR_42' }),
    'InvalidKey: Deployment shop/api-pr-42: the label',
  ],
  ['an intercept without a key', deployment({}, {}, {}), 'InvalidKey: Deployment shop/api-pr-42: Pod'],
  [
    'a bad size of a sidecar',
    deployment({ 'detour.dev/sidecar-resources': 'lots' }),
    'InvalidValue: Deployment shop/api-pr-42: detour.dev/sidecar-resources',
  ],
  ['a network that is none', deployment({ 'detour.dev/exclude-outbound-cidrs': '10.0.0.0/99' }), 'InvalidValue'],
])('%s is refused', (_, object, message) => {
  const verdict = review(object);
  expect(verdict.allowed).toBe(false);
  expect(verdict.message).toContain(message.split(' Pod')[0]);
});

test.each<readonly [string, Fields, string]>([
  ['an annotation that there is not', deployment({ 'detour.dev/percents': '10' }), 'UnknownAnnotation: '],
  [
    'one on the workload itself',
    deployment({}, { annotations: { 'detour.dev/match': 'x' } }),
    'MisplacedAnnotation: Deployment shop/api-pr-42 has detour.dev/match on its own metadata',
  ],
])('%s is a warning', (_, object, warning) => {
  expect(review(object)).toEqual({ allowed: true, outcome: 'warned', warnings: [expect.stringContaining(warning)] });
});

describe('what the Services that are there say is a warning, since they may be applied next', () => {
  const engine = new InterceptEngine();
  engine.apply(puts(aService({ annotations: { 'allow-modes': 'route' } })), Date.parse('2027-01-01T00:00:00Z'));
  const other = new InterceptEngine();
  other.apply(puts(aService({ namespace: 'other' })), Date.parse('2027-01-01T00:00:00Z'));

  test.each<readonly [string, InterceptEngine, object, readonly string[]]>([
    ['nothing', engine, {}, []],
    [
      'of its own rules',
      engine,
      { 'detour.dev/mode': 'mirror', 'detour.dev/match': 'x-user' },
      ['RuleTooBroad', 'ModeNotAllowed'],
    ],
    ['of a Service that is not there', engine, { 'detour.dev/intercept': 'apii' }, ['UnknownService']],
    ['of a port that is not there', engine, { 'detour.dev/intercept': 'api:web' }, ['UnknownPort']],
    [
      'of whom it lets in, and no more',
      other,
      { 'detour.dev/intercept': 'api.other', 'detour.dev/match': 'x-user' },
      ['NamespaceNotAllowed'],
    ],
  ])('%s', (_, from, annotations, codes) => {
    const verdict = reviewAnnotations(asked(deployment(annotations)), (declaration, namespace) =>
      from.faultsOf(declaration, namespace),
    );
    expect(verdict).toMatchObject({ allowed: true, outcome: codes.length === 0 ? 'fine' : 'warned' });
    expect(verdict.warnings?.map((each) => each.split(':', 1)[0])).toEqual(codes);
  });

  test('in the words of the control plane', () => {
    const preview = aPod({ annotations: { intercept: 'apii' } });
    engine.apply(puts(preview), Date.parse('2027-01-01T00:00:00Z'));
    const [{ message = '', hint = '' } = {}] = [...engine.problems()].filter(({ code }) => code === 'UnknownService');
    const { warnings } = reviewAnnotations(asked(deployment({ 'detour.dev/intercept': 'apii' })), (declaration, namespace) =>
      engine.faultsOf(declaration, namespace),
    );
    expect(warnings).toEqual([`UnknownService: Deployment shop/api-pr-42: ${message} ${hint}`]);
  });
});

test('nothing of Detour is fine, whatever else is wrong with it', () => {
  for (const object of [
    {},
    { kind: 'Pod', apiVersion: 'v1' },
    { kind: 'Service', apiVersion: 'v1', spec: { ports: 'x' } },
    { kind: 'Deployment', spec: { template: 7 } },
  ])
    expect(review(object)).toMatchObject({ allowed: true, outcome: 'fine' });
});

import { describe, expect, it } from 'vitest';
import { parsePreview } from '../../../src/annotations/parse-preview.ts';
import type { Declaration } from '../../../src/model/intercept.ts';
import type { Problem } from '../../../src/model/problem.ts';
import { cpuMs } from '../../support/cpu-time.ts';
import { type Annotations, previewPod, service } from './objects.ts';

const DEFAULTS: Declaration = {
  targets: [{ service: 'shop/api', port: undefined, targetPort: undefined }],
  rule: undefined,
  whenUnavailable: 'baseline',
  mode: 'route',
  percent: 100,
  expiresAt: undefined,
};

function declared(annotations: Annotations): Declaration | undefined {
  const { declaration, problems } = parsePreview(previewPod({ intercept: 'api', ...annotations }));
  expect(problems).toEqual([]);
  return declaration;
}

/** The one problem of annotations that leave no declaration. */
function refused(annotations: Annotations): Problem | undefined {
  const { declaration, problems } = parsePreview(previewPod({ intercept: 'api', ...annotations }));
  expect(declaration).toBeUndefined();
  expect(problems).toHaveLength(1);
  return problems[0];
}

describe('a preview', () => {
  it('needs a key and a Service, and has defaults for all else', () => {
    expect(parsePreview(previewPod({ intercept: 'api' }))).toEqual({ key: 'pr-42', declaration: DEFAULTS, problems: [] });
  });

  it('may be a Service', () => {
    expect(parsePreview(service({ intercept: 'api' }, 'pr-42'))).toEqual({ key: 'pr-42', declaration: DEFAULTS, problems: [] });
  });

  it('takes every annotation, with space around its value', () => {
    const annotations = {
      intercept: ' api \n',
      match: 'x-user=alice\n',
      'when-unavailable': ' fail',
      mode: 'mirror ',
      percent: '7\n',
      expires: '2027-01-31T18:00:00Z\n',
    };
    expect(declared(annotations)).toEqual({
      targets: DEFAULTS.targets,
      rule: { alternatives: [[{ subject: { kind: 'header', name: 'x-user' }, operator: 'exact', value: 'alice' }]] },
      whenUnavailable: 'fail',
      mode: 'mirror',
      percent: 7,
      expiresAt: Date.UTC(2027, 0, 31, 18),
    });
  });

  it.each(['PR-42', 'pr_42', 'pr--42', 'xn', '-a', 'a-', '', 'a.b', 'a'.repeat(64)])('has no key with the label %j', (label) => {
    const { key, declaration, problems } = parsePreview(previewPod({ intercept: 'api' }, label));
    expect({ key, declaration }).toEqual({ key: undefined, declaration: undefined });
    expect(problems).toMatchObject([{ code: 'InvalidKey', subject: { kind: 'Pod', key: 'shop/api-pr-42-abc' } }]);
  });

  it('is told a key that would do', () => {
    expect(parsePreview(previewPod({ intercept: 'api' }, 'PR_42--x')).problems[0]?.hint).toContain('pr-42-x, for example');
  });

  it.each([{}, { intercept: '' }, { intercept: ' \n' }])('that names no Service is told so: %j', (annotations) => {
    const { key, declaration, problems } = parsePreview(previewPod(annotations));
    expect({ key, declaration }).toEqual({ key: 'pr-42', declaration: undefined });
    expect(problems).toMatchObject([{ code: 'MissingIntercept' }]);
  });

  it.each([
    ['when-unavailable', 'Fail'],
    ['when-unavailable', ''],
    ['mode', 'copy'],
    ['percent', '0'],
    ['percent', '101'],
    ['percent', '50%'],
    ['percent', '1e1'],
    ['percent', '05'],
    ['percent', ''],
    ['expires', '2027-01-31'],
    ['expires', '2027-01-31T18:00:00'],
    ['expires', '2027-01-31 18:00:00Z'],
    ['expires', '2027-02-29T18:00:00Z'],
    ['expires', '2027-01-31T24:00:00Z'],
    ['expires', '2027-01-31T18:60:00Z'],
    ['expires', '2027-01-31T18:00:60Z'],
    ['expires', '2027-01-31T18:00:00+24:00'],
    ['expires', '2027-01-31T18:00:00.Z'],
    ['expires', '1801418400'],
    ['expires', '72h'],
  ])('is not served with %s: %j, and told which value is wrong', (name, value) => {
    const problem = refused({ [name]: value });
    expect(problem).toMatchObject({ code: 'InvalidValue', subject: { kind: 'Pod', key: 'shop/api-pr-42-abc' } });
    expect(problem?.message).toContain(
      `Pod shop/api-pr-42-abc: detour.dev/${name} does not take the value ${JSON.stringify(value)}`,
    );
    expect(problem?.hint).not.toBe('');
  });

  it.each([
    ['2027-01-31T18:00:00Z', Date.UTC(2027, 0, 31, 18)],
    ['2027-01-31t18:00:00z', Date.UTC(2027, 0, 31, 18)],
    ['2027-01-31T18:00:00.25Z', Date.UTC(2027, 0, 31, 18, 0, 0, 250)],
    ['2027-01-31T18:00:00.123999999Z', Date.UTC(2027, 0, 31, 18, 0, 0, 123)],
    ['2027-01-31T18:00:00+02:30', Date.UTC(2027, 0, 31, 15, 30)],
    ['2027-01-31T18:00:00-01:00', Date.UTC(2027, 0, 31, 19)],
    ['2028-02-29T00:00:00Z', Date.UTC(2028, 1, 29)],
    ['0001-01-01T00:00:00Z', -62_135_596_800_000],
  ])('expires at %s', (expires, instant) => {
    expect(declared({ expires })?.expiresAt).toBe(instant);
  });

  it('is not served with a rule that cannot be read', () => {
    expect(refused({ match: 'x-user==a' })).toMatchObject({
      code: 'InvalidRule',
      message: expect.stringContaining('"x-user==a"'),
    });
    expect(refused({ match: '' })).toMatchObject({ code: 'InvalidRule' });
  });

  it('is not served with a regex that Envoy refuses, or that costs too much', () => {
    expect(refused({ match: 'x-a=1, x-user~="(?=a)"' })).toMatchObject({
      code: 'RegexInvalid',
      message: expect.stringContaining('(?=a)'),
    });
    expect(refused({ match: 'x-a=1\nx-b=1, x-user~="[a-z]{1000}"' })).toMatchObject({ code: 'RegexTooCostly' });
  });

  it('tells of every mistake at once', () => {
    const { problems } = parsePreview(previewPod({ mode: 'x', percent: 'y', match: '=', intercpt: 'api' }, 'PR'));
    const codes = ['InvalidKey', 'MissingIntercept', 'InvalidRule', 'InvalidValue', 'InvalidValue', 'UnknownAnnotation'];
    expect(problems.map(({ code }) => code)).toEqual(codes);
  });
});

describe('the targets of a preview', () => {
  function targets(intercept: string): readonly (readonly unknown[])[] | undefined {
    return declared({ intercept })?.targets.map(({ service, port, targetPort }) => [service, port, targetPort]);
  }

  it.each<[string, unknown[][]]>([
    ['api', [['shop/api', undefined, undefined]]],
    ['api.login', [['login/api', undefined, undefined]]],
    ['api:http', [['shop/api', 'http', undefined]]],
    ['api:8080', [['shop/api', 8080, undefined]]],
    ['api=9090', [['shop/api', undefined, 9090]]],
    ['api.login:http=web', [['login/api', 'http', 'web']]],
    ['api : 80 = 9090', [['shop/api', 80, 9090]]],
    [
      'api:a,api:b, identity.login',
      [
        ['shop/api', 'a', undefined],
        ['shop/api', 'b', undefined],
        ['login/identity', undefined, undefined],
      ],
    ],
    [
      'api,api.login',
      [
        ['shop/api', undefined, undefined],
        ['login/api', undefined, undefined],
      ],
    ],
  ])('are read from %j', (text, expected) => {
    expect(targets(text)).toEqual(expected);
  });

  it.each([
    ['Api', 'names no Service'],
    ['shop/api', 'names no Service'],
    ['api.', 'names no Service'],
    ['.shop', 'names no Service'],
    ['api.shop.svc.cluster.local', 'too many dots'],
    ['api:', 'not a port'],
    ['api:0', 'not a port'],
    ['api:65536', 'not a port'],
    ['api:080', 'not a port'],
    ['api:HTTP', 'not a port'],
    ['api:80:81', 'not a port'],
    ['api=', 'not a targetPort'],
    ['api=1=2', 'not a targetPort'],
  ])('are a problem: %j', (intercept, message) => {
    const problem = refused({ intercept });
    expect(problem).toMatchObject({ code: 'InvalidTarget', message: expect.stringContaining(message) });
    expect(problem?.message).toContain('Pod shop/api-pr-42-abc: detour.dev/intercept: ');
  });

  it('know what shop/api and api.shop.svc should have been', () => {
    expect(refused({ intercept: 'shop/api' })?.hint).toContain('api.shop');
    expect(refused({ intercept: 'api.shop.svc' })?.hint).toContain('api.shop,');
  });

  it('that can be read are served beside those that cannot', () => {
    const { declaration, problems } = parsePreview(previewPod({ intercept: 'api, , identity:x:y' }));
    expect(declaration?.targets).toEqual(DEFAULTS.targets);
    expect(problems.map(({ code }) => code)).toEqual(['InvalidTarget', 'InvalidTarget']);
  });

  it.each<[string, string[]]>([
    ['api, api', ['api']],
    ['api, api.shop', ['api']],
    ['api:http, api:http', ['api:http']],
    ['api, api:http', ['api']],
    ['api:http, api:grpc, api', ['api', 'api']],
    ['api:http=1, api:http=2', []],
    ['api, api:http=2', []],
    ['api:http=1, api:http=2, api:grpc', ['api:grpc']],
  ])('that name a port twice are told so: %s', (intercept, left) => {
    const { declaration, problems } = parsePreview(previewPod({ intercept }));
    const ports = (declaration?.targets ?? []).map(({ port }) => (port === undefined ? 'api' : `api:${port}`));
    expect(ports).toEqual([...new Set(left)]);
    expect(problems).toHaveLength(1);
    expect(problems[0]?.message).toContain('same port twice');
  });
});

describe('other annotations of a preview', () => {
  it.each([
    ['intercpt', 'intercept'],
    ['Intercept', 'intercept'],
    ['inetrcept', 'intercept'],
    ['when_unavailable', 'when-unavailable'],
    ['percentage', 'percent'],
    ['expire', 'expires'],
    ['matches', 'match'],
    ['alow-from', 'allow-from'],
  ])('%s may have been meant as %s', (name, meant) => {
    const { declaration, problems } = parsePreview(previewPod({ intercept: 'api', [name]: 'x' }));
    expect(declaration).toBeDefined();
    expect(problems).toMatchObject([{ code: 'UnknownAnnotation', hint: `Did you mean detour.dev/${meant}?` }]);
    expect(problems[0]?.message).toContain(`"detour.dev/${name}"`);
  });

  it('far from any are told what there is', () => {
    const { problems } = parsePreview(previewPod({ intercept: 'api', 'colour-of-the-shed': 'x', toString: 'y' }));
    expect(problems.map(({ code }) => code)).toEqual(['UnknownAnnotation', 'UnknownAnnotation']);
    expect(problems[0]?.hint).toContain('detour.dev/intercept, detour.dev/match');
  });

  it("that are a baseline's have no effect on a pod, and are fine on a Service", () => {
    const annotations = { intercept: 'api', host: 'shop.example.com' };
    expect(parsePreview(previewPod(annotations))).toMatchObject({
      declaration: DEFAULTS,
      problems: [{ code: 'MisplacedAnnotation', hint: 'Put it on the baseline Service.' }],
    });
    expect(parsePreview(service(annotations, 'pr-42')).problems).toEqual([]);
  });

  it('named as the label are told that it is a label', () => {
    expect(parsePreview(previewPod({ intercept: 'api', preview: 'pr-42' })).problems).toMatchObject([
      { code: 'MisplacedAnnotation' },
    ]);
  });
});

describe('too large annotations', () => {
  const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`x${i}`, 'y']));
  it.each<[string, Annotations]>([
    ['10,000 of them', many],
    ['1 MiB in match', { match: 'x-a=1;'.repeat(2 ** 20 / 6) }],
    ['1 MiB in intercept', { intercept: 'api,'.repeat(2 ** 18) }],
    ['1 MiB in a known one that is misplaced', { host: 'a'.repeat(2 ** 20) }],
    ['hundreds of predicates', { match: 'x\n'.repeat(300) }],
  ])('are one problem, at once: %s', (_, annotations) => {
    expect(cpuMs(() => void refused(annotations))).toBeLessThan(250);
    expect(refused(annotations)).toMatchObject({ code: 'AnnotationTooLarge' });
  });

  it('are no matter where they have no meaning', () => {
    const { declaration, problems } = parsePreview(
      previewPod({ intercept: 'api', [`n${'a'.repeat(2 ** 20)}`]: 'v'.repeat(2 ** 20) }),
    );
    expect(declaration).toEqual(DEFAULTS);
    expect(problems).toMatchObject([{ code: 'UnknownAnnotation' }]);
    expect(problems[0]?.message.length).toBeLessThan(200);
  });

  it('with hundreds of targets are not served', () => {
    const intercept = Array.from({ length: 300 }, (_, i) => `s${i}`).join(',');
    expect(refused({ intercept })).toMatchObject({ code: 'InvalidTarget', message: expect.stringContaining('300 targets') });
  });
});

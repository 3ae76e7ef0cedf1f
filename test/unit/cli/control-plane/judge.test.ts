import { describe, expect, test } from 'vitest';
import type { Overview } from '../../../../src/cli/control-plane/client.ts';
import { type ExpectedPods, judge, type Verdict } from '../../../../src/cli/control-plane/judge.ts';
import { mergeIntercepts, mergePreviews, type ReplicaReport } from '../../../../src/cli/control-plane/merge.ts';
import type { InterceptView, PreviewView, ReceiptView } from '../../../../src/cli/control-plane/reports.ts';
import { stateText } from '../../../../src/cli/control-plane/state-text.ts';

function receipt(state: string, proxies: Readonly<Record<string, boolean>> = {}): ReceiptView {
  const all = Object.values(proxies);
  return { state, needed: all.length, acked: all.filter((has) => has).length, proxies };
}

function intercept(over: Partial<InterceptView> = {}): InterceptView {
  const target = over.target ?? 'shop/api:80';
  return {
    id: `shop/pr-42/Deployment/api-pr-42/${target}`,
    key: 'pr-42',
    namespace: 'shop',
    workload: 'Deployment/api-pr-42',
    target,
    state: 'active',
    winner: '',
    match: '',
    whenUnavailable: 'baseline',
    mode: 'route',
    percent: 100,
    expires: '',
    endpoints: ['10.0.0.1:8080'],
    urls: [],
    baselineUrls: [],
    problems: [],
    receipt: receipt('live', { a: true }),
    ...over,
  };
}

const PREVIEW: PreviewView = {
  key: 'pr-42',
  namespace: 'shop',
  workload: 'Deployment/api-pr-42',
  pods: 1,
  ready: 1,
  createdAt: '',
  problems: [],
};

const report = (replica: string, intercepts: readonly InterceptView[], previews = [PREVIEW]): ReplicaReport => ({
  ...{ replica, intercepts, previews, header: 'x-detour' },
});

const of = (...states: readonly ReceiptView[]) =>
  mergeIntercepts(states.map((each, index) => report(`r${index}`, [intercept({ receipt: each })])));

describe('the receipt of all replicas', () => {
  test.each([
    ['live with one that has no Envoy of its own', [receipt('live', { a: true, b: true }), receipt('noProxy')], 'live', '2/2'],
    ['live where all are, with the Envoys of all', [receipt('live', { a: true }), receipt('live', { b: true })], 'live', '2/2'],
    [
      'not live while an Envoy of one lacks it',
      [receipt('live', { a: true }), receipt('pending', { b: false })],
      'pending',
      '1/2',
    ],
    ['not live where nobody has an Envoy', [receipt('noProxy'), receipt('noProxy')], 'no Envoy', '0/0'],
    ['rejected where one Envoy refuses it', [receipt('live', { a: true }), receipt('rejected', { b: false })], 'rejected', '1/2'],
  ] as const)('is %s', (_, receipts, state, envoys) => {
    const [merged] = of(...receipts);
    expect(merged && [stateText(merged), `${merged.receipt.acked}/${merged.receipt.needed}`]).toEqual([state, envoys]);
  });

  test('counts an Envoy that moves from one to another once, and not before both say that it has it', () => {
    const [moving] = of(receipt('pending', { a: false }), receipt('live', { a: true }));
    expect(moving?.receipt).toMatchObject({ state: 'pending', needed: 1, acked: 0 });
    const [moved] = of(receipt('live', { a: true }), receipt('live', { a: true }));
    expect(moved?.receipt).toMatchObject({ state: 'live', needed: 1, acked: 1 });
  });

  test('is that of sums where replicas name no Envoys', () => {
    const unnamed = { state: 'live', needed: 3, acked: 3, proxies: {} };
    expect(of(unnamed, unnamed)[0]?.receipt).toMatchObject({ state: 'live', needed: 6, acked: 6 });
  });

  test('is not complete while a replica does not know the intercept, or knows it as it was', () => {
    const [unknown] = mergeIntercepts([report('r0', [intercept()]), report('r1', [])]);
    expect(unknown).toMatchObject({ behind: ['r1'], receipt: { state: 'pending' } });
    const [older] = mergeIntercepts([report('r0', [intercept()]), report('r1', [intercept({ match: 'x-user=alice' })])]);
    expect(older).toMatchObject({ behind: ['r1'], receipt: { state: 'pending' } });
    expect(older && stateText(older)).toBe('spreading');
  });
});

function judged(intercepts: readonly InterceptView[], over: Partial<Overview> = {}, expected?: ExpectedPods): Verdict {
  const reports = [report('r0', intercepts)];
  const overview: Overview = {
    intercepts: mergeIntercepts(reports),
    previews: mergePreviews(reports),
    header: 'x-detour',
    replicas: ['r0'],
    troubles: [],
    unaccounted: [],
    ...over,
  };
  return judge(overview, 'pr-42', expected);
}

describe('whether a key is live', () => {
  test('it is when every intercept is, with pods', () => {
    expect(judged([intercept()])).toEqual({ kind: 'live', notes: [] });
  });

  test.each([
    ['the preview', judged([], { previews: [] }), 'no preview with the key pr-42 is known'],
    ['pods', judged([intercept({ endpoints: [] })]), 'Deployment/api-pr-42 has no ready pod for shop/api:80'],
    [
      'Envoys',
      judged([intercept({ receipt: receipt('pending', { a: true, b: false }) })]),
      '1 of 2 Envoys have shop/api:80, not yet "b"',
    ],
    ['an Envoy', judged([intercept({ receipt: receipt('noProxy') })]), 'no connected Envoy needs shop/api:80'],
    ['Envoys that are nowhere', judged([intercept()], { unaccounted: ['a is not back yet'] }), 'a is not back yet'],
    ['a replica that does not answer', judged([intercept()], { troubles: [{ trouble: 'r1 is away', hint: '' }] }), 'r1 is away'],
  ])('it waits for %s, and says so', (_, verdict, lack) => {
    expect(verdict).toEqual({ kind: 'waiting', lacks: [lack] });
  });

  test('it waits for exactly the pods of the workload that was applied, by one IP of each', () => {
    const expected = (...pods: readonly (readonly string[])[]) => ({ workload: 'Deployment/api-pr-42', pods });
    const lack = { kind: 'waiting', lacks: ['the control plane does not yet know all pods of Deployment/api-pr-42'] };
    expect(judged([intercept()], {}, expected(['10.0.0.2']))).toEqual(lack);
    expect(judged([intercept()], {}, expected(['10.0.0.1'], ['10.0.0.2']))).toEqual(lack);
    expect(judged([intercept({ endpoints: ['[fd00::1]:80'] })], {}, expected(['10.0.0.1', 'fd00::1'])).kind).toBe('live');
  });

  test('another workload of the key that is live is not the one that was applied', () => {
    const lack = 'the control plane does not know Deployment/web-pr-42 yet';
    expect(judged([intercept()], {}, { workload: 'Deployment/web-pr-42', pods: [['10.0.0.9']] })).toEqual({
      kind: 'waiting',
      lacks: [lack],
    });
  });

  test('a port that no Envoy needs does not hold up the Service, and is told; another Service does', () => {
    const idle = receipt('noProxy');
    expect(judged([intercept(), intercept({ target: 'shop/api:81', receipt: idle })])).toEqual({
      kind: 'live',
      notes: ['No connected Envoy needs shop/api:81.'],
    });
    expect(judged([intercept(), intercept({ target: 'shop/web:80', receipt: idle })]).kind).toBe('waiting');
  });

  test('mistakes are no matter of waiting: those of an intercept, and those of a preview that has none', () => {
    const problem = { code: 'UnknownService', severity: 'error', message: 'There is no Service.', hint: 'Make it.' } as const;
    expect(judged([intercept({ state: 'invalid', problems: [problem] })])).toEqual({ kind: 'broken', problems: [problem] });
    expect(judged([], { previews: [{ ...PREVIEW, problems: [problem] }] })).toEqual({ kind: 'broken', problems: [problem] });
    const warning = { ...problem, code: 'PreviewInBaseline', severity: 'warning' } as const;
    expect(judged([intercept({ problems: [warning] })]).kind).toBe('live');
  });
});

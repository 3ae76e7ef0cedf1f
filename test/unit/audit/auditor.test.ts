import { describe, expect, test } from 'vitest';
import { Auditor } from '../../../src/audit/auditor.ts';
import { InterceptEngine } from '../../../src/intercepts/engine.ts';
import type { ClusterChange, Pod } from '../../../src/model/cluster-state.ts';
import { aPod, aService, aSlice, puts, removes } from '../../support/builders.ts';
import { until } from '../../support/until.ts';

const NOW = Date.parse('2030-01-01T00:00:00Z');
const nothing = (): void => undefined;
const LOG = { debug: nothing, info: nothing, warn: nothing, error: nothing };

type Line = Readonly<Record<string, unknown>>;

class Lab implements AsyncDisposable {
  readonly lines: Line[] = [];
  readonly auditor = new Auditor({
    append: async (text) => {
      for (const line of text.trimEnd().split('\n')) this.lines.push(JSON.parse(line));
    },
    place: 'memory',
    replica: 'detour-0',
    now: () => NOW,
    log: LOG,
    onDropped: nothing,
  });
  readonly term = new AbortController();
  readonly #engine = new InterceptEngine({ lingerMs: 0 });

  apply(changes: readonly ClusterChange[], now = NOW): void {
    this.auditor.modelChanged(this.#engine.model, this.#engine.apply(changes, now));
  }

  /** Those that came since the last call. */
  async told(count: number): Promise<readonly Line[]> {
    await until(`${count} lines`, () => this.lines.length >= count);
    return this.lines.splice(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.auditor[Symbol.asyncDispose]();
    // What was not looked at was not there.
    expect(this.lines).toEqual([]);
  }
}

const CLUSTER = puts(aService(), aSlice());
const preview = (annotations: Record<string, string> = {}, over: Partial<Pod> = {}): Pod =>
  aPod({ annotations: { intercept: 'api', ...annotations }, ...over });
const TERMS = { mode: 'route', percent: 100, whenUnavailable: 'baseline', expires: null };

describe('the audit log', () => {
  test('begins with all that is there, of 12,000 intercepts, too', async () => {
    await using lab = new Lab();
    lab.auditor.begin(lab.term.signal);
    const pods = Array.from({ length: 12_000 }, (_, number) =>
      preview({}, { previewLabel: `pr-${number}`, name: `p-${number}`, controller: { kind: 'Pod', name: `p-${number}` } }),
    );
    lab.apply([...CLUSTER, ...puts(...pods)]);
    const [leading, ...present] = await lab.told(12_001);
    expect(leading).toMatchObject({ audit: 'leading', intercepts: 12_000 });
    expect(new Set(present.map(({ audit, key }) => `${audit} ${key}`)).size).toBe(12_000);
  });

  test('begins with what is there, and then tells what is created, changed, refused, expired and deleted', async () => {
    await using lab = new Lab();
    lab.auditor.begin(lab.term.signal);
    lab.apply([
      ...CLUSTER,
      ...puts(preview({}, { previewLabel: 'pr-1', name: 'old', controller: { kind: 'Pod', name: 'old' } })),
    ]);
    expect(await lab.told(2)).toMatchObject([
      { audit: 'leading', intercepts: 1, replica: 'detour-0', time: '2030-01-01T00:00:00.000Z' },
      { audit: 'present', key: 'pr-1', workload: { kind: 'Pod', name: 'old' } },
    ]);

    lab.apply(puts(preview({ match: 'x-user=alice' })));
    expect(await lab.told(1)).toEqual([
      {
        audit: 'created',
        time: '2030-01-01T00:00:00.000Z',
        replica: 'detour-0',
        intercept: 'shop/pr-42/Deployment/api-pr-42/shop/api:80',
        namespace: 'shop',
        workload: { kind: 'Deployment', name: 'api-pr-42' },
        key: 'pr-42',
        target: 'shop/api:80',
        after: { standing: 'active', terms: { match: 'x-user=alice', ...TERMS }, problems: [], winner: null },
        before: {},
      },
    ]);

    lab.apply(puts(preview({ match: 'x-user=bob', percent: '10' }, { createdAt: 3_000, name: 'api-pr-42-2' })));
    expect(await lab.told(1)).toMatchObject([
      {
        audit: 'changed',
        before: { terms: { match: 'x-user=alice', percent: 100 } },
        after: { terms: { match: 'x-user=bob', percent: 10 } },
      },
    ]);
    // Another pod that says the same is nothing to tell.
    lab.apply(
      puts(preview({ match: 'x-user=bob', percent: '10' }, { createdAt: 4_000, name: 'api-pr-42-3', ips: ['10.0.1.9'] })),
    );

    lab.apply(puts(aService({ annotations: { 'allow-match': 'none' } })));
    expect(await lab.told(1)).toMatchObject([
      {
        audit: 'refused',
        key: 'pr-42',
        before: { standing: 'active' },
        after: { standing: 'refused', problems: ['HeaderNotAllowed'] },
      },
    ]);
    lab.apply(puts(aService()));
    expect(await lab.told(1)).toMatchObject([
      { audit: 'changed', before: { standing: 'refused' }, after: { standing: 'active', problems: [] } },
    ]);

    lab.apply(puts(preview({ expires: '2030-01-01T00:00:10Z' }, { createdAt: 5_000, name: 'api-pr-42-4' })));
    expect(await lab.told(1)).toMatchObject([{ audit: 'changed', after: { terms: { expires: '2030-01-01T00:00:10.000Z' } } }]);
    lab.apply([], NOW + 10_000);
    expect(await lab.told(1)).toMatchObject([{ audit: 'expired', after: { standing: 'expired' } }]);
    lab.apply(
      removes(...['api-pr-42-1', 'api-pr-42-2', 'api-pr-42-3', 'api-pr-42-4'].map((name) => preview({}, { name }))),
      NOW + 20_000,
    );
    expect(await lab.told(1)).toMatchObject([{ audit: 'deleted', key: 'pr-42', before: { standing: 'expired' }, after: {} }]);
  });

  test('tells who lost a key, to whom, and who won it back', async () => {
    await using lab = new Lab();
    lab.auditor.begin(lab.term.signal);
    lab.apply(CLUSTER);
    const [first, second] = ['a', 'b'].map((name) => preview({}, { name, controller: { kind: 'Deployment', name } }));
    if (first === undefined || second === undefined) throw new Error('there are two');
    lab.apply(puts(second));
    lab.apply(puts(first));
    const told = await lab.told(4);
    expect(told.map(({ audit, workload }) => [audit, (workload as { name?: string } | undefined)?.name])).toEqual([
      ['leading', undefined],
      ['created', 'b'],
      ['created', 'a'],
      ['lost', 'b'],
    ]);
    expect(told[3]).toMatchObject({ after: { standing: 'shadowed', winner: 'shop/pr-42/Deployment/a/shop/api:80' } });
    lab.apply(removes(first));
    expect((await lab.told(2)).map(({ audit }) => audit)).toEqual(['deleted', 'won']);
  });

  test('is written by one replica: the next one begins with what is there, and tells nothing twice', async () => {
    await using lab = new Lab();
    lab.apply([...CLUSTER, ...puts(preview())]);
    lab.apply(puts(preview({ percent: '5' }, { createdAt: 3_000, name: 'next' })));
    lab.auditor.begin(lab.term.signal);
    expect(await lab.told(2)).toMatchObject([{ audit: 'leading' }, { audit: 'present', after: { terms: { percent: 5 } } }]);
    lab.term.abort();
    lab.apply(puts(preview({ percent: '6' }, { createdAt: 4_000, name: 'last' })));
  });

  test('tells a receipt once for what its author decided, and none of what is gone', async () => {
    await using lab = new Lab();
    lab.auditor.begin(lab.term.signal);
    lab.apply([...CLUSTER, ...puts(preview())]);
    const [, present] = await lab.told(2);
    const intercept = present?.['intercept'] as Parameters<typeof lab.auditor.received>[0]['intercept'];
    const receipt = { intercept, version: '1', state: 'live', envoys: 2, acked: 2, afterMs: 12 } as const;
    lab.auditor.received(receipt);
    lab.auditor.received(receipt);
    lab.auditor.received({ ...receipt, version: '2', afterMs: 3 });
    lab.auditor.received({ ...receipt, version: '3', state: 'rejected', acked: 1, afterMs: null });
    expect(await lab.told(3)).toMatchObject([
      { audit: 'live', envoys: 2, acked: 2, afterMs: 12, key: 'pr-42' },
      { audit: 'live', afterMs: 3 },
      { audit: 'rejected', acked: 1 },
    ]);
    lab.apply(removes(preview()));
    lab.auditor.received({ ...receipt, version: '4' });
    expect(await lab.told(1)).toMatchObject([{ audit: 'deleted' }]);
  });
});

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Feed } from '../../src/feed.ts';
import { InterceptEngine } from '../../src/intercepts/engine.ts';
import type { Logger } from '../../src/logger.ts';
import type { ClusterChange } from '../../src/model/cluster-state.ts';
import type { ModelChange } from '../../src/model/intercept.ts';
import { readManifests } from '../../src/sources/directory/read.ts';
import type { OnBatch, SourceBatch } from '../../src/sources/source.ts';

const START = Date.UTC(2026, 0, 1);

const WORLD = `
apiVersion: v1
kind: Service
metadata: { name: api, namespace: shop }
spec: { ports: [{ name: http, port: 80, targetPort: 8080 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: api-1, namespace: shop, labels: { kubernetes.io/service-name: api } }
addressType: IPv4
ports: [{ name: http, port: 8080 }]
endpoints: [{ addresses: [10.1.0.1] }]
`;

const preview = (expires: string) => `
apiVersion: v1
kind: Pod
metadata:
  name: api-pr-42
  namespace: shop
  labels: { detour.dev/preview: pr-42 }
  annotations: { detour.dev/intercept: api, detour.dev/expires: "${expires}" }
status: { podIP: 10.1.0.2, conditions: [{ type: Ready, status: "True" }] }
`;

const objects = (text: string): readonly ClusterChange[] => readManifests(text, 'a.yaml').objects;

class Fixture {
  #onBatch: OnBatch = () => undefined;
  readonly published: ModelChange[] = [];
  readonly warnings: string[] = [];
  readonly engine = new InterceptEngine();
  readonly feed: Feed;

  constructor() {
    const ignore = () => undefined;
    const log: Logger = {
      debug: ignore,
      info: ignore,
      error: ignore,
      warn: (message, { consequence }) => this.warnings.push(`${message}: ${consequence}`),
    };
    this.feed = new Feed({
      source: {
        name: 'test',
        follow: (onBatch) => {
          this.#onBatch = onBatch;
          return { [Symbol.dispose]: ignore };
        },
        lastReadAt: () => 0,
      },
      engine: this.engine,
      publish: (_, change) => this.published.push(change),
      onChanges: ignore,
      log,
      now: Date.now,
    });
    this.feed.start();
  }

  say(changes: readonly ClusterChange[], more: Partial<SourceBatch> = {}): void {
    this.#onBatch({ changes, problems: [], synced: true, trouble: undefined, ...more });
  }

  get states(): readonly string[] {
    return [...this.engine.intercepts()].map(({ state }) => state);
  }
}

beforeEach(() => {
  vi.useFakeTimers({ now: START, toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const turn = () => vi.advanceTimersByTime(0);

describe('the feed', () => {
  test('publishes nothing before the source is synced, then everything at once', () => {
    const fixture = new Fixture();
    const [service, ...others] = objects(WORLD);
    fixture.say(service === undefined ? [] : [service], { synced: false });
    turn();
    expect(fixture.published).toEqual([]);
    expect(fixture.feed.synced).toBe(false);
    fixture.say(others);
    turn();
    expect(fixture.published).toHaveLength(1);
    expect(fixture.published[0]?.services).toEqual(new Set(['shop/api']));
    expect(fixture.feed.synced).toBe(true);
    fixture.feed[Symbol.dispose]();
  });

  test('tells the engine at once what comes before that, which builds each Service once', () => {
    const fixture = new Fixture();
    for (const object of objects(WORLD)) fixture.say([object], { synced: false });
    turn();
    expect(fixture.engine.model.services.size).toBe(0);
    expect(fixture.engine.servicesBuilt).toBe(0);
    fixture.say([]);
    turn();
    expect(fixture.published).toHaveLength(1);
    expect(fixture.engine.model.services.get('shop/api')?.ports[0]?.baseline).toHaveLength(1);
    expect(fixture.engine.servicesBuilt).toBe(1);
    fixture.feed[Symbol.dispose]();
  });

  test('publishes an empty world too, once it knows that it is empty', () => {
    const fixture = new Fixture();
    fixture.say([]);
    turn();
    expect(fixture.published).toHaveLength(1);
    fixture.feed[Symbol.dispose]();
  });

  test('makes one change of all that comes within a turn, and none of what changes nothing', () => {
    const fixture = new Fixture();
    for (const object of objects(WORLD)) fixture.say([object]);
    turn();
    expect(fixture.published).toHaveLength(1);
    fixture.say(objects(WORLD));
    fixture.say([], { problems: [] });
    turn();
    expect(fixture.published).toHaveLength(1);
    fixture.feed[Symbol.dispose]();
  });

  test.each([
    ['in two seconds', 2_000],
    ['in 40 days, which is more than a timer holds', 40 * 24 * 3_600_000],
  ])('ends an intercept %s to the second, without any event', (_, ms) => {
    const fixture = new Fixture();
    fixture.say(objects(`${WORLD}---${preview(new Date(START + ms).toISOString())}`));
    turn();
    expect(fixture.states).toEqual(['active']);
    vi.advanceTimersByTime(ms - 1);
    expect(fixture.states).toEqual(['active']);
    expect(fixture.published).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(fixture.states).toEqual(['expired']);
    expect(fixture.published).toHaveLength(2);
    expect(fixture.published[1]?.services).toEqual(new Set(['shop/api']));
    fixture.feed[Symbol.dispose]();
  });

  test('notices within a minute that the clock was set', () => {
    const fixture = new Fixture();
    fixture.say(objects(`${WORLD}---${preview(new Date(START + 3_600_000).toISOString())}`));
    turn();
    vi.setSystemTime(START + 3_600_000);
    vi.advanceTimersByTime(60_000);
    expect(fixture.states).toEqual(['expired']);
    fixture.feed[Symbol.dispose]();
  });

  test('says once what trouble there is and what follows from it', () => {
    const fixture = new Fixture();
    fixture.say([], { synced: false, trouble: 'gone' });
    fixture.say([], { synced: false, trouble: 'gone', problems: [] });
    fixture.say([]);
    fixture.say([], { trouble: 'gone again' });
    expect(fixture.warnings).toEqual([
      expect.stringContaining('gone: Nothing is served'),
      expect.stringContaining('gone again: What was read last is served on'),
    ]);
    expect(fixture.feed.trouble).toBe('gone again');
    fixture.feed[Symbol.dispose]();
  });

  test('does nothing any more when it has ended', () => {
    const fixture = new Fixture();
    fixture.say(objects(`${WORLD}---${preview(new Date(START + 1000).toISOString())}`));
    turn();
    fixture.say([], {});
    fixture.feed[Symbol.dispose]();
    vi.advanceTimersByTime(5_000);
    expect(fixture.states).toEqual(['active']);
    expect(vi.getTimerCount()).toBe(0);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { InterceptModel } from '../../../src/model/intercept.ts';
import { typesOf } from '../../../src/translate/scope.ts';
import { decodeDeltaRequest } from '../../../src/xds/codec.ts';
import { InterceptChanges } from '../../../src/xds/intercept-changes.ts';
import { Encoder } from '../../../src/xds/resource.ts';
import { ServedView } from '../../../src/xds/served-view.ts';
import { Session } from '../../../src/xds/session.ts';
import { factsOf } from '../../../src/xds/type-urls.ts';
import { deltaResponse } from '../../../src/xds/wire.ts';
import { NO_CHANGE } from '../../support/xds/fake-world.ts';
import { decodeMessage, encodeRequest, unpack } from '../../support/xds/independent.ts';
import { idOf, modelOf, routeTranslation, SERVICE } from '../../support/xds/intercepts.ts';

/** A view of intercepts, and an Envoy that refuses routes and clusters of some keys. */
class Envoy {
  readonly #changes = new InterceptChanges();
  readonly #served: ServedView;
  readonly #session: Session;
  readonly #refuses: (content: string) => boolean;
  #model: InterceptModel = modelOf({});
  #isSettled = false;
  /** Content of the route that it accepted. */
  route = '';
  refusals = 0;
  /** What the newest route said, each time. */
  readonly routes: string[] = [];

  constructor(refuses: (content: string) => boolean) {
    this.#refuses = refuses;
    this.#served = new ServedView({
      key: 'test',
      types: typesOf({ kind: 'client' }),
      translation: routeTranslation(),
      encoder: new Encoder(),
      changes: this.#changes,
      isAccepted: (resource) => this.#session.holds(resource) === true,
      isRefused: (resource) => this.#session.refuses(resource),
    });
    this.#session = new Session({
      protocol: 'delta',
      isAggregated: true,
      view: this.#served.view,
      id: 's',
      now: 0,
      gateMs: 1,
      maxBytes: 1e6,
    });
    this.#subscribe('cluster', []);
    this.#subscribe('route', ['r']);
  }

  /** Everything is said and answered. */
  publish(percents: Readonly<Record<string, number>>): void {
    this.publishOnly(percents);
    this.answerAll();
  }

  /** @param isSettled whether everything seems to be accepted that was published before */
  publishOnly(percents: Readonly<Record<string, number>>, isSettled = this.#isSettled): void {
    this.#model = modelOf(percents);
    const change = { ...NO_CHANGE, services: new Set([SERVICE]) };
    this.#changes.note(this.#model, change);
    this.#served.publish(this.#model, change, isSettled, 0);
  }

  /** Up to the next refusal: what comes of it is not said yet. */
  refuseOne(): void {
    this.answerAll(this.refusals + 1);
    this.#isSettled = false;
  }

  answerAll(mostRefusals = Infinity): void {
    for (let response = this.#session.next(0); response !== undefined; response = this.#session.next(0)) {
      const decoded = decodeMessage('envoy.service.discovery.v3.DeltaDiscoveryResponse', deltaResponse(response));
      const contents: string[] = decoded.resources.map(({ resource }: { resource: { type_url: string; value: Buffer } }) => {
        const body = unpack(resource);
        return response.type === 'route' ? body.virtual_hosts[0].name : body.alt_stat_name;
      });
      const isBad = contents.some((content) => this.#refuses(content));
      if (response.type === 'route' && contents[0] !== undefined) this.routes.push(contents[0]);
      if (response.type === 'route' && !isBad) this.route = contents[0] ?? '';
      this.refusals += isBad ? 1 : 0;
      this.#answer(response.typeUrl, response.nonce, isBad ? 'refused' : undefined);
      if (this.refusals === mostRefusals) break;
    }
    this.#isSettled = true;
  }

  get rejected(): readonly string[] {
    return [...this.#served.rejections()].map(({ intercept }) => intercept ?? 'nobody').sort();
  }

  #subscribe(type: 'cluster' | 'route', subscribe: readonly string[]): void {
    this.#receive({ typeUrl: factsOf(type).typeUrl, subscribe });
  }

  #answer(typeUrl: string, nonce: string, error: string | undefined): void {
    const outcome = this.#receive({ typeUrl, nonce, error });
    if (outcome.kind === 'ack') this.#served.acked(outcome.response, this.#model, 0);
    if (outcome.kind === 'nack') this.#served.nacked(outcome.response, outcome.error, this.#model, 0);
    this.#served.review(this.#model, 0);
  }

  #receive(request: { typeUrl: string; nonce?: string; error?: string | undefined; subscribe?: readonly string[] }) {
    const { typeUrl: type_url, nonce, error, subscribe } = request;
    const error_detail = error === undefined ? undefined : { code: 3, message: error };
    const fields = { type_url, response_nonce: nonce, error_detail, resource_names_subscribe: subscribe };
    return this.#session.receiveDelta(decodeDeltaRequest(encodeRequest('DeltaDiscoveryRequest', fields)), 0);
  }
}

const keys = (count: number): Record<string, number> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 1]));
const has =
  (...bad: string[]) =>
  (content: string) =>
    bad.some((key) => new RegExp(`\\b${key}\\b`).test(content));

describe('the quarantine', () => {
  it('finds the one that changed at once, and serves the others', () => {
    const envoy = new Envoy(has('k1=2'));
    envoy.publish({ k0: 1, k1: 1, k2: 1 });
    envoy.publish({ k0: 1, k1: 2, k2: 1 });
    expect(envoy.rejected).toEqual([idOf('k1')]);
    expect(envoy.route).toBe('[k0=1,k2=1]');
    expect(envoy.refusals).toBe(1);
  });

  it('S7: finds one among many by halving, in a few steps, and serves the others', () => {
    const envoy = new Envoy(has('k37'));
    envoy.publish(keys(64));
    expect(envoy.rejected).toEqual([idOf('k37')]);
    expect(envoy.route.split(',')).toHaveLength(63);
    expect(envoy.refusals).toBeLessThan(10);
    expect(envoy.routes.length).toBeLessThan(20);
  });

  it('finds every guilty one, whoever they are, and nobody else is left out', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.uniqueArray(fc.nat({ max: 19 })), fc.boolean(), (count, bad, wereThere) => {
        const guilty = bad.filter((index) => index < count).map((index) => `k${index}`);
        const envoy = new Envoy(has(...guilty.map((key) => `${key}=2`)));
        const [before, after] = [keys(count), keys(count)];
        for (const key of guilty) after[key] = 2;
        if (wereThere) envoy.publish(before);
        envoy.publish(after);
        expect(envoy.rejected).toEqual(guilty.map(idOf).sort());
        const good = Object.keys(after).filter((key) => !guilty.includes(key));
        expect(envoy.route).toBe(`[${good.map((key) => `${key}=1`).join(',')}]`);
      }),
      { numRuns: 100 },
    );
  });

  it('gives a trial to the one that changed last when the others are refused without it too', () => {
    const envoy = new Envoy(has('k0=1'));
    // The Envoy had nothing of k0 yet when k1 changed.
    envoy.publishOnly({ k0: 1, k1: 1 });
    envoy.publishOnly({ k0: 1, k1: 2 }, true);
    envoy.answerAll();
    expect(envoy.rejected).toEqual([idOf('k0')]);
    expect(envoy.route).toBe('[k1=2]');
  });

  it('suspects who is new first: who was accepted before stays served meanwhile, though it changed in the same moment', () => {
    const envoy = new Envoy(has('new=1'));
    envoy.publish({ k0: 1, k1: 1 });
    envoy.routes.length = 0;
    envoy.publish({ k0: 2, k1: 2, new: 1, other: 1 });
    expect(envoy.rejected).toEqual([idOf('new')]);
    expect(envoy.route).toBe('[k0=2,k1=2,other=1]');
    for (const route of envoy.routes) expect(route).toMatch(/k0=2,k1=2/);
  });

  it('suspects who was left out before and changed in the same way, and nobody who was accepted meanwhile', () => {
    const envoy = new Envoy(has('bad'));
    envoy.publish({ k0: 1, bad: 1 });
    envoy.publish({ k0: 2, k1: 1, bad: 1 });
    expect(envoy.rejected).toEqual([idOf('bad')]);
    envoy.routes.length = 0;
    envoy.publish({ k0: 3, k1: 2, bad: 2 });
    expect(envoy.rejected).toEqual([idOf('bad')]);
    // And another one, while that one is left out.
    envoy.publish({ k0: 3, k1: 2, bad: 2, 'bad-too': 1 });
    for (const route of envoy.routes) expect(route).toMatch(/k0=3,k1=2/);
    expect(envoy.rejected).toEqual([idOf('bad'), idOf('bad-too')].sort());
    // It was accepted before, and is to blame all the same.
    const other = new Envoy(has('k0=2'));
    other.publish({ k0: 1, k1: 1 });
    other.publish({ k0: 2, k1: 2, new: 1 });
    expect(other.rejected).toEqual([idOf('k0')]);
    expect(other.route).toBe('[k1=2,new=1]');
  });

  it('knows what was refused when it comes again before anything else was said: nobody else is blamed for it later', () => {
    const envoy = new Envoy(has('bad=1'));
    envoy.publish({ k0: 1, k1: 1 });
    envoy.publishOnly({ k0: 1, k1: 1, bad: 1 });
    envoy.refuseOne();
    expect(envoy.rejected).toEqual([idOf('bad')]);
    // It changed, and is as it was.
    envoy.publishOnly({ k0: 1, k1: 1, bad: 2 });
    envoy.publishOnly({ k0: 1, k1: 1, bad: 1 });
    expect(envoy.rejected).toEqual([idOf('bad')]);
    envoy.answerAll();
    envoy.publish({ k0: 2, k1: 2, bad: 1 });
    expect(envoy.rejected).toEqual([idOf('bad')]);
    expect(envoy.route).toBe('[k0=2,k1=2]');
  });

  it('knows it also where it went meanwhile, and nobody was told', () => {
    const envoy = new Envoy((content) => content === 'k1');
    envoy.publish({ k0: 1 });
    envoy.publishOnly({ k0: 1, k1: 1 });
    envoy.refuseOne();
    expect(envoy.rejected).toEqual([idOf('k1')]);
    // Its cluster is gone with it, and comes again as it was.
    envoy.publishOnly({ k0: 1, k1: 2 });
    expect(envoy.rejected).toEqual([idOf('k1')]);
    envoy.answerAll();
    expect(envoy.route).toBe('[k0=1]');
  });

  it('blames the intercept of a refused cluster too', () => {
    const envoy = new Envoy((content) => content === 'k1');
    envoy.publish({ k0: 1, k1: 1 });
    expect(envoy.rejected).toEqual([idOf('k1')]);
    expect(envoy.route).toBe('[k0=1]');
  });

  it('lets an intercept in again when it changes, and not before', () => {
    const envoy = new Envoy(has('k1=2'));
    envoy.publish({ k0: 1, k1: 2 });
    expect(envoy.rejected).toEqual([idOf('k1')]);
    const { refusals } = envoy;
    envoy.publish({ k0: 2, k1: 2 });
    expect(envoy).toMatchObject({ route: '[k0=2]', refusals, rejected: [idOf('k1')] });
    envoy.publish({ k0: 2, k1: 3 });
    expect(envoy).toMatchObject({ route: '[k0=2,k1=3]', rejected: [] });
  });

  it('forgets an intercept that is gone', () => {
    const envoy = new Envoy(has('k1=2'));
    envoy.publish({ k0: 1, k1: 2 });
    envoy.publish({ k0: 1 });
    expect(envoy.rejected).toEqual([]);
  });

  it('tells a refusal that nobody is to blame for, and that it is over', () => {
    let isRefusing = true;
    const envoy = new Envoy((content) => isRefusing && content === '[]');
    envoy.publish({});
    expect(envoy).toMatchObject({ rejected: ['nobody'], route: '' });
    isRefusing = false;
    envoy.publish({ k0: 1 });
    expect(envoy).toMatchObject({ rejected: [], route: '[k0=1]' });
  });
});

/** What is promised to every client, whoever wrote it: the same tests for each. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../until.ts';
import type { Headers } from '../world/grpc.ts';
import type { PodIdentity, World } from '../world/world.ts';

export const SERVICE = 'api';
/** The pod of the baseline, and that of preview `pr-1`, most of the time. */
export const FIRST_POD = 'api-1';
export const PREVIEW_POD = 'api-pr-1';

/** A world with one client, and pods that it can reach. */
export interface ClientBench {
  readonly world: World;
  /** Starts a pod of {@link SERVICE}; nothing tells the world of it yet. */
  readonly pod: (copy: string, name: string) => Promise<PodIdentity>;
  /** Writes the Service with its first pod. */
  readonly announce: (first: PodIdentity) => Promise<void>;
  /** One request by way of the client. @returns the copy that answered; it throws when none did */
  readonly ask: (headers: Headers) => Promise<string>;
}

/** Requests that go on for as long as it lives: what answered, and what failed. */
class Ongoing {
  readonly copies = new Set<string>();
  readonly failures: string[] = [];
  answered = 0;
  #over = false;
  readonly #loop: Promise<void>;

  constructor(ask: () => Promise<string>) {
    this.#loop = (async () => {
      while (!this.#over) {
        try {
          this.copies.add(await ask());
          this.answered++;
        } catch (error) {
          this.failures.push(`after ${this.answered} answers: ${String(error)}`);
        }
        // A pace that leaves the processors to what is tested.
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })();
  }

  async end(): Promise<void> {
    this.#over = true;
    await this.#loop;
  }
}

const KEY = { 'x-detour': 'pr-1' };
const USER = { 'x-user': 'alice' };
const ANNOTATIONS = { match: 'x-user=alice' };
const PAST = { expires: '2026-01-01T00:00:00Z' };

/** Further tests of one kind of client. */
export interface FurtherPromises {
  /** When the first pod serves and preview `pr-1` is live. */
  readonly inBetween: () => void;
  /** At the end. */
  readonly atTheEnd?: () => void;
  /** What the client's own code answers now and then, whatever the server does; a few are let pass. */
  readonly ownFault?: RegExp;
}

/** @param open with nothing announced yet */
export function clientPromises(who: string, open: () => Promise<ClientBench>, more?: FurtherPromises): void {
  // On a busy machine.
  describe(who, { timeout: 90_000 }, () => {
    let opened: ClientBench | undefined;
    let first: PodIdentity;
    let preview: PodIdentity;
    let plain: Ongoing;
    let keyed: Ongoing;

    const bench = (): ClientBench => {
      if (opened === undefined) throw new Error('The bench is not open.');
      return opened;
    };

    /** Waits until many requests in a row are answered by this copy and no other. */
    async function reaches(copy: string, headers: Headers, timeoutMs = 30_000): Promise<void> {
      await until(
        `${JSON.stringify(headers)} to reach ${copy}`,
        async () => {
          const answered = new Set(await Promise.all(Array.from({ length: 8 }, () => bench().ask(headers))));
          if (answered.size > 1 || !answered.has(copy)) throw new Error(`reached ${[...answered].join(', ')}`);
          return true;
        },
        timeoutMs,
      );
    }

    /** Counted by a control plane since it started. */
    async function expectNothingRefused(): Promise<void> {
      const metrics = await bench().world.plane.admin('/metrics');
      expect(metrics).toMatch(/^detour_xds_acks_total.* [1-9]/m);
      expect(metrics).not.toMatch(/^detour_xds_nacks_total.* [1-9]/m);
    }

    beforeAll(async () => {
      opened = await open();
      first = await bench().pod('baseline', FIRST_POD);
      preview = await bench().pod('pr-1', PREVIEW_POD);
      await bench().announce(first);
      await reaches('baseline', {});
      plain = new Ongoing(() => bench().ask({}));
      keyed = new Ongoing(() => bench().ask(KEY));
    }, 120_000);
    afterAll(async () => {
      await Promise.all([plain?.end(), keyed?.end()]);
      await opened?.world[Symbol.asyncDispose]();
    });

    test('the baseline answers whoever carries no key, or one that nobody has', async () => {
      await reaches('baseline', {});
      await reaches('baseline', KEY);
      await reaches('baseline', USER);
    });

    test('a key reaches its preview, however it is carried, and no other request does', async () => {
      await bench().world.preview({ key: 'pr-1', pods: [preview], annotations: ANNOTATIONS });
      await reaches('pr-1', KEY);
      await reaches('pr-1', { baggage: 'a=1,detour=pr-1' });
      await reaches('pr-1', { tracestate: 'detour=pr-1' });
      await reaches('baseline', { 'x-detour': 'pr-12' });
      await reaches('baseline', { baggage: 'detour=pr-12' });
      await reaches('baseline', {});
    });

    test('a header rule reaches the preview, and follows its change', async () => {
      await reaches('pr-1', USER);
      await reaches('baseline', { 'x-user': 'alice2' });
      await bench().world.preview({ key: 'pr-1', pods: [preview], annotations: { match: 'x-user=bob, x-team^=web-' } });
      await reaches('pr-1', { 'x-user': 'bob', 'x-team': 'web-1' });
      await reaches('baseline', { 'x-user': 'bob' });
      await reaches('baseline', USER);
      await bench().world.preview({ key: 'pr-1', pods: [preview], annotations: ANNOTATIONS });
      await reaches('pr-1', USER);
    });

    more?.inBetween();

    test('endpoints are followed, of the baseline and of a preview', async () => {
      const { world, pod } = bench();
      const [second, other] = [await pod('baseline-2', 'api-2'), await pod('pr-1b', 'api-pr-1b')];
      await world.endpoint(second);
      await world.noEndpoint(first);
      await reaches('baseline-2', {});
      await world.endpoint(first);
      await world.noEndpoint(second);
      await reaches('baseline', {});
      await world.preview({ key: 'pr-1', pods: [other], annotations: ANNOTATIONS });
      await world.noPreview([preview]);
      await reaches('pr-1b', KEY);
      await world.preview({ key: 'pr-1', pods: [preview], annotations: ANNOTATIONS });
      await world.noPreview([other]);
      await reaches('pr-1', KEY);
    });

    test('an intercept goes, and the baseline answers; it comes back, and the preview does', async () => {
      const { world } = bench();
      await world.preview({ key: 'pr-1', pods: [preview], annotations: { ...ANNOTATIONS, ...PAST } });
      await reaches('baseline', KEY);
      await reaches('baseline', USER);
      await world.noPreview([preview]);
      await world.read();
      await reaches('baseline', KEY);
      await world.preview({ key: 'pr-1', pods: [preview], annotations: ANNOTATIONS });
      await reaches('pr-1', KEY);
      await reaches('pr-1', USER);
    });

    test('it goes on while the control plane is dead, and follows it when it is back', async () => {
      const { world, pod } = bench();
      const third = await pod('baseline-3', 'api-3');
      await expectNothingRefused();
      await world.plane.kill();
      await reaches('baseline', {});
      await reaches('pr-1', KEY);
      await reaches('pr-1', USER);
      await world.preview({ key: 'pr-1', pods: [preview], annotations: { match: 'x-user=carol' } });
      await world.endpoint(third);
      await world.noEndpoint(first);
      await world.plane.start();
      // Clients try again at a pace of their own, which slows down; gRPC's may take as long again as the plane was away.
      await reaches('baseline-3', {}, 120_000);
      await reaches('pr-1', { 'x-user': 'carol' });
      await reaches('baseline-3', USER);
      await world.endpoint(first);
      await world.noEndpoint(third);
      await reaches('baseline', {});
      await reaches('pr-1', KEY);
    }, 240_000);

    test('no request failed or went astray in all that time', async () => {
      await Promise.all([plain.end(), keyed.end()]);
      const own = (failure: string): boolean => more?.ownFault?.test(failure) ?? false;
      const failures = [...plain.failures, ...keyed.failures];
      expect(failures.filter((failure) => !own(failure))).toEqual([]);
      expect(failures.filter(own).length).toBeLessThanOrEqual(3);
      expect([...plain.copies].toSorted()).toEqual(['baseline', 'baseline-2', 'baseline-3']);
      expect([...keyed.copies].filter((copy) => !copy.startsWith('baseline')).toSorted()).toEqual(['pr-1', 'pr-1b']);
      expect(Math.min(plain.answered, keyed.answered)).toBeGreaterThan(50);
    });

    test('nothing that it got was refused', expectNothingRefused);

    more?.atTheEnd?.();
  });
}

/** What `explain` says of a request is what real Envoys do with it. */
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explain } from '../../src/explain/explain.ts';
import type { Explanation } from '../../src/explain/explanation.ts';
import { bytesOf } from '../../src/explain/headers.ts';
import type { Intercept, PortModel } from '../../src/model/intercept.ts';
import type { InterceptId } from '../../src/model/names.ts';
import { until } from '../support/until.ts';
import { arbitraryCase, type GeneratedRequest } from './arbitrary-request.ts';
import { objectsOf } from './arbitrary-world.ts';
import { CARRIERS, type ExplainLab, type Observed, startExplainLab } from './explain-lab.ts';

const STATES = 60;
const REQUESTS = 2_000;
/** Ten runs of what is usual: what has not been seen by then is not there. */
const MOST_REQUESTS = 10 * REQUESTS;

/** What some request of every run comes to: the rarest is one in a few hundred, so more are drawn until each was seen. */
const KINDS: readonly RegExp[] = [
  /gateway: preview by key, answered by preview/,
  /gateway: preview by key, answered by baseline/,
  /gateway: preview by rule, answered by preview/,
  /gateway: preview by address/,
  /gateway: no-preview/,
  /gateway: preflight/,
  /^inbound: preview by key, answered by preview/m,
  /^inbound: preview by rule, answered by preview/m,
  /^inbound: preview by .*, answered by app/m,
  /inbound: app \(decided\)/,
  /own-inbound: app \(own\)/,
  /own-inbound: baseline/,
  /outbound: preview by key/,
  /outbound: preview by rule/,
  /answered by nobody/,
  /mirror by key/,
  /mirror by rule/,
];

let lab: ExplainLab;
beforeAll(async () => {
  lab = await startExplainLab();
});
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
});

describe('explain', () => {
  it('says what real Envoys do', async () => {
    const seen = new Map<string, number>();
    let states = 0;
    let requests = 0;
    const property = fc.asyncProperty(arbitraryCase, async ({ world, requests: batch }) => {
      await lab.enter(objectsOf(world, lab.ports));
      states += 1;
      requests += batch.length;
      const faults = await Promise.all(batch.map((request) => faultsOf(request, seen)));
      const told = faults.flat();
      if (told.length > 0) throw new Error(told.slice(0, 3).join('\n\n'));
    });
    await fc.assert(property, { numRuns: STATES, interruptAfterTimeLimit: 180_000, markInterruptAsFailure: true });
    const unseen = (): readonly RegExp[] => {
      const kinds = [...seen.keys()].join('\n');
      return KINDS.filter((kind) => !kind.test(kinds));
    };
    while (requests < REQUESTS || (unseen().length > 0 && requests < MOST_REQUESTS)) await fc.assert(property, { numRuns: 5 });
    expect(states).toBeGreaterThanOrEqual(STATES);
    // Agreement on nothing but baselines would prove little.
    expect(unseen()).toEqual([]);
  }, 240_000);
});

async function faultsOf(request: GeneratedRequest, seen: Map<string, number>): Promise<readonly string[]> {
  const door = lab.door(request.entrance);
  const asked = { ...request, ...(door.listener !== undefined && { listener: door.listener }) };
  const explanation = explain(lab.model, lab.scope(request.entrance), asked, { carriers: CARRIERS });
  if ('error' in explanation) return [explanation.error];
  const kind = `${request.entrance}: ${kindOf(explanation)}`;
  seen.set(kind, (seen.get(kind) ?? 0) + 1);
  const { observed, id } = await lab.ask(request);
  const faults = compare(explanation, observed, door.app);
  const mirror = await mirrorFault(explanation, observed, id);
  if (mirror !== undefined) faults.push(mirror);
  if (faults.length === 0) return [];
  const { arrival, status, headers, body } = observed;
  const evidence = { status, servedBy: headers['x-detour-served-by'], arrival: arrival ?? body };
  return [
    `${faults.join('; ')}\nrequest ${JSON.stringify(request)}\nexplained ${JSON.stringify(explanation)}\nobserved ${JSON.stringify(evidence)}`,
  ];
}

/** Said of a request whose answer was as it should be. */
function kindOf({ outcome, mirror }: Explanation): string {
  const copy = mirror === undefined ? '' : ` + mirror by ${mirror.via.by}`;
  if (outcome.kind === 'preview') return `preview by ${outcome.via.by}, answered by ${outcome.answeredBy}${copy}`;
  if (outcome.kind === 'app') return `app (${outcome.why})${copy}`;
  return `${outcome.kind}${copy}`;
}

function compare(explanation: Explanation, { status, headers, body, arrival }: Observed, app: string | undefined): string[] {
  const { outcome } = explanation;
  const faults: string[] = [];
  const hold = (what: string, actual: unknown, expected: unknown): void => {
    if (actual !== expected) faults.push(`${what} is ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`);
  };
  const place = placeOf(explanation, app);
  hold('status', status, place.status);
  if (place.ips === undefined) hold('the app', arrival?.ip, undefined);
  else if (!place.ips.includes(arrival?.ip ?? '')) faults.push(`the app is ${arrival?.ip}, not of ${place.ips}`);
  // Over TCP, nothing is read and nothing is written.
  if (outcome.kind === 'app' && outcome.why === 'unrouted') return faults;
  hold('x-detour-served-by', headers['x-detour-served-by'], explanation.servedBy);
  if (arrival !== undefined) {
    hold('x-detour-decided', arrival.headers['x-detour-decided'], explanation.decided);
    if (explanation.key !== undefined) hold('x-detour', arrival.headers['x-detour'], bytesOf(explanation.key.text));
  }
  if (outcome.kind === 'no-preview') {
    hold('the page', headers['content-type'], 'text/html; charset=utf-8');
    hold('its link', /href="([^"]*)"/.exec(body)?.[1], outcome.link === undefined ? undefined : `//${outcome.link}/`);
  }
  return faults;
}

interface Place {
  readonly status: number;
  readonly ips: readonly string[] | undefined;
}

const NOBODY: Place = { status: 503, ips: undefined };

function placeOf({ outcome, target }: Explanation, app: string | undefined): Place {
  switch (outcome.kind) {
    case 'preview':
      if (outcome.answeredBy === 'nobody') return NOBODY;
      if (outcome.answeredBy === 'app') return { status: 200, ips: [app ?? ''] };
      if (outcome.answeredBy === 'baseline') return baselineOf(target);
      return { status: 200, ips: interceptOf(outcome.intercept).endpoints.map(({ ip }) => ip) };
    case 'app':
      return { status: 200, ips: [app ?? ''] };
    case 'baseline':
      return outcome.answeredBy === 'nobody' ? NOBODY : baselineOf(target);
    case 'preflight':
      return { status: 204, ips: undefined };
    default:
      return { status: 404, ips: undefined };
  }
}

function baselineOf(target: Explanation['target']): Place {
  return { status: 200, ips: portOf(target).baseline.map(({ ip }) => ip) };
}

function portOf(target: Explanation['target']): PortModel {
  const ports = [...lab.model.services.values()].flatMap((service) => service.ports);
  const port = ports.find(({ key }) => key === target);
  if (port === undefined) throw new Error(`no port ${target}`);
  return port;
}

function interceptOf(id: InterceptId): Intercept {
  const intercepts = [...lab.model.services.values()].flatMap((service) => service.intercepts);
  const intercept = intercepts.find((each) => each.id === id);
  if (intercept === undefined) throw new Error(`no intercept ${id}`);
  return intercept;
}

/** Copies arrive by themselves, and at nobody else. */
async function mirrorFault({ mirror }: Explanation, { arrival }: Observed, id: string): Promise<string | undefined> {
  const intercept = mirror && interceptOf(mirror.intercept);
  const wanted = intercept === undefined || intercept.endpoints.length === 0 ? 0 : 1;
  const copies = (): number => lab.arrivals(id).length - (arrival === undefined ? 0 : 1);
  try {
    await until('copies', () => copies() >= wanted, 1_000);
  } catch {
    return `${copies()} copies arrived of ${wanted}`;
  }
  const stray = lab.arrivals(id).filter(({ ip }) => ip !== arrival?.ip && !intercept?.endpoints.some((each) => each.ip === ip));
  if (copies() !== wanted || stray.length > 0)
    return `${copies()} copies of ${wanted} arrived, also at ${stray.map(({ ip }) => ip)}`;
  return undefined;
}

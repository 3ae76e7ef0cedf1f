/** The demo's table: what is asked, what must come back, and whether it did. */
import type { Hop } from './hop.ts';
import type { DemoReply, DemoRequest } from './request.ts';
import { BASELINE, HOST, PATH } from './shop.ts';

export interface Row {
  /** What the reader is told. */
  readonly title: string;
  readonly request: DemoRequest;
  /** Pods of this copy lose their app before the request, or their app and their Envoy. */
  readonly kill?: { readonly copy: string; readonly what: 'app' | 'pod' };
  readonly expected: DemoReply;
}

/** The stamp where the baseline stood in for a preview that is not there. */
const FALLBACK = 'baseline; reason=preview-unavailable';

function ok(...hops: readonly (readonly [copy: string, servedBy?: string])[]): DemoReply {
  const told = hops.map(([copy, servedBy], index): Hop => {
    const service = PATH[index] ?? '';
    return servedBy === undefined ? { service, copy } : { service, copy, servedBy };
  });
  return { status: 200, hops: told };
}

const PR_42 = ok([BASELINE, 'baseline'], ['pr-42', 'pr-42'], [BASELINE, 'baseline']);
const FELL_BACK = ok([BASELINE, 'baseline'], [BASELINE, FALLBACK], [BASELINE, 'baseline']);
const ALL_BASELINE = ok([BASELINE, 'baseline'], [BASELINE, 'baseline'], [BASELINE, 'baseline']);

export const ROWS: readonly Row[] = [
  { title: 'no key', request: to(HOST), expected: ok([BASELINE], [BASELINE], [BASELINE]) },
  { title: 'x-detour: pr-42', request: to(HOST, { 'x-detour': 'pr-42' }), expected: PR_42 },
  { title: 'baggage: user=alice,detour=pr-42', request: to(HOST, { baggage: 'user=alice,detour=pr-42' }), expected: PR_42 },
  { title: 'tracestate: detour=pr-42', request: to(HOST, { tracestate: 'detour=pr-42' }), expected: PR_42 },
  { title: `http://pr-42--${HOST}/`, request: to(`pr-42--${HOST}`), expected: PR_42 },
  {
    title: 'x-detour: pr-7 (two services)',
    request: to(HOST, { 'x-detour': 'pr-7' }),
    expected: ok([BASELINE, 'baseline'], ['pr-7', 'pr-7'], ['pr-7', 'pr-7']),
  },
  { title: 'x-detour: pr-99 (there is none)', request: to(HOST, { 'x-detour': 'pr-99' }), expected: ALL_BASELINE },
  { title: `http://pr-99--${HOST}/`, request: to(`pr-99--${HOST}`), expected: { status: 404, hops: [] } },
  {
    title: 'x-detour: pr-42, its app killed',
    request: to(HOST, { 'x-detour': 'pr-42' }),
    kill: { copy: 'pr-42', what: 'app' },
    expected: FELL_BACK,
  },
  {
    title: 'x-detour: pr-42, its pod killed',
    request: to(HOST, { 'x-detour': 'pr-42' }),
    kill: { copy: 'pr-42', what: 'pod' },
    expected: FELL_BACK,
  },
];

function to(host: string, headers: DemoRequest['headers'] = {}): DemoRequest {
  return { host, headers };
}

/** undefined when the reply is what it must be, to the letter; else both, each on one line. */
export function mistake(expected: DemoReply, got: DemoReply): string | undefined {
  const [right, real] = [told(expected), told(got)];
  return right === real ? undefined : `expected  ${right}\n     got  ${real}`;
}

/** A reply on one line, with every copy and stamp. */
function told({ status, hops }: DemoReply): string {
  const path = hops.map(({ service, copy, servedBy }) => `${service} (${copy}, served by: ${servedBy ?? 'not said'})`);
  return [status, ...path].join(' → ');
}

/** What the admin endpoint sees of a running control plane, and what it makes of it. Reads only. */
import type { InterceptEngine } from '../intercepts/engine.ts';
import type { Carriers } from '../model/carriers.ts';
import type { Intercept, InterceptState } from '../model/intercept.ts';
import type { InterceptId } from '../model/names.ts';
import { PROBLEMS, type Problem, type ProblemCode, type Severity } from '../model/problem.ts';
import type { Source } from '../sources/source.ts';
import { interceptUrls } from '../translate/preview-urls.ts';
import { scopeKey, scopeOf } from '../translate/scope.ts';
import type { XdsServer } from '../xds/xds.ts';
import type { Condition } from './health.ts';
import { type InterceptReport, interceptReports, rejectionProblem, rejectionsById, stateOf } from './intercept-report.ts';

/** What the feed knows of its source. */
export interface SourceState {
  readonly synced: boolean;
  readonly trouble: string | undefined;
  /** How old what is served may be, in ms; 0 while the source is followed, undefined before it was read once. */
  readonly ageMs: number | undefined;
  readonly problems: readonly Problem[];
}

export interface ControlPlaneParts {
  readonly engine: InterceptEngine;
  readonly server: XdsServer;
  readonly source: Source;
  readonly sourceState: SourceState;
  readonly carriers: Carriers;
  readonly census: CensusView;
  readonly version: string;
  /** undefined: streams are in plaintext. */
  readonly tls?: TlsState | undefined;
  /** undefined: nothing is written into a cluster. */
  readonly status?: StatusState | undefined;
}

/** Envoys between this replica and others; both are told as they are. */
export interface CensusView {
  /** Anew. */
  look(): Promise<object>;
  attendance(): object;
}

/** The certificate that Envoys are shown. */
export interface TlsState {
  /** ms since the epoch. */
  readonly expiresAt: number;
  /** Why the newest files are not used. */
  readonly trouble: string | undefined;
}

/** What is known of what is written into the cluster. */
export interface StatusState {
  readonly isLeading: boolean;
  readonly isWell: boolean;
  /** How it is, in one sentence part. */
  describe(): string;
}

export interface ProblemReport extends Problem {
  readonly severity: Severity;
  readonly title: string;
}

export class ControlPlane {
  readonly parts: ControlPlaneParts;

  constructor(parts: ControlPlaneParts) {
    this.parts = parts;
  }

  /** Ready: Envoys may come, and get all of the world. */
  conditions(): readonly Condition[] {
    const { source, sourceState, server, status } = this.parts;
    const { synced, trouble, ageMs } = sourceState;
    const reading = synced ? 'is read, and followed' : 'is read for the first time';
    const kept = ageMs === undefined ? '' : `; what was read last is served, it is ${Math.round(ageMs / 1000)} s old`;
    return [
      // It listens before anything else starts: see app.ts.
      server.isDraining
        ? { name: 'xds', met: false, detail: `is stopping, and lets its ${server.proxies().length} streams go` }
        : { name: 'xds', met: true, detail: 'listens for Envoys' },
      { name: source.name, met: synced, detail: trouble === undefined ? reading : `${trouble}${kept}` },
      ...clockCondition(source.clockAheadMs?.()),
      ...tlsCondition(this.parts.tls),
      // Whatever keeps it from writing, it serves.
      ...(status === undefined ? [] : [{ name: 'status', met: true, detail: status.describe() }]),
    ];
  }

  get isReady(): boolean {
    return this.conditions().every(({ met }) => met);
  }

  /** @param options `withProxies`: receipts name the Envoys. */
  intercepts(isWanted: (intercept: Intercept) => boolean = () => true, { withProxies = false } = {}): readonly InterceptReport[] {
    const { engine, server } = this.parts;
    const gateways = new Map(
      server.proxies().flatMap(({ proxy }) => {
        if (proxy.role !== 'gateway') return [];
        const scope = scopeOf(proxy, engine.model);
        return [[scopeKey(scope), scope] as const];
      }),
    );
    const proxies = (id: InterceptId) => (withProxies ? { proxies: Object.fromEntries(server.holders(id)) } : {});
    return interceptReports({
      intercepts: engine.intercepts(),
      isWanted,
      rejections: server.rejections(),
      receipt: (id) => ({ ...server.receipt(id), ...proxies(id) }),
      urls: interceptUrls(engine.model, [...gateways.values()]),
    });
  }

  /** Of every state, those that no intercept is in too. */
  interceptsByState(): ReadonlyMap<InterceptState, number> {
    const { engine, server } = this.parts;
    const rejected = rejectionsById(server.rejections());
    const counts = new Map<InterceptState, number>(STATES.map((state) => [state, 0]));
    for (const intercept of engine.intercepts()) {
      const state = stateOf(intercept, rejected);
      counts.set(state, (counts.get(state) ?? 0) + 1);
    }
    return counts;
  }

  problems(): readonly ProblemReport[] {
    return [...this.plainProblems()].map((problem) => ({ ...PROBLEMS[problem.code], ...problem }));
  }

  problemsByCode(): ReadonlyMap<ProblemCode, number> {
    const counts = new Map<ProblemCode, number>();
    for (const { code } of this.plainProblems()) counts.set(code, (counts.get(code) ?? 0) + 1);
    return counts;
  }

  /** Of the source, of the model, and those that Envoys found. */
  *plainProblems(): Iterable<Problem> {
    const { engine, server, sourceState } = this.parts;
    yield* sourceState.problems;
    yield* engine.problems();
    const intercepts = new Map([...engine.intercepts()].map((intercept) => [intercept.id, intercept]));
    // Envoys of different scopes refuse the same for the same reason: it is told once.
    const told = new Map<string, Problem>();
    for (const rejection of server.rejections()) {
      const blamed = rejection.intercept === undefined ? undefined : intercepts.get(rejection.intercept);
      const problem = rejectionProblem(rejection, blamed);
      told.set(`${rejection.intercept ?? ''} ${problem.message}`, problem);
    }
    yield* told.values();
  }
}

/** ms; the source tells its time in seconds, and some time ago. */
const CLOCK_TOLERANCE = 2_000;

/** Nothing while the clock is right. It is no reason not to serve. */
function clockCondition(aheadMs: number | undefined): readonly Condition[] {
  if (aheadMs === undefined || Math.abs(aheadMs) <= CLOCK_TOLERANCE) return [];
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  const [side, when] = aheadMs > 0 ? ['ahead of', 'early'] : ['behind', 'late'];
  const detail = `is ${seconds} s ${side} the API server's: intercepts expire ${when} here; set the clock of this machine`;
  return [{ name: 'clock', met: true, detail }];
}

/** Nothing while all is well. It is no reason not to serve: another replica would have the same files. */
function tlsCondition(tls: TlsState | undefined): readonly Condition[] {
  if (tls?.trouble === undefined) return [];
  const detail = `${tls.trouble}; the certificate before it is used on, until ${new Date(tls.expiresAt).toISOString()}`;
  return [{ name: 'tls', met: true, detail }];
}

const STATES: readonly InterceptState[] = ['active', 'shadowed', 'expired', 'invalid', 'rejected'];

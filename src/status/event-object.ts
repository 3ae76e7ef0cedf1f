/** Events as Kubernetes stores them (core/v1; see docs/adr), and what of our own they say. */
import { parseInstant } from '../annotations/timestamp.ts';
import { FieldReader, type Fields } from '../model/field-reader.ts';
import { digest } from './digest.ts';
import type { Told } from './event-ledger.ts';
import type { EventTarget, Phase, Telling } from './fact.ts';

/** Who says so: `From` in `kubectl describe`. */
export const REPORTER = 'detour';

/** What an Event is about, as `kubectl describe` looks for it. */
export interface InvolvedObject extends EventTarget {
  readonly apiVersion: string;
  /** '' where it is not known: then only `kubectl get events` shows the Event. */
  readonly uid: string;
}

const TOPIC = 'detour.dev/topic';
const VERSION = 'detour.dev/version';
const PHASE = 'detour.dev/phase';
const TOLD_AT = 'detour.dev/told-at';
const ENDING = 'detour.dev/ending';

/** What Kubernetes' own recorders keep to. */
const MAX_MESSAGE = 1024;
/** With the digest within a name's 253. */
const MAX_NAME = 230;

/** The same on every replica and after every restart: whoever leads goes on with the Event that is there. */
export function eventName(involved: InvolvedObject, { fact, phase }: Telling): string {
  return `${involved.name.slice(0, MAX_NAME)}.${digest(involved.kind, involved.uid, fact.topic, phase)}`;
}

/** @param now ms since the epoch; `identity`: of this replica. */
export function newEvent(involved: InvolvedObject, telling: Telling, identity: string, now: number): Fields {
  const at = new Date(now).toISOString();
  // To the second: all that Kubernetes takes here.
  const seconds = `${at.slice(0, 19)}Z`;
  const { fact, phase, version } = telling;
  const isEnd = phase === 'ended';
  const { apiVersion, kind, namespace, name, uid } = involved;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: {
      namespace,
      name: eventName(involved, telling),
      annotations: {
        [TOPIC]: fact.topic,
        [VERSION]: version,
        [PHASE]: phase,
        [TOLD_AT]: at,
        ...(fact.ending === undefined ? {} : { [ENDING]: fact.ending }),
      },
    },
    involvedObject: { apiVersion, kind, namespace, name, ...(uid === '' ? {} : { uid }) },
    type: isEnd ? 'Normal' : fact.type,
    reason: isEnd ? (fact.ending ?? fact.reason) : fact.reason,
    message: cut(isEnd ? `No longer: ${fact.text}` : fact.text),
    source: { component: REPORTER },
    reportingComponent: REPORTER,
    reportingInstance: identity,
    firstTimestamp: seconds,
    lastTimestamp: seconds,
    count: 1,
  };
}

/** The Event that is there, told once more. */
export function repeatedEvent(existing: Fields, event: Fields): Fields {
  const read = new FieldReader();
  const before = read.map(existing['metadata'], 'metadata');
  const count = typeof existing['count'] === 'number' && existing['count'] > 0 ? existing['count'] : 1;
  return {
    ...event,
    metadata: { ...read.map(event['metadata'], 'metadata'), resourceVersion: before['resourceVersion'] },
    firstTimestamp: existing['firstTimestamp'] ?? event['firstTimestamp'],
    count: Math.min(count + 1, 2 ** 31 - 1),
  };
}

/** @returns undefined for an Event that is none of ours. */
export function readTold(event: Fields): Told | undefined {
  const read = new FieldReader();
  const metadata = read.map(event['metadata'], 'metadata');
  const annotations = read.map(metadata['annotations'], 'annotations');
  const involved = read.map(event['involvedObject'], 'involvedObject');
  const text = (value: unknown) => read.text(value, 'it');
  const topic = text(annotations[TOPIC]);
  const version = text(annotations[VERSION]);
  const phase = text(annotations[PHASE]);
  const at = parseInstant(text(annotations[TOLD_AT]));
  const ending = text(annotations[ENDING]);
  const fact = {
    target: { kind: text(involved['kind']), namespace: text(involved['namespace']), name: text(involved['name']) },
    topic,
    reason: text(event['reason']),
    type: event['type'] === 'Warning' ? 'Warning' : 'Normal',
    text: text(event['message']),
    version,
    ending: ending === '' ? undefined : ending,
    repeats: false,
  } as const;
  if (read.failed || topic === '' || version === '' || at === undefined || !isPhase(phase)) return undefined;
  return { fact, phase, version, at, uid: text(involved['uid']) || undefined };
}

function isPhase(text: string): text is Phase {
  return text === 'is' || text === 'ended';
}

function cut(text: string): string {
  return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE - 1).replace(/[\ud800-\udbff]$/, '')}…` : text;
}

/** What an API server asks of a webhook, and what it is answered: `admission.k8s.io/v1 AdmissionReview`. */
import { FieldReader, type Fields, isFields } from '../model/field-reader.ts';

export interface AdmissionRequest {
  readonly uid: string;
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  /** Of the object: `Pod`. */
  readonly kind: string;
  readonly namespace: string;
  /** Who asks the API server, as it says. */
  readonly user: string;
  /** It is only tried: nothing is stored. */
  readonly dryRun: boolean;
  /** As it is to be. */
  readonly object: Fields;
  /** As it was; {} where it is new. */
  readonly oldObject: Fields;
}

export interface Verdict {
  readonly allowed: boolean;
  /** Why not. */
  readonly message?: string | undefined;
  /** A JSON patch. */
  readonly patch?: readonly object[] | undefined;
  /** What whoever applies it is told. */
  readonly warnings?: readonly string[] | undefined;
}

/** @param review as JSON has it. @returns what is wrong with it, where it is no such thing. */
export function readReview(review: unknown): AdmissionRequest | { readonly mistake: string } {
  const read = new FieldReader();
  const fields = read.map(review, 'body');
  if (fields['apiVersion'] !== 'admission.k8s.io/v1' || fields['kind'] !== 'AdmissionReview')
    return { mistake: 'must be an AdmissionReview of admission.k8s.io/v1' };
  const request = read.map(fields['request'], 'request');
  const kind = read.map(request['kind'], 'request.kind');
  const isSomething = (text: string): boolean => text !== '';
  const found: AdmissionRequest = {
    uid: read.name(request['uid'], 'request.uid', isSomething, 'a uid'),
    operation: read.choice(request['operation'], 'request.operation', ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'], 'CREATE'),
    kind: read.name(kind['kind'], 'request.kind.kind', isSomething, 'a kind'),
    namespace: read.text(request['namespace'], 'request.namespace'),
    user: read.text(read.map(request['userInfo'], 'request.userInfo')['username'], 'request.userInfo.username'),
    dryRun: read.flag(request['dryRun'], 'request.dryRun', false),
    object: read.map(request['object'], 'request.object'),
    oldObject: read.map(request['oldObject'], 'request.oldObject'),
  };
  return read.failed ? { mistake: read.describe() } : found;
}

/** Longer ones the API server cuts, and all of them beyond 4096 characters. */
const LONGEST_WARNING = 1_000;

/** An AdmissionReview, for JSON. */
export function reviewOf({ uid }: Pick<AdmissionRequest, 'uid'>, verdict: Verdict): object {
  const { allowed, message, patch = [], warnings = [] } = verdict;
  const text = Buffer.from(JSON.stringify(patch)).toString('base64');
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: {
      uid,
      allowed,
      ...(message !== undefined && { status: { code: 422, reason: 'Invalid', message } }),
      ...(patch.length > 0 && { patchType: 'JSONPatch', patch: text }),
      ...(warnings.length > 0 && { warnings: warnings.map((each) => each.slice(0, LONGEST_WARNING)) }),
    },
  };
}

/** Name and namespace of the request's object, before it has them itself. */
export function placeOf({ namespace, object }: AdmissionRequest): { readonly namespace: string; readonly name: string } {
  const metadata = isFields(object['metadata']) ? object['metadata'] : {};
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const generated = text(metadata['generateName']).replace(/[-.]+$/, '');
  return { namespace: namespace || text(metadata['namespace']) || 'default', name: text(metadata['name']) || generated };
}

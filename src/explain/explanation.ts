/** What one Envoy does with one request, and why. */
import type { CarrierPolicy } from '../model/carriers.ts';
import type { InterceptId, ServicePortKey } from '../model/names.ts';
import type { Alternative } from '../model/rule.ts';
import type { KeySource } from './key.ts';

/** One request as it reaches the Envoy. */
export interface ExplainedRequest {
  /** For a sidecar: which of its listeners. A port is one of those that the world connects to. */
  readonly listener?: { readonly kind: 'inbound'; readonly port: number } | { readonly kind: 'outbound' };
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** In order; `host` is one of them. Those that Envoy adds by itself (`x-request-id`, `x-forwarded-*`) as they come in. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

export interface Explanation {
  readonly hop: 'gateway' | 'inbound' | 'outbound';
  readonly key: FoundKey | undefined;
  /** What the gateway makes of carriers; absent: they count as they come. */
  readonly carriers?: CarrierPolicy['kind'];
  /** The Service port that the request is for; undefined where the Envoy knows none. */
  readonly target: ServicePortKey | undefined;
  readonly outcome: Outcome;
  /** Gets a copy of the request. */
  readonly mirror: Mirror | undefined;
  /** `x-detour-served-by` of the reply; undefined: the header is not there. */
  readonly servedBy: string | undefined;
  /** `x-detour-decided`, as the copy that answers sees it. */
  readonly decided: string | undefined;
  /** Every other intercept of the Service port, by id. */
  readonly losers: readonly Loser[];
}

export interface FoundKey {
  readonly text: string;
  readonly source: KeySource;
  /** Whether any live preview has this key. */
  readonly live: boolean;
}

/** Why an intercept was chosen. */
export type Via = { readonly by: 'key' | 'address' } | { readonly by: 'rule'; readonly alternative: Alternative };

export type Outcome =
  | {
      readonly kind: 'preview';
      readonly intercept: InterceptId;
      readonly via: Via;
      /** 1..100 of such requests go there, the others to `otherwise`. */
      readonly percent: number;
      readonly otherwise: 'baseline' | 'app';
      /** Who answers, as far as endpoints are known to be ready; `nobody`: 503. */
      readonly answeredBy: 'preview' | 'baseline' | 'app' | 'nobody';
    }
  | { readonly kind: 'baseline'; readonly answeredBy: 'baseline' | 'nobody' }
  /** The app of the pod itself; `intercept`: it is the preview that the request is for. */
  | {
      readonly kind: 'app';
      readonly why: 'baseline' | 'decided' | 'own' | 'unrouted';
      readonly intercept?: InterceptId;
      readonly via?: Via;
    }
  /** 404 with a page: no such preview is live. */
  | { readonly kind: 'no-preview'; readonly key: string /** Host and port. */; readonly link: string | undefined }
  /** 403 with a page: a preview's URL, and no signed key of it. */
  | { readonly kind: 'unsigned'; readonly key: string }
  /** 303 to the same URL without the signed key in its query, and a cookie that has it. */
  | { readonly kind: 'cookie'; readonly key: string }
  /** 204: a browser asks whether it may send a carrier. */
  | { readonly kind: 'preflight' }
  /** A captured request to what has no live intercept: it goes, as it is, where it was sent. */
  | { readonly kind: 'onward' }
  /** 404: Envoy knows no such host or path. */
  | { readonly kind: 'unknown'; readonly what: 'host' | 'path' };

export interface Mirror {
  readonly intercept: InterceptId;
  readonly via: Via;
  readonly percent: number;
}

export interface Loser {
  readonly intercept: InterceptId;
  readonly code: 'no-match' | 'beaten' | 'shadowed' | 'expired' | 'invalid' | 'rejected';
  /** A sentence. */
  readonly reason: string;
}

/** What the author of a preview says about it. */
import type { AnnotationName } from '../annotations/keys.ts';
import type { Labels } from './selector.ts';

export interface EnvEntry {
  readonly name: string;
  readonly value: string;
}

export type ImageChoice =
  | { readonly kind: 'image'; readonly image: string }
  /** `template`: see `imageOfCommit`. */
  | { readonly kind: 'commit'; readonly commit: string; readonly template: string };

/** A Service of the baseline's own namespace. */
export interface Stand {
  readonly service: string;
  /** Name or number; undefined: all HTTP ports. */
  readonly port: string | undefined;
}

export interface CopyOptions {
  readonly key: string;
  /** What it stands in for; at least one. */
  readonly standsInFor: readonly Stand[];
  /** undefined: made of the workload's name and the key, always the same one. */
  readonly name: string | undefined;
  /** undefined: the baseline's own. */
  readonly image: ImageChoice | undefined;
  /** Whose image and variables change; undefined: it is found out. */
  readonly container: string | undefined;
  readonly env: readonly EnvEntry[];
  readonly replicas: number;
  /** ms since the epoch; undefined: never. */
  readonly expiresAt: number | undefined;
  /** Only with `expiresAt`: whether the control plane also deletes the copy then. */
  readonly deleteWhenExpired: boolean;
  /** Other annotations of the preview, by name without the prefix. */
  readonly annotations: Readonly<
    Partial<Record<Extract<AnnotationName, 'match' | 'mode' | 'percent' | 'when-unavailable'>, string>>
  >;
  /** More labels, for the workload and its pods. */
  readonly labels: Labels;
}

export const DEFAULT_COPY = {
  name: undefined,
  image: undefined,
  container: undefined,
  env: [],
  replicas: 1,
  expiresAt: undefined,
  deleteWhenExpired: true,
  annotations: {},
  labels: {},
} as const satisfies Omit<CopyOptions, 'key' | 'standsInFor'>;

/** Why there is no copy: a sentence that says what is wrong, and one that says the fix. */
export interface CopyFault {
  readonly message: string;
  readonly hint: string;
}

/**
 * The closed catalogue of problems. A problem is a user's mistake, or a conflict, as a value: reported, never thrown.
 * `docs/problems.md` is checked against this table.
 */
import type { InterceptId, ObjectKey } from './names.ts';

/**
 * `error`: what the subject asks for is not served. `warning`: it is served, not as its author may think.
 * `notice`: nothing is wrong; somebody should know.
 */
export type Severity = 'error' | 'warning' | 'notice';

export const PROBLEMS = {
  InvalidObject: { severity: 'error', title: 'The object cannot be read.' },
  DuplicateObject: { severity: 'error', title: 'The object is declared twice; the first one counts.' },
  SourceUnavailable: { severity: 'error', title: 'The source of objects cannot be read; what it said last is still served.' },
  AnnotationTooLarge: { severity: 'error', title: 'The detour.dev/ annotations are larger than any use of them needs.' },
  UnknownAnnotation: { severity: 'warning', title: 'No such detour.dev/ annotation or label; it has no effect.' },
  MisplacedAnnotation: { severity: 'warning', title: 'This detour.dev/ annotation belongs on another kind of object.' },
  InvalidKey: { severity: 'error', title: 'The detour.dev/preview label is no valid key.' },
  MissingIntercept: { severity: 'error', title: 'A preview label without a detour.dev/intercept annotation.' },
  InvalidTarget: { severity: 'error', title: 'The intercept annotation cannot be read.' },
  UnknownService: { severity: 'error', title: 'There is no such Service to stand in for.' },
  UnknownPort: { severity: 'error', title: 'The Service, or the pod, has no such port.' },
  PortNotHttp: { severity: 'error', title: 'The port does not speak HTTP: it cannot be routed by header.' },
  ExternalName: { severity: 'error', title: 'An ExternalName Service cannot be intercepted.' },
  InvalidValue: { severity: 'error', title: 'The annotation has a value that it does not take.' },
  InvalidRule: { severity: 'error', title: 'The match annotation cannot be read.' },
  RuleTooBroad: { severity: 'error', title: "The rule could take everybody's traffic." },
  RegexInvalid: { severity: 'error', title: 'RE2 refuses the regular expression.' },
  RegexTooCostly: { severity: 'error', title: 'The regular expression costs too much.' },
  NamespaceNotAllowed: { severity: 'error', title: 'The Service does not allow intercepts from this namespace.' },
  HeaderNotAllowed: { severity: 'error', title: 'The Service does not allow rules on this header.' },
  ModeNotAllowed: { severity: 'error', title: 'The Service does not allow this mode.' },
  Expired: { severity: 'error', title: 'The intercept has expired.' },
  DuplicateKey: { severity: 'error', title: 'Another preview with this key stands in for the same Service port.' },
  Shadowed: { severity: 'warning', title: 'Requests that match this rule go to another preview first.' },
  Shadows: { severity: 'notice', title: 'This intercept takes precedence over another.' },
  PreviewInBaseline: { severity: 'warning', title: "The baseline Service's selector also matches the preview's pods." },
  NoReadyPods: { severity: 'warning', title: 'The preview has no ready pod.' },
  NoEndpoints: { severity: 'warning', title: 'The Service has no endpoints.' },
  InvalidHost: { severity: 'error', title: 'The host is no DNS name.' },
  HostTaken: { severity: 'error', title: 'An older Service of another namespace owns the host.' },
  DuplicateHost: { severity: 'error', title: 'Another Service already serves this host and path.' },
  NoPreviewUrl: { severity: 'warning', title: 'There can be no preview URL for this host.' },
  NotInjected: { severity: 'warning', title: 'The pod gets no sidecar.' },
  Rejected: { severity: 'error', title: 'Envoy refused the configuration that this intercept makes.' },
} as const satisfies Record<string, { readonly severity: Severity; readonly title: string }>;

export type ProblemCode = keyof typeof PROBLEMS;

export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEMS, code);
}

export interface Subject {
  readonly kind: 'Pod' | 'Service' | 'EndpointSlice' | 'File';
  /** `namespace/name`; for a file, its path below the source's directory. */
  readonly key: ObjectKey | string;
}

export interface Problem {
  readonly code: ProblemCode;
  readonly subject: Subject;
  /** The intercept that it is about, where there is one. */
  readonly intercept?: InterceptId;
  /** A sentence that names the thing: what is wrong. */
  readonly message: string;
  /** A sentence that says the fix; '' where there is none to give. */
  readonly hint: string;
}

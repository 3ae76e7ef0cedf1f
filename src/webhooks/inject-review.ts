/** The mutating webhook: a pod that is about to be made gets its sidecar. */
import { injectPod } from '../inject/inject-pod.ts';
import type { InjectSettings } from '../inject/settings.ts';
import { type AdmissionRequest, placeOf, type Verdict } from './admission-review.ts';
import { problemText } from './problem-text.ts';

export interface InjectVerdict extends Verdict {
  readonly outcome: 'injected' | 'unfit' | 'left';
}

/**
 * Every pod is let through. That it opted in, the API server has seen: it asks for no others.
 * @param isRestricted whether the API server says that the pod's namespace refuses the init step
 */
export function reviewInjection(request: AdmissionRequest, isRestricted: boolean, settings: InjectSettings): InjectVerdict {
  if (request.kind !== 'Pod' || request.operation !== 'CREATE') return { allowed: true, outcome: 'left' };
  const { outcome, patch, problems } = injectPod(request.object, { ...placeOf(request), isRestricted }, settings);
  return { allowed: true, outcome, patch, warnings: problems.map(problemText) };
}

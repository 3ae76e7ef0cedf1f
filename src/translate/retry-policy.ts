import type { RouteRetryPolicy } from '../generated/envoy.d.ts';
import { UNAVAILABLE_HEADER } from '../model/carriers.ts';

import { constant } from '../model/constant.ts';
/**
 * For captured requests that go on to where they were going. A pod that ends may have a sidecar that still holds
 * connections when its app takes none: what it says it could not hand over is sent again, and lands where a new
 * connection leads.
 */
export const ONWARD_RETRY_POLICY: RouteRetryPolicy = {
  retry_on: 'retriable-headers',
  retriable_headers: [{ name: UNAVAILABLE_HEADER, present_match: true }],
  num_retries: 3,
  retry_back_off: { base_interval: '0.001s', max_interval: '0.01s' },
};

/**
 * For virtual hosts with previews: two attempts on pods of the preview, then the fallback's turn. Only what the app
 * behind it never saw is sent again (design, section 3, "Preview cluster").
 */
export const RETRY_POLICY: RouteRetryPolicy = constant({
  retry_on: 'connect-failure,refused-stream,retriable-headers',
  retriable_headers: [{ name: UNAVAILABLE_HEADER, present_match: true }],
  num_retries: 3,
  retry_priority: {
    name: 'envoy.retry_priorities.previous_priorities',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig',
      update_frequency: 2,
    },
  },
  retry_host_predicate: [
    {
      name: 'envoy.retry_host_predicates.previous_hosts',
      typed_config: { '@type': 'type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate' },
    },
  ],
  host_selection_retry_max_attempts: 5,
  // The next pod is another one: there is nothing to wait for.
  retry_back_off: { base_interval: '0.001s', max_interval: '0.01s' },
});

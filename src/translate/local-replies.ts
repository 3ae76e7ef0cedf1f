/** Replies that Envoy makes itself, because nobody answered. */
import type { LocalReplyConfig } from '../generated/envoy.d.ts';
import { UNAVAILABLE_HEADER } from '../model/carriers.ts';
import { OWN_METADATA, setHeader } from './routes.ts';

/**
 * No connection (UF) or no endpoint (UH): what the route says of it is put under Envoy's own words.
 * @param tellCaller an inbound sidecar tells the caller that its app never saw the request (design, section 3).
 */
export function localReplies(tellCaller: boolean): LocalReplyConfig {
  return {
    mappers: [
      {
        filter: { response_flag_filter: { flags: ['UF', 'UH'] } },
        body_format_override: {
          text_format_source: { inline_string: `%LOCAL_REPLY_BODY%%METADATA(ROUTE:${OWN_METADATA}:unavailable)%` },
          omit_empty_values: true,
        },
        ...(tellCaller && { headers_to_add: [setHeader(UNAVAILABLE_HEADER, 'true')] }),
      },
    ],
  };
}

/** What a question for an explanation names: `to` and `listener` of `/api/explain`, and the flags of these names. */
import type { ExplainedRequest } from '../explain/explanation.ts';
import { isDnsLabel } from '../model/names.ts';

export type ExplainTarget =
  | { readonly kind: 'url'; readonly host: string; readonly path: string }
  | {
      readonly kind: 'service';
      readonly service: string;
      /** undefined: that of the caller. */
      readonly namespace: string | undefined;
      readonly port: string | undefined;
    };

const URL_BEGINS = /^https?:\/\//i;
const SERVICE = /^(?<service>[^./:]+)(?:\.(?<namespace>[^./:]+)(?:\.svc(?:\.cluster\.local)?)?)?(?::(?<port>\d{1,5}))?$/;

/** @returns undefined: it is neither a URL nor a Service. */
export function readExplainTarget(to: string): ExplainTarget | undefined {
  if (URL_BEGINS.test(to)) {
    if (!URL.canParse(to)) return undefined;
    const url = new URL(to);
    return { kind: 'url', host: url.host, path: url.pathname + url.search };
  }
  const { service = '', namespace, port } = SERVICE.exec(to)?.groups ?? {};
  if (!isDnsLabel(service) || (namespace !== undefined && !isDnsLabel(namespace))) return undefined;
  return { kind: 'service', service, namespace, port };
}

/** @returns undefined: it is neither `outbound` nor `inbound:PORT`. */
export function readExplainListener(text: string): ExplainedRequest['listener'] {
  if (text === 'outbound') return { kind: 'outbound' };
  const port = /^inbound:(?<port>\d+)$/.exec(text)?.groups?.['port'];
  return port === undefined ? undefined : { kind: 'inbound', port: Number(port) };
}

/** How one gets to a preview with curl: by the header, at the host or the address that the baseline has. */
import type { InterceptView } from '../control-plane/reports.ts';

/** @param header that carries the key; '' where it is not known */
export function curlLines(intercepts: readonly InterceptView[], header: string): readonly string[] {
  return [
    ...new Set(
      intercepts.flatMap(({ key, target, baselineUrls }) => {
        const urls = baselineUrls.length > 0 ? baselineUrls.slice(0, 1) : [serviceUrl(target)];
        return urls.map((url) => (header === '' ? '' : `curl -H '${header}: ${key}' ${url}`));
      }),
    ),
  ].filter((line) => line !== '');
}

/** `shop/api:80` → from within the cluster. */
function serviceUrl(target: string): string {
  const { namespace, service, port } = /^(?<namespace>[^/]+)\/(?<service>[^:]+):(?<port>\d+)$/.exec(target)?.groups ?? {};
  return `http://${service}.${namespace}${port === '80' ? '' : `:${port}`}/`;
}

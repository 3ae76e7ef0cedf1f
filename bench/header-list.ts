/** What one would write by hand: a route for each preview that compares the header, one after the other, then the baseline. */
import { directResponse, previewKey } from './replies.ts';

/** A bootstrap without `admin`, listening on `port`, with `previews` previews of one service. */
export function headerListConfig(port: number, previews: number): object {
  const routes = Array.from({ length: previews }, (_, index) => ({
    match: { prefix: '/', headers: [{ name: 'x-detour', string_match: { exact: previewKey(index) } }] },
    direct_response: directResponse(previewKey(index)),
  }));
  const manager = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'list',
    route_config: {
      virtual_hosts: [
        {
          name: 'shop',
          domains: ['shop.example.com'],
          routes: [...routes, { match: { prefix: '/' }, direct_response: directResponse('baseline') }],
        },
      ],
    },
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
      },
    ],
  };
  return {
    static_resources: {
      listeners: [
        {
          name: 'list',
          address: { socket_address: { address: '127.0.0.1', port_value: port } },
          filter_chains: [{ filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] }],
        },
      ],
    },
  };
}

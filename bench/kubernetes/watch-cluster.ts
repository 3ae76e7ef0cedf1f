/**
 * The least that anybody who follows a cluster has to do: watches EndpointSlices and preview pods, and parses the
 * events. `node watch-cluster.ts KUBECONFIG`; prints `watching`, then for each event its resourceVersion and the moment.
 */
import { HttpApiClient, isFailure } from '../../src/kubernetes/api-client.ts';
import { kubeconfigAccess } from '../../src/kubernetes/kubeconfig.ts';
import { LineSplitter } from '../../src/sources/kubernetes/line-splitter.ts';
import { pathOf, WATCHED_RESOURCES } from '../../src/sources/kubernetes/resources.ts';
import { monotonicMs, say } from './messages.ts';

interface Event {
  readonly type: string;
  readonly object: { readonly metadata: { readonly resourceVersion: string } };
}

const [file = ''] = process.argv.slice(2);
const client = new HttpApiClient(
  kubeconfigAccess({ files: [file], context: undefined, environment: process.env, now: Date.now }),
);
const { signal } = new AbortController();
process.stdin.resume().on('end', () => process.exit(0));

async function follow(body: AsyncIterable<Buffer>): Promise<void> {
  const lines = new LineSplitter();
  for await (const chunk of body) {
    for (const line of lines.push(chunk)) {
      const { type, object } = JSON.parse(line) as Event;
      if (type !== 'BOOKMARK') say({ event: object.metadata.resourceVersion, at: monotonicMs() });
    }
  }
}

const bodies = await Promise.all(
  WATCHED_RESOURCES.map(async (resource) => {
    const labelSelector = resource.label === '' ? undefined : resource.label;
    const list = {
      path: pathOf({ resource, namespace: undefined }),
      query: { limit: 1, labelSelector },
      resource: resource.name,
      signal,
    };
    const answer = await client.get(list);
    if (isFailure(answer)) throw new Error(answer.reason);
    const chunks: Buffer[] = [];
    for await (const chunk of answer.body) chunks.push(chunk);
    const { metadata } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Event['object'];
    const query = { watch: 'true', resourceVersion: metadata.resourceVersion, labelSelector };
    const watch = await client.get({ ...list, query });
    if (isFailure(watch)) throw new Error(watch.reason);
    return watch.body;
  }),
);
say({ watching: bodies.length });
await Promise.all(bodies.map(follow));

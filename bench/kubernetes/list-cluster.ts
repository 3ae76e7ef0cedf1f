/**
 * The least that anybody who reads a cluster has to do: lists what Detour watches, page by page, parses it, and keeps
 * nothing. `node list-cluster.ts KUBECONFIG`; prints how many objects there were, and stays until its input ends.
 */
import { HttpApiClient, isFailure } from '../../src/kubernetes/api-client.ts';
import { kubeconfigAccess } from '../../src/kubernetes/kubeconfig.ts';
import { pathOf, WATCHED_RESOURCES } from '../../src/sources/kubernetes/resources.ts';
import { say } from './messages.ts';

const [file = ''] = process.argv.slice(2);
const client = new HttpApiClient(
  kubeconfigAccess({ files: [file], context: undefined, environment: process.env, now: Date.now }),
);
const { signal } = new AbortController();
let objects = 0;
let bytes = 0;

/** Side by side, as Detour asks for them. */
await Promise.all(
  WATCHED_RESOURCES.map(async (resource) => {
    for (let token: string | undefined; ; ) {
      const query = { limit: 500, continue: token, labelSelector: resource.label === '' ? undefined : resource.label };
      const path = pathOf({ resource, namespace: undefined });
      const answer = await client.get({ path, query, resource: resource.name, signal });
      if (isFailure(answer)) throw new Error(answer.reason);
      const chunks: Buffer[] = [];
      for await (const chunk of answer.body) chunks.push(chunk);
      const text = Buffer.concat(chunks);
      bytes += text.length;
      const page = JSON.parse(text.toString('utf8')) as { items: unknown[]; metadata: { continue?: string } };
      objects += page.items.length;
      token = page.metadata.continue;
      if (token === undefined || token === '') return;
    }
  }),
);
say({ objects, bytes });
process.stdin.resume().on('end', () => process.exit(0));

/**
 * The least that anybody who reads a cluster has to do: lists what Detour watches, page by page, parses it, and keeps
 * nothing. `node list-cluster.ts KUBECONFIG MEDIA-TYPE LIMIT`; prints how many objects there were, and stays until its input ends.
 */
import { HttpApiClient, isFailure } from '../../src/kubernetes/api-client.ts';
import { kubeconfigAccess } from '../../src/kubernetes/kubeconfig.ts';
import { readPage } from '../../src/sources/kubernetes/page.ts';
import { pathOf, WATCHED_RESOURCES } from '../../src/sources/kubernetes/resources.ts';
import { say } from './messages.ts';

const [file = '', accept = 'application/json', limit = '500'] = process.argv.slice(2);
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
      const query = { limit: Number(limit), continue: token, labelSelector: resource.label === '' ? undefined : resource.label };
      const path = pathOf({ resource, namespace: undefined });
      const answer = await client.get({ path, query, resource: resource.name, signal, accept });
      if (isFailure(answer)) throw new Error(answer.reason);
      const chunks: Buffer[] = [];
      for await (const chunk of answer.body) chunks.push(chunk);
      const encoded = Buffer.concat(chunks);
      bytes += encoded.length;
      const page = readPage(encoded, answer.contentType, resource);
      if (isFailure(page)) throw new Error(page.reason);
      // Those of protobuf are read meanwhile.
      for (const _ of page.items) objects += 1;
      token = page.next;
      if (token === undefined) return;
    }
  }),
);
say({ objects, bytes });
process.stdin.resume().on('end', () => process.exit(0));

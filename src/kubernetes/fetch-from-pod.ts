/** One GET to a port of a pod, through the API server. */
import type http from 'node:http';
import type { Access } from './access.ts';
import { isFailure, reasonOf } from './api-client.ts';
import { type Failure, malformed, unreachable } from './failure.ts';
import { dialPod, type PodAddress } from './port-forward.ts';

/** Not by `import`: that evaluates all that it exports, a WebSocket client too, and takes 30 ms of every start. */
const { get } = process.getBuiltinModule('node:http');

export interface PodAnswer {
  readonly status: number;
  readonly body: string;
}

const ANSWER_MS = 15_000;
const MAX_BYTES = 64 * 1024 * 1024;

/** @param path with its query */
export async function fetchFromPod(
  access: Access,
  to: PodAddress,
  path: string,
  signal: AbortSignal,
): Promise<PodAnswer | Failure> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
  const connection = await dialPod(access, to, within);
  if (isFailure(connection)) return connection;
  try {
    return await new Promise<PodAnswer | Failure>((resolve, reject) => {
      const headers = { host: 'localhost', accept: 'application/json', 'user-agent': 'detour' };
      const request = get({ path, headers, createConnection: () => connection, signal: within }, (response) => {
        read(response).then(resolve, reject);
      });
      request.on('error', reject);
    });
  } catch (error) {
    const why = within.aborted && !signal.aborted ? `no answer for ${ANSWER_MS / 1000} s` : reasonOf(error);
    return unreachable(`pod ${to.namespace}/${to.pod} does not answer on port ${to.port}: ${why}`);
  } finally {
    connection.destroy();
  }
}

async function read(response: http.IncomingMessage): Promise<PodAnswer | Failure> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_BYTES) return malformed(`the answer is larger than ${MAX_BYTES / 1024 / 1024} MiB`);
  }
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') };
}

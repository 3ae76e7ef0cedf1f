/** One request of the demo, and what came back. */
import { request } from 'node:http';
import type { Hop } from './hop.ts';

export interface DemoRequest {
  readonly host: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface DemoReply {
  readonly status: number;
  /** Empty when no app of the shop answered. */
  readonly hops: readonly Hop[];
}

/** @throws when nothing answers at `port`, or not within the time limit. */
export function ask(port: number, { host, headers }: DemoRequest, timeoutMs = 10_000): Promise<DemoReply> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const call = request({ host: '127.0.0.1', port, headers: { host, ...headers }, agent: false, signal }, (reply) => {
      let text = '';
      reply.setEncoding('utf8');
      reply.on('data', (chunk: string) => {
        text += chunk;
      });
      reply.on('error', reject);
      reply.on('end', () => {
        const servedBy = reply.headers['x-detour-served-by'];
        const stamp = servedBy === undefined ? {} : { servedBy: String(servedBy) };
        const [first, ...rest] = reply.headers['content-type'] === 'application/json' ? hopsOf(text) : [];
        resolve({ status: reply.statusCode ?? 0, hops: first === undefined ? [] : [{ ...first, ...stamp }, ...rest] });
      });
    });
    call.on('error', reject);
    call.end();
  });
}

function hopsOf(text: string): readonly Hop[] {
  // What is JSON comes from the shop's own apps.
  return (JSON.parse(text) as { readonly hops: readonly Hop[] }).hops;
}

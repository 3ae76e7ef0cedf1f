/**
 * The load generator, a process of its own: kept-alive HTTP/1.1 connections with one request under way on each, as
 * cheap as Node can be. It checks the status of every reply and the body of it.
 *
 *   node bench/generator.ts '{"port":…,"connections":32,"ms":2000,"headers":{…},"body":"pr-1"}'   prints a GeneratorReport
 */
import { connect } from 'node:net';

export interface GeneratorOrder {
  readonly port: number;
  readonly connections: number;
  readonly ms: number;
  readonly headers: Readonly<Record<string, string>>;
  /** What every reply's body has to be. */
  readonly body: string;
}

export interface GeneratorReport {
  readonly requests: number;
  readonly ms: number;
  /** Of all requests, each from its writing to the end of its reply, in microseconds. */
  readonly p50Micros: number;
  readonly p99Micros: number;
}

async function main(order: GeneratorOrder): Promise<GeneratorReport> {
  const lines = Object.entries(order.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const request = Buffer.from(`GET / HTTP/1.1\r\n${lines.join('')}\r\n`);
  const started = performance.now();
  const end = started + order.ms;
  const micros: number[] = [];

  const connection = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: order.port, noDelay: true });
      let pending = '';
      let writtenAt = 0;
      const ask = (): void => {
        writtenAt = performance.now();
        socket.write(request);
      };
      socket.setEncoding('latin1');
      socket.on('connect', ask);
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('Envoy closed a connection')));
      socket.on('data', (chunk: string) => {
        pending += chunk;
        const head = pending.indexOf('\r\n\r\n');
        if (head === -1 || pending.length < head + 4 + order.body.length) return;
        if (!pending.startsWith('HTTP/1.1 200') || pending.slice(head + 4) !== order.body) {
          reject(new Error(`not the reply that was expected (${order.body}): ${pending}`));
          return;
        }
        pending = '';
        const now = performance.now();
        micros.push((now - writtenAt) * 1000);
        if (now < end) ask();
        else {
          resolve();
          socket.destroy();
        }
      });
    });

  await Promise.all(Array.from({ length: order.connections }, connection));
  const ms = performance.now() - started;
  micros.sort((a, b) => a - b);
  const quantile = (q: number): number => micros[Math.floor((micros.length - 1) * q)] ?? Number.NaN;
  return { requests: micros.length, ms, p50Micros: quantile(0.5), p99Micros: quantile(0.99) };
}

if (import.meta.main) {
  // The one argument is written by `drive` below, from the same type.
  const order = JSON.parse(process.argv[2] ?? '') as GeneratorOrder;
  process.stdout.write(JSON.stringify(await main(order)));
}

/**
 * Gateways in a process of their own: `node gateways.ts STREAMS CLUSTERS`. Prints `loaded`, and connects when it is given
 * the line `connect PORT`: a program that starts takes a processor from whatever is measured. Prints `full` with the moment at which
 * every stream has so many clusters, the endpoints of each, and the routes of each scope; then, for each line `NAME`
 * that it is given, `seen` with the moment at which the last stream accepted a resource of that name.
 */
import { createInterface } from 'node:readline';
import { DeltaGateway } from './delta-gateway.ts';
import { monotonicMs, say } from './messages.ts';

const [streams = 0, clusters = 0] = process.argv.slice(2).map(Number);

let awaited: string | undefined;
let left = new Set<number>();
let firstAt = 0;

const gateways: DeltaGateway[] = [];
const notFull = new Set(Array.from({ length: streams }, (_, index) => index));

function accepted(index: number, names: readonly string[]): void {
  if (awaited !== undefined) {
    if (!names.includes(awaited) || !left.delete(index)) return;
    if (firstAt === 0) firstAt = monotonicMs();
    if (left.size > 0) return;
    say({ seen: awaited, firstAt, at: monotonicMs() });
    awaited = undefined;
    return;
  }
  const gateway = gateways[index];
  if (notFull.size === 0 || gateway === undefined) return;
  const { counts } = gateway;
  const isFull =
    counts.clusters >= clusters && counts.endpoints >= counts.clusters && counts.scopes > 1 && counts.routes >= counts.scopes;
  if (isFull && notFull.delete(index) && notFull.size === 0) say({ full: counts, bytes: gateway.bytes, at: monotonicMs() });
}

function connect(port: number): void {
  for (let index = 0; index < streams; index += 1) {
    const ended = (reason: string): void => {
      process.stderr.write(`stream ${index} ended: ${reason}\n`);
      process.exit(1);
    };
    gateways.push(new DeltaGateway(port, (_, names) => accepted(index, names), ended));
  }
}

const lines = createInterface(process.stdin);
lines.on('line', (line) => {
  const [name = '', port] = line.split(' ');
  if (name === 'connect') return connect(Number(port));
  awaited = name;
  firstAt = 0;
  left = new Set(gateways.keys());
  say({ ready: name });
});
lines.on('close', () => process.exit(0));
say({ loaded: true });

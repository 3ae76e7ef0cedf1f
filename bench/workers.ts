/**
 * From the last acknowledgement until every worker thread of an Envoy goes by it: a gateway with four workers, connections
 * of which is known on which worker each is, and a request on all of them in the moment in which the acknowledgement is
 * read. While it is wrong, the next one follows at once.
 *
 *   npm run bench:workers [-- SECONDS]
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ClusterObject } from '../test/support/builders.ts';
import type { WorkerAnswer } from '../test/support/xds/worker-connection.ts';
import { machine, table, writeSection } from './results.ts';
import { HOST, Lab } from './workers/lab.ts';

const WORKERS = 4;
const CONNECTIONS = 3;
/** For all kinds of changes together, of one kind of connection under one load: seconds, of HTTP/1.1 a quarter of it. */
const SECONDS = Number(process.argv[2] ?? 12);
const HAMMER = fileURLToPath(new URL('./workers/hammer.ts', import.meta.url));
const HAMMER_CONNECTIONS = 64;

/** A change, and the request that shows it. */
interface Step {
  readonly object: ClusterObject;
  /** The key whose receipt is awaited. */
  readonly key: string;
  readonly host: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Who answers, once a worker goes by it. */
  readonly copy: string;
}

interface Kind {
  readonly title: string;
  readonly step: (lab: Lab, round: number) => Step;
}

const KINDS: readonly Kind[] = [
  {
    title: 'a preview gets another rule',
    step: (lab, round) => {
      const user = `u${round}`;
      const object = lab.preview('ruled', lab.apps.one, `x-user=${user}`);
      return { object, key: 'ruled', host: HOST, headers: { 'x-user': user }, copy: 'one' };
    },
  },
  {
    title: 'a preview gets another pod',
    step: (lab, round) => {
      const copy = round % 2 === 0 ? 'one' : 'two';
      return { object: lab.preview('moved', lab.apps[copy]), key: 'moved', host: HOST, headers: { 'x-detour': 'moved' }, copy };
    },
  },
  {
    title: 'a new preview, by key',
    step: (lab, round) => {
      const key = `new-${round}`;
      return { object: lab.preview(key, lab.apps.two), key, host: HOST, headers: { 'x-detour': key }, copy: 'two' };
    },
  },
  {
    title: 'a new preview, by URL',
    step: (lab, round) => {
      const key = `url-${round}`;
      return { object: lab.preview(key, lab.apps.two), key, host: `${key}--${HOST}`, headers: {}, copy: 'two' };
    },
  },
];

interface Sample {
  readonly asked: number;
  /** How many of the first requests, one on each connection, another copy answered. */
  readonly astray: number;
  /** Ms from the acknowledgement until the last request was written that another copy answered; 0: there was none. */
  readonly lateMs: number;
}

async function sample(lab: Lab, { object, key, host, headers, copy }: Step): Promise<Sample> {
  let at = 0;
  const isAstray = (answer: WorkerAnswer): boolean => answer.copy !== copy;
  const answers = await lab.live(object, key, () => {
    at = performance.now();
    return lab.gateway.ask(host, headers);
  });
  const more = answers.some(isAstray) ? await lab.gateway.askUntil(copy, host, headers) : [];
  const late = [...answers, ...more].filter(isAstray).map(({ sentAt }) => sentAt - at);
  return { asked: answers.length, astray: answers.filter(isAstray).length, lateMs: Math.max(0, ...late) };
}

/** Changes of all kinds in turn. @param rounds a number for each: no two are the same change */
async function measure(lab: Lab, ms: number, rounds: Iterator<number, never>): Promise<ReadonlyMap<string, readonly Sample[]>> {
  const samples = new Map<string, Sample[]>(KINDS.map(({ title }) => [title, []]));
  const end = performance.now() + ms;
  while (performance.now() < end) {
    const round = rounds.next().value;
    for (const { title, step } of KINDS) samples.get(title)?.push(await sample(lab, step(lab, round)));
  }
  return samples;
}

function* numbers(): Generator<number, never> {
  for (let number = 0; ; number += 1) yield number;
}

async function startHammer(port: number): Promise<ChildProcess> {
  const child = fork(HAMMER, [String(port), String(HAMMER_CONNECTIONS)]);
  await new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', () => reject(new Error('The load has ended.')));
  });
  return child;
}

function rowsOf(how: string, samples: ReadonlyMap<string, readonly Sample[]>): string[][] {
  return [...samples].map(([title, list]) => {
    const late = list.map(({ lateMs }) => lateMs).toSorted((a, b) => a - b);
    const at = (q: number): string => (late[Math.min(late.length - 1, Math.floor(late.length * q))] ?? Number.NaN).toFixed(1);
    const sum = (figure: 'asked' | 'astray'): string => list.reduce((all, each) => all + each[figure], 0).toLocaleString('en');
    const changes = list.filter(({ astray }) => astray > 0).length;
    return [`${title}; ${how}`, `${changes} of ${list.length}`, `${sum('astray')} of ${sum('asked')}`, at(0.99), at(1)];
  });
}

async function cells(isShared: boolean): Promise<string[][]> {
  const how = isShared ? 'HTTP/2' : 'HTTP/1.1';
  await using lab = await Lab.open({ workers: WORKERS, connections: CONNECTIONS, isShared });
  const rounds = numbers();
  const ms = SECONDS * (isShared ? 1_000 : 250);
  process.stdout.write(`${how}, idle…\n`);
  const idle = rowsOf(`${how}, idle`, await measure(lab, ms, rounds));
  process.stdout.write(`${how}, busy…\n`);
  const hammer = await startHammer(lab.gateway.port);
  try {
    return [...idle, ...rowsOf(`${how}, busy`, await measure(lab, ms, rounds))];
  } finally {
    hammer.kill();
  }
}

const head = ['', 'changes with any astray', 'requests astray', 'late ms, p99', 'max'];
const figures = table(head, [...(await cells(false)), ...(await cells(true))]);
process.stdout.write(`\n${figures}\n\n${machine()}\n`);
await writeSection(
  'Workers',
  process.argv[2] === undefined ? 'npm run bench:workers' : `npm run bench:workers -- ${SECONDS}`,
  `A gateway with ${WORKERS} worker threads, ${CONNECTIONS} connections to each, delta ADS. Changes follow one another, ${SECONDS} s of them for HTTP/2 and ${SECONDS / 4} s for
HTTP/1.1, with each load. In the moment in which the control plane reads the last acknowledgement, a request is written on every connection;
where another copy than the right one answers, more follow at once. Late is when the last one astray was written. HTTP/1.1: one
request at a time on a connection. HTTP/2: others are under way on it at all times. Idle: nothing else goes through the gateway.
Busy: a process with ${HAMMER_CONNECTIONS} connections asks as fast as it is answered, so that the workers compete for the processors with it, with
each other and with the control plane.

${figures}`,
);

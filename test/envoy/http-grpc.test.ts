/** gRPC, unary and streaming, through a gateway and a sidecar. */
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { type GrpcApp, GrpcClient, type Message, startGrpcApp } from '../support/world/grpc.ts';
import { detour } from '../support/world/objects.ts';
import { createWorld, NAMESPACE, type Proxy, type World } from '../support/world/world.ts';

const HOST = 'echo.example.com';

describe('gRPC', () => {
  let world: World;
  let gateway: Proxy;
  let caller: Proxy;
  let preview: GrpcApp;
  let previewPort: number;

  beforeAll(async () => {
    world = await createWorld();
    const start = async (copy: string, pod: string): Promise<[GrpcApp, number]> => {
      const app = world.use(await startGrpcApp(copy));
      return [app, (await world.sidecar({ namespace: NAMESPACE, name: pod }, app.port)).port];
    };
    const [, baselinePort] = await start('baseline', 'echo-1');
    [preview, previewPort] = await start('pr-1', 'echo-pr-1');
    gateway = await world.gateway();
    caller = await world.sidecar({ namespace: NAMESPACE, name: 'caller' }, undefined);
    await world.baseline({ name: 'echo', appProtocol: 'grpc', annotations: detour({ host: HOST }) }, []);
    await world.endpoint({ namespace: NAMESPACE, name: 'echo-1', service: 'echo', port: baselinePort });
    await announce('pr-1');
    using client = new GrpcClient(gateway.port, HOST);
    await until('the preview to be live', async () => (await client.unary({ text: '' }, { 'x-detour': 'pr-1' })).copy === 'pr-1');
    using inner = new GrpcClient(caller.outbound, 'echo');
    await until('the preview to be live', async () => (await inner.unary({ text: '' }, { 'x-detour': 'pr-1' })).copy === 'pr-1');
  });
  afterAll(() => world[Symbol.asyncDispose]());

  function announce(key: string, annotations: Record<string, string> = {}): Promise<void> {
    return world.preview({
      key,
      pods: [{ namespace: NAMESPACE, name: 'echo-pr-1', service: 'echo', port: previewPort }],
      annotations,
    });
  }

  const ways: [string, () => [number, string]][] = [
    ['gateway and sidecar', () => [gateway.port, HOST]],
    ['the sidecars of both sides', () => [caller.outbound, 'echo']],
  ];

  test.each(ways)('all four kinds of calls reach preview and baseline through %s', async (_way, target) => {
    using client = new GrpcClient(...target());
    for (const [headers, copy] of [
      [{ 'x-detour': 'pr-1' }, 'pr-1'],
      [{ baggage: 'detour=pr-1' }, 'pr-1'],
      [{ baggage: 'detour=nobody' }, 'baseline'],
      [{}, 'baseline'],
    ] as const) {
      expect(await client.unary({ text: 'hello' }, headers)).toEqual({ text: 'hello', copy });
      const texts = Array.from({ length: 100 }, (_, index) => ({ text: String(index) }));
      expect(await client.collect(texts, headers)).toEqual({ text: '99', received: 100, copy });
      const repeated = (await client.repeat({ text: 'again', count: 50 }, headers).toArray()) as Message[];
      expect(repeated.map((each) => each.text)).toEqual(Array.from({ length: 50 }, (_, index) => `again ${index}`));
      expect(new Set(repeated.map((each) => each.copy))).toEqual(new Set([copy]));
      const chat = client.chat(headers);
      for (const text of ['one', 'two', 'three']) {
        chat.write({ text });
        expect(await once(chat, 'data')).toEqual([{ text, copy }]);
      }
      chat.end();
      await once(chat.resume(), 'end');
    }
    const large = await client.unary({ text: 'x'.repeat(3_000_000) }, { 'x-detour': 'pr-1' });
    expect([large.text.length, large.copy]).toEqual([3_000_000, 'pr-1']);
  });

  test.each(ways)('a long stream outlives changes and the end of its intercept, through %s', async (_way, target) => {
    using client = new GrpcClient(...target());
    const copyFor = async (user: string): Promise<string | undefined> =>
      (await client.unary({ text: '' }, { 'x-user': user })).copy;
    const chat = client.chat({ 'x-detour': 'pr-1' });
    let broken: unknown;
    chat.on('error', (error) => {
      broken = error;
    });
    const say = async (text: string): Promise<void> => {
      chat.write({ text });
      expect(await once(chat, 'data')).toEqual([{ text, copy: 'pr-1' }]);
    };
    await say('before');
    for (let round = 0; round < 5; round++) {
      await announce('pr-1', { match: `x-user=user-${round}` });
      await until('the new rule', async () => (await copyFor(`user-${round}`)) === 'pr-1');
      await say(`round ${round}`);
    }
    await announce('pr-2');
    await until(
      'the old key to be gone',
      async () => (await client.unary({ text: '' }, { 'x-detour': 'pr-1' })).copy === 'baseline',
    );
    await say('after');
    expect(broken).toBeUndefined();
    chat.end();
    await announce('pr-1');
    await until('the preview to be live', async () => (await client.unary({ text: '' }, { 'x-detour': 'pr-1' })).copy === 'pr-1');
  });

  test('a dead preview: the baseline answers unary and streaming calls', async () => {
    using client = new GrpcClient(gateway.port, HOST);
    await preview[Symbol.asyncDispose]();
    const headers = { 'x-detour': 'pr-1' };
    expect((await client.unary({ text: 'hello' }, headers)).copy).toBe('baseline');
    expect((await client.collect([{ text: 'a' }, { text: 'b' }], headers)).copy).toBe('baseline');
    expect(((await client.repeat({ text: '', count: 3 }, headers).toArray()) as Message[]).map((each) => each.copy)).toEqual(
      Array.from({ length: 3 }, () => 'baseline'),
    );
  });
});

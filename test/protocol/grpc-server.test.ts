/** What the gRPC server does for good clients, and what bad ones cost: HTTP/2 by hand, and no xDS in it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { frameOf } from '../../src/grpc/frame.ts';
import { GrpcServer, type GrpcServerOptions } from '../../src/grpc/server.ts';
import { STATUS } from '../../src/grpc/status.ts';
import { Authority } from '../support/certificates.ts';
import { EchoServer, IGNORE, ONCE, TALK } from '../support/grpc/echo-server.ts';
import { framed, RawClient } from '../support/grpc/raw-client.ts';
import { until } from '../support/until.ts';
import { Cable } from '../support/xds/cable.ts';

/** The server still answers whoever behaves. */
async function expectServes(port: number): Promise<void> {
  await using client = new RawClient(port);
  const call = client.call(ONCE).read().send('still there');
  call.stream.end();
  expect(await call.status()).toMatchObject({ code: STATUS.ok });
  expect(call.messages).toEqual(['still there']);
}

async function bareSocket(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

const PREFACE = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])]);

describe('a call', () => {
  it('has messages both ways, wherever they are cut, until both sides have ended', async () => {
    await using server = await EchoServer.start();
    await using client = new RawClient(server.port);
    const call = client.call(TALK, { 'content-type': 'application/grpc+proto', 'grpc-timeout': '10S' }).read();
    const bytes = Buffer.concat([framed('one'), framed(''), framed('x'.repeat(100_000)), framed('three')]);
    for (const cut of [bytes.subarray(0, 3), bytes.subarray(3, 9), bytes.subarray(9, 20_000), bytes.subarray(20_000)]) {
      await new Promise((resolve) => call.stream.write(cut, resolve));
    }
    await until('all answers', () => call.messages.length === 4);
    expect(call.messages).toEqual(['one', '', 'x'.repeat(100_000), 'three']);
    expect(call.headers).toMatchObject({ ':status': 200, 'content-type': 'application/grpc' });
    call.stream.end();
    expect(await call.status()).toEqual({ code: STATUS.ok, message: undefined });
    expect(server.calls[0]?.happened).toEqual(['half-closed']);
  });

  it('of one message is answered with one, or with a status that says why', async () => {
    await using server = await EchoServer.start();
    await using client = new RawClient(server.port);
    const good = client.call(ONCE).read().send('hello');
    good.stream.end();
    expect(await good.status()).toMatchObject({ code: STATUS.ok });
    expect(good.messages).toEqual(['hello']);
    const empty = client.call(ONCE).read().send('');
    empty.stream.end();
    const message = 'Nichts gesagt: 100 %25 zu wenig%0A';
    expect(await empty.status()).toEqual({ code: STATUS.invalidArgument, message });
    const none = client.call(ONCE).read();
    none.stream.end();
    expect(await none.status()).toMatchObject({ code: STATUS.internal });
    const two = client.call(ONCE).read().send('a').send('b');
    expect(await two.status()).toMatchObject({ code: STATUS.internal });
  });

  it.each([{}, { headerTableSize: 0 }, { headerTableSize: 2_048 }, { headerTableSize: 4_096 }, { headerTableSize: 65_536 }])(
    'is answered however much its client remembers of headers (%j), and where it changes its mind',
    async (settings) => {
      await using server = await EchoServer.start();
      await using client = new RawClient(server.port, settings);
      const expectAnswers = async (text: string): Promise<void> => {
        const call = client.call(TALK).read().send(text);
        const unknown = client.call('/test.Echo/Nothing').read();
        const none = client.call(TALK, { ':method': 'GET' }).read();
        await until('the answer', () => call.messages.length === 1);
        call.stream.end();
        expect(await call.status()).toMatchObject({ code: STATUS.ok });
        expect(await unknown.status()).toMatchObject({ code: STATUS.unimplemented });
        await until('the refusal', () => none.headers[':status'] === 405);
      };
      await expectAnswers('first');
      await expectAnswers('again');
      for (const sizes of [[0], [4_096], [1_000, 0, 4_096], [100, 50]]) {
        const changed = sizes.map(
          (size) => new Promise((resolve) => client.session.settings({ headerTableSize: size }, () => resolve(undefined))),
        );
        const under = client.call(ONCE).read().send('meanwhile');
        under.stream.end();
        await Promise.all(changed);
        expect(await under.status()).toMatchObject({ code: STATUS.ok });
        await expectAnswers(sizes.join());
      }
      expect(client.goneAway).toEqual([]);
    },
  );

  it('is refused as HTTP where it is no gRPC, and as gRPC where there is no such method', async () => {
    await using server = await EchoServer.start();
    await using client = new RawClient(server.port);
    const text = client.call(TALK, { 'content-type': 'application/grpc-web' }).read();
    const get = client.call(TALK, { ':method': 'GET' }).read();
    const unknown = client.call('/test.Echo/Nothing').read().send('x');
    await until('answers', () => text.headers[':status'] !== undefined && get.headers[':status'] !== undefined);
    expect([text.headers[':status'], get.headers[':status']]).toEqual([415, 405]);
    expect(await unknown.status()).toEqual({ code: STATUS.unimplemented, message: 'there is no method /test.Echo/Nothing' });
    const compressed = client.call(TALK, { 'grpc-encoding': 'gzip' }).read();
    compressed.stream.write(framed('x', 1));
    expect(await compressed.status()).toMatchObject({ code: STATUS.unimplemented });
    expect(compressed.headers['grpc-accept-encoding']).toBe('identity');
    await expectServes(server.port);
  });

  it.each([constants.NGHTTP2_CANCEL, constants.NGHTTP2_NO_ERROR])(
    'that its client resets is over, read or not (%i)',
    async (code) => {
      await using server = await EchoServer.start();
      await using client = new RawClient(server.port);
      for (const path of [TALK, IGNORE]) {
        const call = client.call(path).send('x');
        const own = await until('the call', () => server.calls.pop());
        call.stream.close(code);
        await until('the end', () => own.happened.length > 0);
        // A reset may come behind the end of what the client has to say.
        expect(own.happened).toHaveLength(1);
        expect(own.happened[0]).toMatch(/cancelled|half-closed/);
        expect(own.problem).toBeUndefined();
      }
    },
  );

  it('whose connection breaks is over', async () => {
    await using server = await EchoServer.start();
    const client = new RawClient(server.port);
    client.call(TALK).send('x');
    const own = await until('the call', () => server.calls[0]);
    await client[Symbol.asyncDispose]();
    await until('the end', () => own.happened.includes('cancelled'));
    await until('the connection to be gone', () => server.connections === 0);
  });

  it('F2: a message counts as sent when it has left, and not before; who takes nothing is let go, and holds up nobody', async () => {
    await using server = await EchoServer.start({ lingerMs: 300 });
    await using deaf = new RawClient(server.port);
    const call = deaf.call(TALK).send('x');
    const own = await until('the call', () => server.calls[0]);
    await until('the first answer', () => own.done === 1);
    const large = Buffer.alloc(4_000_000, 'y');
    own.answer(large);
    expect(own.call.isWriting).toBe(true);
    expect(() => own.call.write(frameOf(large), () => {})).toThrow('one message after the other');
    await expectServes(server.port);
    expect(own.done).toBe(1);
    own.call.end({ code: STATUS.unavailable, details: 'slow' });
    await once(call.stream, 'close');
    expect(call.stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
  });

  it('that is ended while a message is on its way out gives the message, and then the status', async () => {
    await using server = await EchoServer.start();
    await using client = new RawClient(server.port);
    const call = client.call(TALK).send('x');
    const own = await until('the call', () => server.calls[0]);
    own.answer(Buffer.alloc(500_000, 'y'));
    own.call.end({ code: STATUS.unavailable, details: 'enough' });
    call.read();
    expect(await call.status()).toEqual({ code: STATUS.unavailable, message: 'enough' });
    expect(call.messages.map(({ length }) => length)).toEqual([1, 500_000]);
  });
});

describe('F8: what a client may send', () => {
  it('F8: is messages up to a length: a longer one is refused by its prefix', async () => {
    await using server = await EchoServer.start({ maxMessageBytes: 5_000_000 });
    await using client = new RawClient(server.port);
    const call = client.call(TALK).read().send('x'.repeat(5_000_000));
    await until('the answer', () => call.messages.length === 1);
    call.stream.write(framed('y'.repeat(5_000_001)).subarray(0, 5));
    expect(await call.status()).toMatchObject({ code: STATUS.resourceExhausted });
    expect(server.calls[0]?.problem?.details).toContain('5000001');
  });

  it('F8: is bounded over all connections, and given back', async () => {
    await using server = await EchoServer.start({ maxReceivingBytes: 300_000 });
    const half = framed('x'.repeat(400_000)).subarray(0, 200_000);
    await using first = new RawClient(server.port);
    await using second = new RawClient(server.port);
    const begun = first.call(TALK).read();
    await new Promise((resolve) => begun.stream.write(half, resolve));
    const refused = second.call(TALK).read();
    refused.stream.write(half);
    expect(await refused.status()).toMatchObject({ code: STATUS.resourceExhausted });
    await expectServes(server.port);
    begun.stream.close(constants.NGHTTP2_CANCEL);
    await until('the end', () => server.calls[0]?.happened.length === 1);
    const again = second.call(TALK).read();
    again.stream.write(half);
    again.stream.write(framed('x'.repeat(400_000)).subarray(200_000, 250_000));
    await until('the call to be read', () => server.calls[2]);
    expect(server.calls[2]?.problem).toBeUndefined();
  });

  it('F8: is complete within a time once it has begun', async () => {
    await using server = await EchoServer.start({ messageMs: 300 });
    await using client = new RawClient(server.port);
    const call = client.call(TALK).read().send('whole');
    call.stream.write(framed('half').subarray(0, 7));
    expect(await call.status()).toMatchObject({ code: STATUS.deadlineExceeded });
    expect(call.messages).toEqual(['whole']);
  });

  it('F8: has headers up to a size and a number', async () => {
    await using server = await EchoServer.start();
    const floods = [
      { 'x-large': 'x'.repeat(40_000) },
      Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`x-${index}`, 'x'])),
    ];
    for (const headers of floods) {
      await using client = new RawClient(server.port);
      await once(client.session, 'remoteSettings');
      const call = client.call(TALK, headers).read();
      await until('the refusal', () => call.stream.closed || client.session.closed);
      expect(call.headers).not.toMatchObject({ 'grpc-status': String(STATUS.ok) });
    }
    expect(server.calls).toEqual([]);
    await expectServes(server.port);
  });
});

describe('F6 F7: a connection', () => {
  it('F6: is to be given up at its age, a fifth more or less: its calls are told, and end with the grace', async () => {
    await using server = await EchoServer.start({ maxAgeMs: 1_000, ageGraceMs: 300 });
    const clients = Array.from({ length: 20 }, () => new RawClient(server.port));
    const agedAt: number[] = [];
    const calls = clients.map((client) => {
      client.session.once('goaway', () => agedAt.push(performance.now()));
      return client.call(TALK).read().send('x');
    });
    for (const call of calls) expect(await call.status()).toMatchObject({ code: STATUS.unavailable });
    expect(server.calls.map(({ happened }) => happened)).toEqual(calls.map(() => ['aged', 'cancelled']));
    expect(clients.map(({ goneAway }) => goneAway[0])).toEqual(clients.map(() => constants.NGHTTP2_NO_ERROR));
    expect(server.givenUp).toEqual(clients.map(() => 'age'));
    // They came together and do not go together: by chance at most once in many million times.
    expect(Math.max(...agedAt) - Math.min(...agedAt)).toBeGreaterThan(20);
    await until('all to be gone', () => server.connections === 0);
    await expectServes(server.port);
  });

  it('F6: has no age where it is given none, and calls that end when they are told need no grace', async () => {
    await using server = await EchoServer.start({ maxAgeMs: 300, ageGraceMs: 60_000 });
    await using client = new RawClient(server.port);
    const call = client.call(TALK).read().send('x');
    const own = await until('the call', () => server.calls[0]);
    await until('the age', () => own.happened.includes('aged'));
    own.call.end({ code: STATUS.unavailable, details: 'gladly' });
    expect(await call.status()).toEqual({ code: STATUS.unavailable, message: 'gladly' });
    await until('the connection to end', () => server.connections === 0);
  });

  it('F7: is given up when it gives no sign of life, and kept when it does', async () => {
    await using server = await EchoServer.start({ pingMs: 200, pingTimeoutMs: 3_000 });
    await using alive = new RawClient(server.port);
    let pings = 0;
    alive.session.on('ping', () => {
      pings += 1;
    });
    const call = alive.call(TALK).read().send('x');
    const silent = await bareSocket(server.port);
    silent.write(PREFACE);
    const closed = once(silent.resume(), 'close');
    await closed;
    expect(server.givenUp).toEqual(['dead']);
    await until('pings', () => pings >= 3);
    call.send('y');
    await until('the answer', () => call.messages.length === 2);
  });

  it('F7: with TLS it is given up as well, though nothing leaves at once there', async () => {
    const tls = { ...new Authority('servers').issue({ names: ['DNS:there'] }), ALPNProtocols: ['h2'] };
    const secure: GrpcServerOptions['createServer'] = (options) => createTlsServer({ ...options, ...tls });
    await using server = await EchoServer.start({ pingMs: 4_000, pingTimeoutMs: 100 }, secure);
    const silent = connectTls({ port: server.port, host: '127.0.0.1', ALPNProtocols: ['h2'], rejectUnauthorized: false });
    await once(silent, 'secureConnect');
    const connectedAt = performance.now();
    silent.write(PREFACE);
    await once(silent.resume(), 'close');
    expect(server.givenUp).toEqual(['dead']);
    // It is asked after 2 to 4 s. A PING that has left would make it 4 s more.
    expect(performance.now() - connectedAt).toBeLessThan(6_000);
  });

  it('F7: is alive as long as what it is sent gets on, though a PING waits behind it for long', async () => {
    await using server = await EchoServer.start({ pingMs: 2_500, pingTimeoutMs: 300 });
    await using cable = await Cable.to(server.port, 6_000_000);
    await using client = new RawClient(cable.port, { initialWindowSize: 2 ** 28 });
    await once(client.session, 'connect');
    client.session.setLocalWindowSize(2 ** 28);
    let came = 0;
    client
      .call(TALK)
      .send('x')
      .stream.on('data', ({ length }: Buffer) => {
        came += length;
      });
    const own = await until('the call', () => server.calls[0]);
    own.answer(Buffer.alloc(24_000_000, 'y'));
    await until('all of it', () => came > 24_000_000 || server.givenUp.length > 0);
    expect(server.givenUp).toEqual([]);
    own.answer(Buffer.alloc(24_000_000, 'z'));
    await until('some of it', () => cable.carried >= 30_000_000);
    cable.cut();
    await until('the end', () => own.happened.includes('cancelled'));
    expect(server.givenUp).toEqual(['dead']);
  });

  it('F7: is not given up because this process was busy when its sign of life came', async () => {
    await using server = await EchoServer.start({ pingMs: 500, pingTimeoutMs: 1_000 });
    const script = "require('node:http2').connect('http://127.0.0.1:' + process.argv[1]).on('error', () => {})";
    const client = spawn(process.execPath, ['-e', script, String(server.port)], { stdio: 'ignore' });
    const ended = once(client, 'exit');
    try {
      await until('the connection', () => server.connections === 1);
      for (let times = 0; times < 3; times += 1) {
        // Nothing is read, and no timer runs. In between the client is asked, and cannot answer at once.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500);
        await new Promise((resolve) => setImmediate(resolve));
      }
      // What is late is decided by now.
      await expectServes(server.port);
      expect(server.givenUp).toEqual([]);
      expect(server.connections).toBeGreaterThanOrEqual(1);
    } finally {
      client.kill();
      await ended;
    }
  });

  it('F7: may ask for signs of life itself, now and then, with streams and without', async () => {
    await using server = await EchoServer.start({ controlBurst: 5, controlRate: 1 });
    await using client = new RawClient(server.port);
    await once(client.session, 'remoteSettings');
    const ping = (): Promise<unknown> =>
      new Promise((resolve, reject) => client.session.ping((error) => (error === null ? resolve(undefined) : reject(error))));
    for (let index = 0; index < 3; index += 1) await ping();
    const call = client.call(TALK).read();
    // Some clients measure the way whenever something comes.
    for (let index = 1; index <= 30; index += 1) {
      call.send('x');
      await until('the answer', () => call.messages.length === index);
      await ping();
    }
    expect(server.givenUp).toEqual([]);
  });

  it.each(['ping', 'settings'] as const)('ends when its client floods it with %s', async (kind) => {
    await using server = await EchoServer.start({ controlBurst: 50, controlRate: 1 });
    await using client = new RawClient(server.port);
    await once(client.session, 'remoteSettings');
    const flood = (): void => {
      if (client.session.destroyed) return;
      if (kind === 'ping') client.session.ping(() => flood());
      else client.session.settings({ initialWindowSize: 70_000 }, () => flood());
    };
    flood();
    await until('the connection to end', () => client.session.destroyed);
    expect(server.givenUp).toEqual(['flood']);
    expect(client.goneAway).toContain(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    await expectServes(server.port);
  });

  it('ends when its client opens streams and resets them at once', async () => {
    await using server = await EchoServer.start({ resetBurst: 50, resetRate: 1 });
    await using client = new RawClient(server.port);
    const flood = (): void => {
      if (client.session.destroyed || client.session.closed) return;
      for (let index = 0; index < 20; index += 1) client.call(TALK).stream.close(constants.NGHTTP2_CANCEL);
      setImmediate(flood);
    };
    flood();
    await until('the connection to end', () => client.session.destroyed);
    expect(server.calls.length).toBeLessThan(200);
    await until('the server to see it', () => server.connections === 0);
    await expectServes(server.port);
  });

  it('has so many streams at once: the next one waits for one to end', async () => {
    await using server = await EchoServer.start({ maxStreams: 2 });
    await using client = new RawClient(server.port);
    await once(client.session, 'remoteSettings');
    const [first, second, third] = [1, 2, 3].map(() => client.call(TALK).read().send('x'));
    await until('two answers', () => first?.messages.length === 1 && second?.messages.length === 1);
    expect(server.calls).toHaveLength(2);
    first?.stream.end();
    await until('the third answer', () => third?.messages.length === 1);
  });

  it('is one of so many: more are closed at once', async () => {
    await using server = await EchoServer.start({ maxConnections: 2 });
    const sockets = [await bareSocket(server.port), await bareSocket(server.port)];
    await until('both', () => server.connections === 2);
    const third = await bareSocket(server.port);
    await once(third.resume(), 'close');
    expect(server.givenUp).toEqual(['full']);
    for (const socket of sockets) socket.destroy();
    await until('room', () => server.connections === 0);
    await expectServes(server.port);
  });

  it('without a stream is given up after a while, also when it never says a word', async () => {
    await using server = await EchoServer.start({ idleMs: 2_000 });
    await using busy = new RawClient(server.port);
    const call = busy.call(TALK).read().send('x');
    const silent = await bareSocket(server.port);
    await using idle = new RawClient(server.port);
    const done = idle.call(ONCE).read().send('x');
    done.stream.end();
    await done.status();
    await Promise.all([once(silent.resume(), 'close'), until('the idle one to end', () => idle.session.destroyed)]);
    expect(server.givenUp).toEqual(['idle', 'idle']);
    call.send('y');
    await until('the answer', () => call.messages.length === 2);
  });

  it('that speaks something else ends, and no other', async () => {
    await using server = await EchoServer.start();
    for (const bytes of ['GET / HTTP/1.1\r\nHost: x\r\n\r\n', Buffer.alloc(1_000, 0xff)]) {
      const socket = await bareSocket(server.port);
      socket.write(bytes);
      await once(socket.resume(), 'close');
    }
    await expectServes(server.port);
  });
});

describe('F11: a server that closes', () => {
  it('lets nobody in, tells its clients, serves the calls that there are, and is done with the last', async () => {
    await using server = await EchoServer.start();
    await using client = new RawClient(server.port);
    const call = client.call(TALK).read().send('x');
    await until('the answer', () => call.messages.length === 1);
    let isDone = false;
    const closed = server.server.close().then(() => {
      isDone = true;
    });
    await until('the word', () => client.goneAway.length > 0);
    const late = connect(server.port, '127.0.0.1');
    await expect(once(late, 'connect')).rejects.toThrow('ECONNREFUSED');
    call.send('y');
    await until('the answer', () => call.messages.length === 2);
    expect(isDone).toBe(false);
    call.stream.end();
    expect(await call.status()).toMatchObject({ code: STATUS.ok });
    await closed;
    expect(server.connections).toBe(0);
  });

  it('can end what is left', async () => {
    await using server = await EchoServer.start();
    await using client = new RawClient(server.port);
    client.call(TALK).read().send('x');
    const own = await until('the call', () => server.calls[0]);
    const closed = server.server.close();
    server.server.destroy();
    await closed;
    expect(own.happened).toEqual(['cancelled']);
  });

  it('has listened on every address of a name, or says why not', async () => {
    await using server = new EchoServer();
    const { host, port } = await server.server.listen({ host: 'localhost', port: 0 });
    expect(host).toBe('localhost');
    await expectServes(port);
    const observer = { connectionOpened: () => {}, connectionClosed: () => {}, connectionGivenUp: () => {} };
    const second = new GrpcServer({ methods: new Map(), observer });
    await expect(second.listen({ host: '127.0.0.1', port })).rejects.toThrow('EADDRINUSE');
    await second.close();
  });
});

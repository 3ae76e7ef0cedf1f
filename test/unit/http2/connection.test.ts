/** What a connection of HTTP/2 says, and what becomes of clients that do it wrong (RFC 9113). */
import { describe, expect, it } from 'vitest';
import { ERROR } from '../../../src/http2/error-code.ts';
import { FLAG, frameOf, MAX_WINDOW, numberFrame, TYPE } from '../../../src/http2/frame.ts';
import { block, data, HELLO, headers, PREFACE, REQUEST, settings, windowUpdate } from '../../support/http2/frames.ts';
import { Http2Lab } from '../../support/http2/lab.ts';

const PING = frameOf(TYPE.ping, 0, 0, Buffer.from('12345678'));
const HEADER_TABLE = 1;
const INITIAL_WINDOW = 4;
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A connection that a client has begun well, and of which nothing has been looked at. */
function begun(...args: ConstructorParameters<typeof Http2Lab>): Http2Lab {
  const lab = new Http2Lab(...args).push(HELLO);
  lab.seen();
  return lab;
}

function sent(lab: Http2Lab): string {
  const frames = lab.seen().filter(({ type }) => type === TYPE.data);
  return Buffer.concat(frames.map(({ payload }) => payload)).toString();
}

describe('a connection', () => {
  it('begins with SETTINGS, and answers those of its client', () => {
    const lab = new Http2Lab();
    expect(lab.kinds()).toEqual(['settings/0', 'windowUpdate/0']);
    lab.push(HELLO);
    expect(lab.seen()).toEqual([{ type: TYPE.settings, flags: FLAG.ack, stream: 0, payload: Buffer.alloc(0) }]);
  });

  it('answers a PING, and knows the answer to its own', () => {
    const lab = begun().push(PING);
    expect(lab.seen()).toEqual([{ type: TYPE.ping, flags: FLAG.ack, stream: 0, payload: Buffer.from('12345678') }]);
    lab.connection.ping();
    const [own] = lab.seen();
    for (let count = 0; count < 30; count += 1) lab.push(frameOf(TYPE.ping, FLAG.ack, 0, own?.payload ?? Buffer.alloc(0)));
    expect(lab.happened).toEqual([]);
    for (let count = 0; count < 30; count += 1) lab.push(frameOf(TYPE.ping, FLAG.ack, 0, Buffer.from('12345678')));
    expect(lab.happened).toEqual(['flooded']);
  });

  it('says in one write what it has to say to what came together', () => {
    const lab = begun();
    const { writes } = lab;
    lab.push(PING, settings([]), PING, headers(1), data(1, 'x'));
    expect(lab.writes - writes).toBe(1);
  });

  it('has streams with bodies and ends, also where trailers are the end, and headers are cut', () => {
    const lab = begun();
    const cut = block(REQUEST);
    lab.push(headers(1), data(1, 'one'), frameOf(TYPE.data, FLAG.padded, 1, Buffer.from('\x02two\0\0')), data(1, '!', 1));
    lab.push(
      frameOf(
        TYPE.headers,
        FLAG.priority | FLAG.padded,
        3,
        Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 9]), cut.subarray(0, 5), Buffer.alloc(1)]),
      ),
      frameOf(TYPE.continuation, 0, 3, cut.subarray(5, 9)),
      frameOf(TYPE.continuation, FLAG.endHeaders, 3, cut.subarray(9)),
      data(3, 'body'),
      headers(3, { 'x-trailer': '1' }, FLAG.endStream),
    );
    expect(lab.streams.map(({ text, happened, request }) => [text, happened, request.path])).toEqual([
      ['onetwo!', ['ended'], '/test.Echo/Talk'],
      ['body', ['ended'], '/test.Echo/Talk'],
    ]);
  });

  it('GOAWAY: serves the streams that there are, looks at no others, and ends with the last', () => {
    const lab = begun().push(headers(1));
    lab.connection.goAway();
    expect(lab.seen().map(({ type, payload }) => [type, payload.readUInt32BE(0)])).toEqual([[TYPE.goAway, 1]]);
    lab.push(headers(3), data(3, 'late'), data(1, 'x'));
    expect(lab.streams.map(({ text }) => text)).toEqual(['x']);
    expect(lab.isEnded).toBe(false);
    lab.streams[0]?.stream.end(block({ ':status': '200' }));
    expect(lab.isEnded).toBe(true);
    expect(lab.streams[0]?.happened).toEqual(['closed']);
  });

  it('whose socket is gone tells its streams, once', () => {
    const lab = begun().push(headers(1), headers(3));
    lab.connection.destroy();
    lab.connection.destroy();
    lab.push(data(1, 'x'));
    expect(lab.streams.map(({ text, happened }) => [text, happened])).toEqual([
      ['', ['closed']],
      ['', ['closed']],
    ]);
  });
});

describe('a connection ends', () => {
  const requests = (...frames: readonly Buffer[]) => Buffer.concat([HELLO, headers(1), ...frames]);
  it.each<readonly [string, Buffer, number]>([
    ['no HTTP/2', Buffer.from('GET / HTTP/1.1\r\n\r\n'), ERROR.protocol],
    ['no SETTINGS first', Buffer.concat([PREFACE, PING]), ERROR.protocol],
    [
      'SETTINGS that are no whole entries',
      Buffer.concat([HELLO, frameOf(TYPE.settings, 0, 0, Buffer.alloc(5))]),
      ERROR.frameSize,
    ],
    ['SETTINGS that say yes and more', Buffer.concat([HELLO, frameOf(TYPE.settings, 1, 0, Buffer.alloc(6))]), ERROR.frameSize],
    ['SETTINGS of a stream', Buffer.concat([HELLO, frameOf(TYPE.settings, 0, 1, Buffer.alloc(0))]), ERROR.protocol],
    ['a window larger than there is', Buffer.concat([HELLO, settings([[INITIAL_WINDOW, 2 ** 31]])]), ERROR.flowControl],
    ['frames smaller than there are', Buffer.concat([HELLO, settings([[5, 16_383]])]), ERROR.protocol],
    ['PING of another length', Buffer.concat([HELLO, frameOf(TYPE.ping, 0, 0, Buffer.alloc(7))]), ERROR.frameSize],
    ['PUSH_PROMISE', requests(frameOf(TYPE.pushPromise, 4, 1, Buffer.alloc(8))), ERROR.protocol],
    ['a stream with an even number', Buffer.concat([HELLO, headers(2)]), ERROR.protocol],
    ['DATA for no stream', Buffer.concat([HELLO, data(0, 'x')]), ERROR.protocol],
    ['DATA for a stream that never was', Buffer.concat([HELLO, data(7, 'x')]), ERROR.protocol],
    ['DATA with more padding than it has', requests(frameOf(TYPE.data, FLAG.padded, 1, Buffer.from('\x03ab'))), ERROR.protocol],
    ['RST_STREAM for a stream that never was', requests(numberFrame(TYPE.reset, 3, 0)), ERROR.protocol],
    ['WINDOW_UPDATE for a stream that never was', requests(windowUpdate(3, 1)), ERROR.protocol],
    ['a window that does not grow', requests(windowUpdate(0, 0)), ERROR.protocol],
    ['a window that overflows', requests(windowUpdate(0, MAX_WINDOW)), ERROR.flowControl],
    [
      'SETTINGS that let a window overflow',
      requests(windowUpdate(1, MAX_WINDOW - 65_535), settings([[INITIAL_WINDOW, 65_536]])),
      ERROR.flowControl,
    ],
    [
      'headers that cannot be decoded',
      Buffer.concat([HELLO, frameOf(TYPE.headers, 4, 1, Buffer.from([0xbe]))]),
      ERROR.compression,
    ],
    ['something between headers', Buffer.concat([HELLO, frameOf(TYPE.headers, 0, 1, Buffer.from([0x82])), PING]), ERROR.protocol],
    ['CONTINUATION of nothing', requests(frameOf(TYPE.continuation, 4, 1, Buffer.from([0x82]))), ERROR.protocol],
    [
      'a stream that comes again',
      requests(data(1, '', FLAG.endStream), numberFrame(TYPE.reset, 1, 8), headers(1)),
      ERROR.streamClosed,
    ],
    [
      'CONTINUATION without end (CVE-2024-27316)',
      Buffer.concat([
        HELLO,
        frameOf(TYPE.headers, 0, 1, Buffer.alloc(0)),
        ...Array.from({ length: 20 }, () => frameOf(TYPE.continuation, 0, 1, Buffer.alloc(0))),
      ]),
      ERROR.enhanceYourCalm,
    ],
    [
      'headers without end',
      Buffer.concat([
        HELLO,
        frameOf(TYPE.headers, 0, 1, Buffer.alloc(16_384)),
        frameOf(TYPE.continuation, 0, 1, Buffer.alloc(100)),
      ]),
      ERROR.enhanceYourCalm,
    ],
  ])('with its code for %s', (_name, bytes, code) => {
    const lab = new Http2Lab().push(bytes);
    expect(lab.failure()).toBe(code);
    expect(lab.streams.map(({ happened }) => happened.filter((each) => each === 'closed'))).toEqual(
      lab.streams.map(() => ['closed']),
    );
    lab.push(HELLO, PING, headers(9));
    lab.connection.ping();
    expect(lab.seen()).toEqual([]);
  });

  it.each<readonly [string, () => Buffer]>([
    ['PING', () => PING],
    ['SETTINGS', () => settings([])],
    ['PRIORITY', () => frameOf(TYPE.priority, 0, 1, Buffer.alloc(5))],
    ['frames that nobody knows', () => frameOf(200, 0, 0, Buffer.alloc(3))],
    ['DATA with nothing in it', () => data(1, '')],
    ['DATA with padding only', () => frameOf(TYPE.data, FLAG.padded, 1, Buffer.from('\x02\0\0'))],
  ])('when it is flooded with %s, also where a window grows in between', (_name, frame) => {
    const lab = begun().push(headers(1));
    for (let count = 0; count < 19; count += 1) lab.push(frame(), windowUpdate(1, 1));
    expect(lab.isEnded).toBe(false);
    for (let count = 0; count < 5; count += 1) lab.push(frame(), windowUpdate(1, 1));
    expect(lab.failure()).toBe(ERROR.enhanceYourCalm);
    expect(lab.happened).toEqual(['flooded']);
  });

  it('when streams are opened and reset (CVE-2023-44487), or opened wrong so that the server resets them', () => {
    const flood = (frames: (stream: number) => readonly Buffer[]): Http2Lab => {
      const lab = begun();
      for (let index = 0; index < 20; index += 1) lab.push(...frames(2 * index + 1));
      return lab;
    };
    const floods = [
      flood((stream) => [headers(stream), numberFrame(TYPE.reset, stream, ERROR.cancel)]),
      flood((stream) => [headers(stream, { ':method': 'POST' })]),
      flood((stream) => [headers(stream), windowUpdate(stream, 0)]),
    ];
    for (const lab of floods) {
      expect(lab.failure()).toBe(ERROR.enhanceYourCalm);
      expect(lab.streams.length).toBeLessThan(15);
    }
  });

  it('when it asks for answers and does not read them', () => {
    const lab = begun({ controlBurst: 1e9 });
    lab.isOpen = false;
    for (let count = 0; count < 2_000 && lab.happened.length === 0; count += 1) lab.push(PING);
    expect(lab.happened).toEqual(['flooded']);
    lab.isOpen = true;
    lab.connection.flushed();
    expect(lab.failure()).toBe(ERROR.enhanceYourCalm);
  });
});

describe('a stream ends, and no other', () => {
  const good: Readonly<Record<string, string>> = REQUEST;
  const { ':path': _path, ...noPath } = good;
  it.each<readonly [string, readonly Buffer[], number]>([
    ['without a path', [headers(3, noPath)], ERROR.protocol],
    ['with an empty path', [headers(3, { ...good, ':path': '' })], ERROR.protocol],
    ['with upper case', [headers(3, { ...good, 'X-A': '1' })], ERROR.protocol],
    ['with headers of a connection', [headers(3, { ...good, connection: 'close' })], ERROR.protocol],
    ['with te that is not trailers', [headers(3, { ...good, te: 'gzip' })], ERROR.protocol],
    ['with a pseudo-header of answers', [headers(3, { ...good, ':status': '200' })], ERROR.protocol],
    ['with a pseudo-header behind others', [headers(3, { a: 'b', ...good })], ERROR.protocol],
    ['with a value that has lines', [headers(3, { ...good, a: 'b\r\nc: d' })], ERROR.protocol],
    [
      'with more headers than there may be',
      [headers(3, { ...good, ...Object.fromEntries(Array.from({ length: 70 }, (_, index) => [`x-${index}`, ''])) })],
      ERROR.enhanceYourCalm,
    ],
    ['with trailers that are no end', [headers(3), headers(3, { a: 'b' })], ERROR.protocol],
    ['with trailers that have a path', [headers(3), headers(3, { ':path': '/' }, FLAG.endStream)], ERROR.protocol],
    ['with DATA behind its end', [headers(3, good, FLAG.endStream), data(3, 'x')], ERROR.streamClosed],
    [
      'with headers behind its end',
      [headers(3, good, FLAG.endStream), headers(3, { a: 'b' }, FLAG.endStream)],
      ERROR.streamClosed,
    ],
    ['with more than it said', [headers(3, { ...good, 'content-length': '3' }), data(3, 'four')], ERROR.protocol],
    ['with less than it said', [headers(3, { ...good, 'content-length': '3' }), data(3, 'tw', FLAG.endStream)], ERROR.protocol],
    ['with a window that does not grow', [headers(3), windowUpdate(3, 0)], ERROR.protocol],
    ['with a window that overflows', [headers(3), windowUpdate(3, MAX_WINDOW)], ERROR.flowControl],
    [
      'that is one too many',
      [headers(3), ...[5, 7, 9, 11, 13, 15, 17, 19].map((id) => headers(id)), headers(21)],
      ERROR.refusedStream,
    ],
  ])('%s', (_name, frames, code) => {
    const lab = begun().push(headers(1));
    lab.push(...frames);
    expect([...lab.resets().values()]).toEqual([code]);
    lab.push(data(1, 'still there'));
    expect(lab.isEnded).toBe(false);
    expect(lab.streams[0]?.text).toBe('still there');
  });
});

describe('what a client sends', () => {
  it('is bounded by windows: of a stream, and of the connection', () => {
    const piece = data(1, 'x'.repeat(16_000));
    const one = begun({}, false).push(headers(1), piece, piece, piece, piece);
    expect(one.resets()).toEqual(new Map());
    one.push(piece);
    expect(one.resets()).toEqual(new Map([[1, ERROR.flowControl]]));
    const many = begun({}, false).push(...[1, 3, 5, 7, 9].map((id) => headers(id)));
    for (const id of [1, 3, 5, 7, 9])
      for (let count = 0; count < 4 && !many.isEnded; count += 1) many.push(data(id, 'x'.repeat(16_000)));
    expect(many.failure()).toBe(ERROR.flowControl);
  });

  it('may go on forever where it is read: windows are given back, half of one at a time', () => {
    const lab = begun().push(headers(1));
    const updates = new Map<number, number>();
    for (let count = 0; count < 1_000; count += 1) {
      lab.push(data(1, 'x'.repeat(10_000)));
      for (const { type, stream } of lab.seen()) {
        expect(type).toBe(TYPE.windowUpdate);
        updates.set(stream, (updates.get(stream) ?? 0) + 1);
      }
    }
    expect(lab.streams[0]?.text).toHaveLength(10_000_000);
    // Larger ones than at first, where 10 MB would be 80 halves.
    for (const stream of [0, 1]) expect(updates.get(stream)).toBeLessThan(25);
  });

  it('waits until it is read, byte by byte or not, and is told in its order', async () => {
    const lab = begun({}, false).push(headers(1));
    for (const letter of 'abcdef') lab.push(data(1, letter));
    const [seen] = lab.streams;
    expect(seen?.text).toBe('');
    seen?.stream.read();
    lab.push(data(1, 'g'));
    expect(seen?.text).toBe('');
    await settled();
    lab.push(data(1, 'h'));
    expect(seen?.text).toBe('abcdefgh');
    seen?.stream.pause();
    lab.push(data(1, 'i', FLAG.endStream));
    expect([seen?.text, seen?.happened]).toEqual(['abcdefgh', []]);
    seen?.stream.read();
    await settled();
    expect([seen?.text, seen?.happened]).toEqual(['abcdefghi', ['ended']]);
  });

  it('on a stream that was reset counts for the connection alone, and is given back', () => {
    const lab = begun({ controlBurst: 1e6 }).push(headers(1));
    lab.streams[0]?.stream.reset(ERROR.cancel);
    for (let count = 0; count < 100; count += 1) lab.push(data(1, 'x'.repeat(10_000)));
    expect(lab.isEnded).toBe(false);
    expect(lab.streams[0]?.text).toBe('');
  });
});

describe('what is sent', () => {
  const parts = (length: number): readonly Buffer[] => [Buffer.alloc(length - 1, 'm'), Buffer.from('!')];

  it('goes as far as the windows of the stream and of the connection go, and then on', () => {
    const lab = begun().push(settings([[INITIAL_WINDOW, 10]]), headers(1), headers(3));
    lab.seen();
    const done: number[] = [];
    for (const { stream } of lab.streams) {
      stream.respond(block({ ':status': '200' }));
      stream.write(parts(70_000), 70_000, () => done.push(stream.id));
    }
    expect(sent(lab)).toHaveLength(20);
    lab.push(windowUpdate(1, 69_989));
    // The connection has 65,535.
    expect(sent(lab)).toHaveLength(65_515);
    lab.push(windowUpdate(0, 1_000_000));
    expect(sent(lab)).toHaveLength(69_999 - 65_515 - 10);
    expect(done).toEqual([]);
    lab.push(windowUpdate(1, 1));
    expect([sent(lab), done]).toEqual(['!', [1]]);
    lab.push(settings([[INITIAL_WINDOW, 70_000]]));
    expect([sent(lab).length, done]).toEqual([69_990, [1, 3]]);
  });

  it('counts as sent when it has left; meanwhile nothing else is written, and then all streams have their turn', () => {
    const lab = begun().push(settings([[INITIAL_WINDOW, 1_000_000]]), windowUpdate(0, 2_000_000), headers(1), headers(3));
    lab.seen();
    lab.isOpen = false;
    const done: number[] = [];
    for (const { stream } of lab.streams) {
      stream.respond(block({ ':status': '200' }));
      stream.write(parts(600_000), 600_000, () => done.push(stream.id));
    }
    const turns: string[] = [];
    while (done.length < 2) {
      turns.push(
        lab
          .seen()
          .map(({ stream }) => stream)
          .filter((id, index, all) => id !== all[index - 1])
          .join(),
      );
      lab.push(PING);
      lab.connection.flushed();
    }
    // Answers come first, and both streams get on.
    expect(turns.slice(0, 3)).toEqual(['1', '0,1', '0,3']);
    expect(turns.length).toBeLessThan(12);
  });

  it('tells of what has left of a message, and whoever stands in line that its turn is nearer', () => {
    const lab = begun().push(settings([[INITIAL_WINDOW, 600_000]]), windowUpdate(0, 800_000 - 65_535));
    lab.push(headers(1), headers(3), headers(5)).seen();
    lab.isOpen = false;
    const moved = new Map<number, number>();
    const since = (): Readonly<Record<string, number>> => {
      const all = Object.fromEntries(moved);
      moved.clear();
      return all;
    };
    for (const { stream } of lab.streams)
      stream.write(
        parts(600_000),
        600_000,
        () => undefined,
        () => moved.set(stream.id, 1),
      );
    lab.push(PING);
    expect(since()).toEqual({});
    lab.connection.flushed();
    expect(since()).toEqual({ 1: 1, 3: 1, 5: 1 });
    for (let turn = 0; turn < 3; turn += 1) lab.connection.flushed();
    since();
    expect(sent(lab)).toHaveLength(800_000);
    // Nothing fits into the window of the connection: what is said besides is no progress.
    lab.push(PING);
    lab.connection.flushed();
    expect(since()).toEqual({});
    lab.push(windowUpdate(0, 1_000_000), numberFrame(TYPE.reset, 3, ERROR.cancel));
    for (let turn = 0; turn < 8; turn += 1) lab.connection.flushed();
    expect(since()).toEqual({ 1: 1, 5: 1 });
  });

  it('ends with trailers, and with a reset where the client has more to say that nobody reads', () => {
    const lab = begun().push(headers(1), headers(3, REQUEST, FLAG.endStream));
    lab.seen();
    for (const { stream } of lab.streams) {
      stream.respond(block({ ':status': '200' }));
      stream.write(parts(10), 10, () => undefined);
      stream.end(block({ 'grpc-status': '0' }));
    }
    expect(lab.kinds()).toEqual(['headers/1', 'data/1', 'headers/1', 'reset/1', 'headers/3', 'data/3', 'headers/3']);
    expect(lab.streams.map(({ happened }) => happened)).toEqual([['closed'], ['closed']]);
  });

  it.each([
    [[4_096], false],
    [[65_536, 8_192], false],
    [[4_095], true],
    [[0], true],
    [[0, 4_096], true],
  ])(
    'empties the table of a client that remembers %j bytes, once, with the block behind the acknowledgement',
    (sizes, isSmall) => {
      const lab = begun().push(headers(1), headers(3));
      const [first, second] = lab.streams.map(({ stream }) => stream);
      const begin = (): readonly string[] =>
        lab.seen().map(({ type, flags, payload }) => {
          if (type === TYPE.settings) return `settings ${flags}`;
          return type === TYPE.headers ? payload.toString('hex', 0, 2) : '';
        });
      lab.isOpen = false;
      first?.respond(block({ ':status': '200' }));
      first?.write(parts(10), 10, () => undefined);
      first?.end(block({ ':status': '200' }));
      lab.push(settings(sizes.map((size) => [HEADER_TABLE, size])));
      expect(begin()).toEqual(['88', '']);
      lab.isOpen = true;
      lab.connection.flushed();
      // What was made before they came leaves behind the acknowledgement.
      expect(begin()).toEqual(['settings 1', isSmall ? '2088' : '88', '']);
      second?.respond(block({ ':status': '200' }));
      second?.write(parts(10), 10, () => undefined);
      second?.end(block({ ':status': '200' }));
      expect(begin()).toEqual(['88', '', '88', '']);
      lab.push(headers(5), settings(sizes.map((size) => [HEADER_TABLE, size])));
      lab.seen();
      lab.streams[2]?.stream.end(block({ ':status': '404' }));
      expect(begin()[0]).toBe(isSmall ? '208d' : '8d');
    },
  );

  it('has a table emptied also where trailers fill their frame', () => {
    const lab = begun().push(settings([[HEADER_TABLE, 0]]), headers(1));
    lab.seen();
    const long = block({ a: 'x'.repeat(16_384 - 6) });
    expect(long).toHaveLength(16_384);
    lab.streams[0]?.stream.end(long);
    expect(lab.seen().map(({ payload }) => payload.length)).toEqual([16_384, 1, 4]);
  });

  it('has trailers that are longer than a frame', () => {
    const lab = begun().push(headers(1));
    lab.streams[0]?.stream.end(block({ 'grpc-message': 'x'.repeat(40_000) }));
    expect(lab.kinds()).toEqual(['headers/1', 'continuation/1', 'continuation/1', 'reset/1']);
  });

  it('is forgotten with a stream that its client resets, also while some of it is on its way', () => {
    const lab = begun().push(headers(1), headers(3));
    lab.seen();
    lab.isOpen = false;
    const done: number[] = [];
    for (const { stream } of lab.streams) stream.write(parts(100), 100, () => done.push(stream.id));
    lab.push(numberFrame(TYPE.reset, 1, ERROR.cancel));
    lab.isOpen = true;
    lab.connection.flushed();
    expect(done).toEqual([3]);
    expect(lab.streams[0]?.happened).toEqual(['closed']);
  });
});

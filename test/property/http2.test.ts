/** HTTP/2 from clients that mean well, cut in any way, and from those that do not. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLAG, frameOf, numberFrame, TYPE } from '../../src/http2/frame.ts';
import { HeaderDecoder } from '../../src/http2/header-decoder.ts';
import { block, data, HELLO, headers, REQUEST, type SeenFrame, settings, windowUpdate } from '../support/http2/frames.ts';
import { Http2Lab } from '../support/http2/lab.ts';

/** A connection that answers whatever has ended, and what became of its streams. */
function answered(chunks: readonly Buffer[], isOpen: (index: number) => boolean = () => true): Http2Lab {
  const lab = new Http2Lab({ controlBurst: 50, resetBurst: 20 });
  const seen = new Set<number>();
  for (const [index, chunk] of chunks.entries()) {
    lab.isOpen = isOpen(index);
    // It is lent.
    const lent = Buffer.from(chunk);
    lab.connection.push(lent);
    lent.fill(0xee);
    for (const { stream, happened, text } of lab.streams) {
      if (seen.has(stream.id) || !happened.includes('ended') || stream.isClosed) continue;
      seen.add(stream.id);
      const body = Buffer.from(`${text.length} bytes`);
      stream.respond(block({ ':status': '200' }));
      stream.write([body], body.length, () => stream.end(block({ 'grpc-status': '0' })));
    }
    lab.connection.flushed();
  }
  return lab;
}

function story(lab: Http2Lab): unknown {
  return [lab.isEnded, lab.happened, lab.streams.map(({ request, text, happened }) => [request, text, happened])];
}

function cut(bytes: Buffer, cuts: readonly number[]): readonly Buffer[] {
  const at = [...new Set([0, ...cuts.map((each) => each % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

const stream = fc.constantFrom(1, 3, 5, 7, 9, 11);
const length = fc.oneof(fc.nat(20), fc.nat(20), fc.nat(16_000));
const body = length.map((size) => Buffer.alloc(size, 'b'));
const ending = fc.constantFrom(0, 0, FLAG.endStream);

/** What may come of a client; not always when it may. */
const goodFrame: fc.Arbitrary<Buffer> = fc.oneof(
  { arbitrary: fc.tuple(stream, ending).map(([id, flags]) => headers(id, REQUEST, flags)), weight: 5 },
  { arbitrary: fc.tuple(stream, body, ending).map(([id, bytes, flags]) => data(id, bytes, flags)), weight: 5 },
  fc
    .tuple(stream, fc.nat(9))
    .map(([id, pad]) => frameOf(TYPE.data, FLAG.padded, id, Buffer.concat([Buffer.from([pad, 1, 2]), Buffer.alloc(pad)]))),
  fc.tuple(stream, fc.nat(20)).map(([id, size]) => {
    const bytes = block(REQUEST);
    const rest = frameOf(TYPE.continuation, FLAG.endHeaders, id, bytes.subarray(size));
    return Buffer.concat([frameOf(TYPE.headers, 0, id, bytes.subarray(0, size)), rest]);
  }),
  fc.tuple(stream, fc.integer({ min: 1, max: 100_000 })).map(([id, bytes]) => windowUpdate(id, bytes)),
  fc.tuple(fc.constantFrom(3, 4, 5, 6, 99), fc.integer({ min: 16_384, max: 70_000 })).map((entry) => settings([entry])),
  fc.constant(frameOf(TYPE.ping, 0, 0, Buffer.alloc(8))),
  stream.map((id) => numberFrame(TYPE.reset, id, 8)),
  stream.map((id) => headers(id, { 'x-trailer': '1' }, FLAG.endStream)),
);

/** Of any type, with anything in it. */
const anyFrame: fc.Arbitrary<Buffer> = fc
  .record({
    type: fc.oneof(fc.nat(10), fc.nat(255)),
    flags: fc.oneof(fc.constantFrom(0, 1, 4, 5, 8, 0x20, 0x2d), fc.nat(255)),
    stream: fc.oneof(fc.nat(12), fc.nat(0xffffffff)),
    payload: fc.oneof(fc.uint8Array({ maxLength: 12 }), fc.uint8Array({ maxLength: 300 })),
  })
  .map(({ type, flags, stream: id, payload }) => frameOf(type, flags, id, payload));

const LAST_TURN = { sizes: [], isOpen: true, isAnswered: true, isFlushed: true };

/** Goes by RFC 7541, section 4.2: behind the acknowledgement that its table is smaller, a block empties it first. */
class ForgetfulClient {
  blocks = 0;
  /** Of SETTINGS that are not acknowledged: whether they make the table smaller than it was at first. */
  readonly #sent: boolean[] = [];
  #isOwed = false;

  settings(sizes: readonly number[]): Buffer {
    this.#sent.push(sizes.some((size) => size < 4_096));
    return settings(sizes.map((size) => [1, size]));
  }

  take(frames: readonly SeenFrame[]): void {
    for (const { type, flags, payload } of frames) {
      if (type === TYPE.settings && (flags & FLAG.ack) !== 0 && this.#sent.shift() === true) this.#isOwed = true;
      if (type !== TYPE.headers) continue;
      this.blocks += 1;
      expect(payload[0] === 0x20).toBe(this.#isOwed);
      this.#isOwed = false;
      expect(new HeaderDecoder(0).decode(payload, () => undefined)).toBe(true);
    }
  }
}

const cuts = fc.array(fc.nat(100_000), { maxLength: 40 });

describe('HTTP/2', () => {
  it('means the same, wherever it is cut', () => {
    fc.assert(
      fc.property(fc.array(goodFrame, { maxLength: 25 }), cuts, (frames, where) => {
        const bytes = Buffer.concat([HELLO, ...frames]);
        const whole = new Http2Lab().push(bytes);
        const pieces = new Http2Lab();
        for (const piece of cut(bytes, where)) pieces.push(piece);
        expect(story(pieces)).toEqual(story(whole));
      }),
      { numRuns: 300 },
    );
  });

  it('is never answered by a throw, nor by more than what was sent, whatever it is', () => {
    const frames = fc.array(fc.oneof(goodFrame, anyFrame), { maxLength: 30 });
    const edits = fc.array(fc.tuple(fc.nat(100_000), fc.nat(255)), { maxLength: 8 });
    fc.assert(
      fc.property(frames, edits, cuts, fc.array(fc.boolean(), { maxLength: 40 }), (sent, changes, where, open) => {
        const bytes = Buffer.concat([HELLO, ...sent]);
        for (const [at, value] of changes) bytes[HELLO.length + (at % Math.max(1, bytes.length - HELLO.length))] = value;
        const lab = answered(cut(bytes, where), (index) => open[index] ?? true);
        const said = lab.seen();
        // Frames are whole, and nothing is said of streams that the client has not opened or spoken of.
        const size = said.reduce((sum, { payload }) => sum + 9 + payload.length, 0);
        expect(size).toBeLessThan(2 * bytes.length + 4_000);
        for (const { happened } of lab.streams) {
          expect(happened.filter((each) => each === 'closed').length).toBeLessThan(2);
          expect(happened.slice(0, -1)).not.toContain('closed');
        }
        if (!lab.isEnded) return;
        for (const { happened } of lab.streams) expect(happened).toContain('closed');
      }),
      { numRuns: 500 },
    );
  });

  it('empties the table of a client that remembers less, before anything else, whenever what it says leaves', () => {
    const sizes = fc.array(fc.constantFrom(0, 1, 2_048, 4_095, 4_096, 65_536), { maxLength: 3 });
    const turn = fc.record({ sizes, isOpen: fc.boolean(), isAnswered: fc.boolean(), isFlushed: fc.boolean() });
    fc.assert(
      fc.property(fc.array(turn, { minLength: 1, maxLength: 9 }), (turns) => {
        const lab = new Http2Lab().push(HELLO);
        const client = new ForgetfulClient();
        lab.seen();
        for (const [index, { sizes: sent, isOpen, isAnswered, isFlushed }] of [...turns, LAST_TURN].entries()) {
          lab.isOpen = isOpen;
          lab.push(headers(2 * index + 1), client.settings(sent));
          const answer = isAnswered ? lab.streams : lab.streams.slice(-1);
          for (const { stream } of answer) {
            if (stream.hasResponded || stream.isClosed) continue;
            stream.respond(block({ ':status': '200' }));
            stream.write([Buffer.from('x')], 1, () => undefined);
            stream.end(block({ 'grpc-status': '0' }));
          }
          if (isFlushed) lab.connection.flushed();
          client.take(lab.seen());
        }
        lab.connection.flushed();
        client.take(lab.seen());
        expect(client.blocks).toBe(2 * lab.streams.length);
      }),
      { numRuns: 300 },
    );
  });

  it('answers every request that has ended, whenever what it says leaves', () => {
    const request = fc.record({ size: fc.nat(30_000), isOpen: fc.boolean() });
    fc.assert(
      fc.property(fc.array(request, { minLength: 1, maxLength: 10 }), cuts, (requests, where) => {
        const bytes = Buffer.concat([
          HELLO,
          ...requests.flatMap(({ size }, index) => {
            const whole = Buffer.alloc(size, 'b');
            const pieces = [whole.subarray(0, 16_000), whole.subarray(16_000)].filter((each) => each.length > 0);
            return [headers(2 * index + 1), ...pieces.map((piece) => data(2 * index + 1, piece)), data(2 * index + 1, '', 1)];
          }),
        ]);
        const lab = answered(cut(bytes, where), (index) => requests[index % requests.length]?.isOpen ?? true);
        for (let turn = 0; turn < 10; turn += 1) lab.connection.flushed();
        expect(lab.streams.map(({ text, happened }) => [text.length, happened])).toEqual(
          requests.map(({ size }) => [size, ['ended', 'closed']]),
        );
        expect(lab.isEnded).toBe(false);
      }),
      { numRuns: 200 },
    );
  });
});

import { describe, expect, it } from 'vitest';
import { MessageReader } from '../../../src/grpc/message-reader.ts';
import { ReceiveBudget } from '../../../src/grpc/receive-budget.ts';
import { STATUS } from '../../../src/grpc/status.ts';
import { framed } from '../../support/grpc/raw-client.ts';

function readerOf(options: { readonly maxBytes?: number; readonly budget?: ReceiveBudget } = {}) {
  const messages: string[] = [];
  const { maxBytes = 1_000, budget = new ReceiveBudget(10_000) } = options;
  const reader = new MessageReader({ maxBytes, budget, onMessage: (bytes) => messages.push(bytes.toString()) });
  return { reader, messages };
}

/** How much of a budget is left. */
function left(budget: ReceiveBudget, upTo: number): number {
  for (let bytes = upTo; bytes > 0; bytes -= 1) {
    if (!budget.take(bytes)) continue;
    budget.give(bytes);
    return bytes;
  }
  return 0;
}

describe('a reader of messages', () => {
  const stream = Buffer.concat([framed('one'), framed(''), framed('x'.repeat(300)), framed('last')]);

  it('puts them together, wherever they were cut', () => {
    for (let size = 1; size <= stream.length; size += 1) {
      const { reader, messages } = readerOf();
      for (let at = 0; at < stream.length; at += size) expect(reader.push(stream.subarray(at, at + size))).toBeUndefined();
      expect(messages).toEqual(['one', '', 'x'.repeat(300), 'last']);
      expect(reader.isWithin).toBe(false);
    }
  });

  it('F8: refuses one that is too long by what it says of itself, before any of it is there', () => {
    const { reader, messages } = readerOf({ maxBytes: 10 });
    expect(reader.push(framed('x'.repeat(10)))).toBeUndefined();
    expect(reader.push(framed('x'.repeat(11)).subarray(0, 5))).toMatchObject({
      code: STATUS.resourceExhausted,
      details: expect.stringContaining('11'),
    });
    expect(reader.push(framed('next'))).toBeUndefined();
    expect(messages).toEqual(['x'.repeat(10)]);
  });

  it('refuses what is compressed, and what is no message', () => {
    expect(readerOf().reader.push(framed('x', 1))).toMatchObject({ code: STATUS.unimplemented });
    expect(readerOf().reader.push(framed('x', 2))).toMatchObject({ code: STATUS.internal });
  });

  it('F8: takes what it holds from what all may hold, and gives it back', () => {
    const budget = new ReceiveBudget(100);
    const [first, second] = [readerOf({ budget }), readerOf({ budget })];
    expect(first.reader.push(framed('x'.repeat(200)).subarray(0, 60))).toBeUndefined();
    expect(left(budget, 100)).toBe(40);
    expect(second.reader.push(framed('y'.repeat(200)).subarray(0, 60))).toMatchObject({ code: STATUS.resourceExhausted });
    // Whole messages are not held.
    expect(readerOf({ budget }).reader.push(framed('z'.repeat(500)))).toBeUndefined();
    first.reader.end();
    expect(left(budget, 100)).toBe(100);
    const third = readerOf({ budget });
    const bytes = framed('x'.repeat(90));
    for (const byte of bytes) expect(third.reader.push(Buffer.from([byte]))).toBeUndefined();
    expect(third.messages).toHaveLength(1);
    expect(left(budget, 100)).toBe(100);
  });

  it('reads nothing more once it was ended, also while it hands a message over', () => {
    const messages: string[] = [];
    const reader: MessageReader = new MessageReader({
      maxBytes: 100,
      budget: new ReceiveBudget(100),
      onMessage: (bytes) => {
        messages.push(bytes.toString());
        reader.end();
      },
    });
    expect(reader.push(Buffer.concat([framed('one'), framed('two'), framed('three').subarray(0, 4)]))).toBeUndefined();
    expect(reader.push(framed('four'))).toBeUndefined();
    expect(messages).toEqual(['one']);
    expect(reader.isWithin).toBe(false);
  });
});

import { describe, expect, it } from 'vitest';
import { giveBack } from '../../../src/grpc/give-back.ts';

describe('memory that is given back', () => {
  it('is gone at once', () => {
    const bytes = Buffer.allocUnsafeSlow(64 * 1024);
    giveBack(bytes);
    expect(bytes).toHaveLength(0);
  });

  it('is no memory that others use too', () => {
    const all = Buffer.alloc(64 * 1024, 'x');
    giveBack(all.subarray(0, 32 * 1024));
    const shared = Buffer.from(new SharedArrayBuffer(64 * 1024));
    giveBack(shared);
    const pooled = Buffer.from('small');
    giveBack(pooled);
    expect([all.toString('latin1', 65_535), shared.length, pooled.toString()]).toEqual(['x', 64 * 1024, 'small']);
  });
});

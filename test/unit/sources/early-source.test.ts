import { describe, expect, test } from 'vitest';
import { EarlySource } from '../../../src/sources/early-source.ts';
import type { OnBatch, Source, SourceBatch } from '../../../src/sources/source.ts';

function batch(trouble: string): SourceBatch {
  return { changes: [], problems: [], synced: false, trouble };
}

/** A source that says what it is told to. */
class Spoken implements Source {
  readonly name = 'spoken';
  isFollowed = false;
  say: OnBatch = () => undefined;

  follow(onBatch: OnBatch): Disposable {
    this.isFollowed = true;
    this.say = onBatch;
    return {
      [Symbol.dispose]: () => {
        this.isFollowed = false;
      },
    };
  }

  lastReadAt(): number {
    return 42;
  }
}

describe('a source that is read early', () => {
  test('is read before anybody follows; what came is told in order, then what comes', () => {
    const spoken = new Spoken();
    const early = new EarlySource(spoken);
    expect(spoken.isFollowed).toBe(true);
    spoken.say(batch('first'));
    spoken.say(batch('second'));
    const heard: (string | undefined)[] = [];
    early.follow(({ trouble }) => heard.push(trouble));
    expect(heard).toEqual(['first', 'second']);
    spoken.say(batch('third'));
    expect(heard).toEqual(['first', 'second', 'third']);
  });

  test('ends with whoever follows it, or by itself when nobody does', () => {
    const spoken = new Spoken();
    new EarlySource(spoken).follow(() => undefined)[Symbol.dispose]();
    expect(spoken.isFollowed).toBe(false);
    const early = new EarlySource(spoken);
    expect(spoken.isFollowed).toBe(true);
    early[Symbol.dispose]();
    expect(spoken.isFollowed).toBe(false);
  });

  test('is followed once', () => {
    const early = new EarlySource(new Spoken());
    early.follow(() => undefined);
    expect(() => early.follow(() => undefined)).toThrow('The source spoken is followed already.');
  });

  test('says of the clock and of the last reading what its source says', () => {
    const spoken = new Spoken();
    expect(new EarlySource(spoken).clockAheadMs).toBeUndefined();
    expect(new EarlySource(spoken).lastReadAt()).toBe(42);
    expect(new EarlySource(Object.assign(new Spoken(), { clockAheadMs: () => 7 })).clockAheadMs?.()).toBe(7);
  });
});

import { describe, expect, it } from 'vitest';
import { Admission, type AdmissionLimits, type Applicant } from '../../../src/xds/admission.ts';

const LIMITS: AdmissionLimits = { maxSyncing: 2, waitMs: 1_000, maxWaiting: 3, syncMs: 200 };
/** Neither more nor less than what the limits say. */
const even = (): number => 0.5;

class Stream implements Applicant {
  state = 'waiting';

  admit(): void {
    this.state = 'admitted';
  }

  sendAway(reason: string): void {
    this.state = reason;
  }
}

function crowd(admission: Admission, count: number, now = 0): readonly Stream[] {
  return Array.from({ length: count }, () => {
    const stream = new Stream();
    admission.apply(stream, now);
    return stream;
  });
}

const states = (streams: readonly Stream[]): readonly string[] => streams.map(({ state }) => state.replace(/ .*/, ''));

describe('F5: streams that come together', () => {
  it('are brought up to date so many at once, in the order in which they came', () => {
    const admission = new Admission(LIMITS, even);
    admission.open(0);
    const streams = crowd(admission, 5);
    expect(states(streams)).toEqual(['admitted', 'admitted', 'waiting', 'waiting', 'waiting']);
    const [first, , third] = streams;
    if (first === undefined || third === undefined) throw new Error('There are five.');
    admission.done(first, 10);
    expect(states(streams)).toEqual(['admitted', 'admitted', 'admitted', 'waiting', 'waiting']);
    // Done once is done.
    admission.done(first, 10);
    expect(states(streams)).toEqual(['admitted', 'admitted', 'admitted', 'waiting', 'waiting']);
  });

  it("leave the queue when they go, and take nobody's place", () => {
    const admission = new Admission(LIMITS, even);
    admission.open(0);
    const [first, , third, fourth] = crowd(admission, 4);
    if (first === undefined || third === undefined) throw new Error('There are four.');
    admission.done(third, 10);
    admission.done(first, 10);
    expect([third.state, fourth?.state]).toEqual(['waiting', 'admitted']);
  });

  it('do not wait for one that never gets there: it is served on, beside the others', () => {
    const admission = new Admission(LIMITS, even);
    admission.open(0);
    const streams = crowd(admission, 4);
    admission.check(199);
    expect(states(streams)).toEqual(['admitted', 'admitted', 'waiting', 'waiting']);
    admission.check(200);
    expect(states(streams)).toEqual(['admitted', 'admitted', 'admitted', 'admitted']);
  });

  it('are sent away when too many wait, before they are read, or when they have waited long', () => {
    const admission = new Admission({ ...LIMITS, syncMs: 10_000 }, even);
    admission.open(0);
    const streams = crowd(admission, 6);
    expect(streams[5]?.state).toBe('3 streams wait to be served: come again later.');
    admission.check(999);
    expect(states(streams).slice(2, 5)).toEqual(['waiting', 'waiting', 'waiting']);
    const late = crowd(admission, 1, 999)[0];
    expect(late?.state).toContain('come again later');
    admission.check(1_000);
    expect(streams.slice(2, 5).every(({ state }) => state.includes('come again later'))).toBe(true);
    expect(crowd(admission, 1, 1_000)[0]?.state).toBe('waiting');
  });

  it('wait a fifth more or less, each as long as chance has it: they are not sent away together', () => {
    const chances = [1, 0, 0.5];
    const admission = new Admission({ ...LIMITS, syncMs: 10_000 }, () => chances.shift() ?? 0.5);
    admission.open(0);
    const waiting = crowd(admission, 5).slice(2);
    const goneAt = waiting.map(() => 0);
    for (let now = 1; now <= 1_300; now += 1) {
      admission.check(now);
      for (const [index, { state }] of waiting.entries()) if (state !== 'waiting') goneAt[index] ||= now;
    }
    expect(goneAt).toEqual([1_200, 800, 1_000]);
  });

  it('wait as long as there is nothing to serve', () => {
    const admission = new Admission(LIMITS, even);
    const streams = crowd(admission, 4);
    admission.check(50_000);
    expect(states(streams)).toEqual(['admitted', 'admitted', 'waiting', 'waiting']);
    admission.open(60_000);
    admission.check(60_199);
    expect(states(streams)).toEqual(['admitted', 'admitted', 'waiting', 'waiting']);
    admission.check(60_200);
    expect(states(streams)).toEqual(['admitted', 'admitted', 'admitted', 'admitted']);
  });
});

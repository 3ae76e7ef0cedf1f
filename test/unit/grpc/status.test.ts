import { expect, it } from 'vitest';
import { encodeDetails } from '../../../src/grpc/status.ts';

it.each([
  ['plain text, with ~ and "quotes"', 'plain text, with ~ and "quotes"'],
  ['100 %', '100 %25'],
  ['über\n😀', '%C3%BCber%0A%F0%9F%98%80'],
  ['half \ud83d', 'half %EF%BF%BD'],
])('the details %j go out as %j', (details, encoded) => {
  expect(encodeDetails(details)).toBe(encoded);
});

it('details are cut where they would fill a block of headers', () => {
  expect(encodeDetails('x'.repeat(100_000)).length).toBeLessThan(10_000);
  // Not within a character.
  expect(() => decodeURIComponent(encodeDetails('😀'.repeat(5_000)))).not.toThrow();
});

import { expect, test } from 'vitest';
import { ReceiveBudget } from '../../../src/grpc/receive-budget.ts';
import { WaitingMessages } from '../../../src/grpc/waiting-messages.ts';

const KB = 1_024;

function waitingOf(budget: ReceiveBudget): { readonly waiting: WaitingMessages; readonly happened: string[] } {
  const happened: string[] = [];
  const pause = (): void => void happened.push('pause');
  const resume = (): void => void happened.push('resume');
  return { waiting: new WaitingMessages({ budget, pause, resume }), happened };
}

test('beyond 1 MiB no more is read, until some of it is taken', () => {
  const { waiting, happened } = waitingOf(new ReceiveBudget(10_000 * KB));
  const lent = Buffer.alloc(600 * KB, 'a');
  waiting.push(lent);
  lent.fill('b');
  expect(happened).toEqual([]);
  waiting.push(lent);
  waiting.push(lent);
  expect(happened).toEqual(['pause']);
  expect(waiting.shift()?.toString('latin1', 0, 1)).toBe('a');
  expect(happened).toEqual(['pause']);
  expect(waiting.shift()?.toString('latin1', 0, 1)).toBe('b');
  expect(happened).toEqual(['pause', 'resume']);
  waiting.push(lent);
  expect(waiting.take()).toHaveLength(2);
  expect([waiting.length, waiting.shift()]).toEqual([0, undefined]);
  expect(happened).toEqual(['pause', 'resume', 'pause', 'resume']);
});

test('all together have their bounds, and give back what they took', () => {
  const budget = new ReceiveBudget(100);
  const [first, second] = [waitingOf(budget).waiting, waitingOf(budget).waiting];
  expect(first.push(Buffer.alloc(60))).toBe(true);
  expect(second.push(Buffer.alloc(60))).toBe(false);
  expect(second.push(Buffer.alloc(40))).toBe(true);
  first.shift();
  second.take();
  expect(second.push(Buffer.alloc(100))).toBe(true);
  second.drop();
  expect(first.push(Buffer.alloc(100))).toBe(true);
});

test('of a call that is over no more is read', () => {
  const { waiting, happened } = waitingOf(new ReceiveBudget(10_000 * KB));
  waiting.push(Buffer.alloc(2_000 * KB));
  waiting.drop();
  waiting.drop();
  expect([happened, waiting.length]).toEqual([['pause'], 0]);
});

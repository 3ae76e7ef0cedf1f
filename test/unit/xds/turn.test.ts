import { expect, test } from 'vitest';
import { type Speaker, Turn } from '../../../src/xds/turn.ts';

/** An event loop whose turns are taken by hand, and who was asked in them. */
function loop(): { turn: Turn; pass: () => readonly string[]; speaker: (name: string) => Speaker } {
  let tasks: (() => void)[] = [];
  let woken: string[] = [];
  return {
    turn: new Turn((task) => tasks.push(task)),
    pass: () => {
      const due = tasks;
      tasks = [];
      woken = [];
      for (const task of due) task();
      return woken;
    },
    speaker: (name) => ({ wake: () => woken.push(name) }),
  };
}

test('streams are asked in the turn after a change, once', () => {
  const { turn, pass, speaker } = loop();
  const [a, b] = [speaker('a'), speaker('b')];
  for (const each of [a, b, a]) turn.changed(each);
  expect(pass()).toEqual(['a', 'b']);
  expect(pass()).toEqual([]);
});

test('who was heard is asked when what came with it was read, and is told what changed meanwhile', () => {
  const { turn, pass, speaker } = loop();
  const [a, b] = [speaker('a'), speaker('b')];
  turn.heard(a);
  expect(pass()).toEqual([]);
  turn.changed(a);
  turn.changed(b);
  turn.heard(b);
  expect(pass()).toEqual(['a', 'b']);
  expect(pass()).toEqual([]);
});

test('what changed waits a turn where streams are heard, for what comes with them; and no longer', () => {
  const { turn, pass, speaker } = loop();
  const [a, b] = [speaker('a'), speaker('b')];
  turn.changed(a);
  turn.heard(b);
  expect(pass()).toEqual([]);
  turn.heard(b);
  expect(pass()).toEqual(['a', 'b']);
  turn.heard(a);
  expect(pass()).toEqual([]);
  expect(pass()).toEqual(['a']);
});

test('who has left is not asked', () => {
  const { turn, pass, speaker } = loop();
  const [a, b] = [speaker('a'), speaker('b')];
  turn.changed(a);
  turn.changed(b);
  turn.forget(a);
  expect(pass()).toEqual(['b']);
});

import { describe, expect, it } from 'vitest';
import type { InterceptId } from '../../../src/model/names.ts';
import type { ResourceType } from '../../../src/translate/resource.ts';
import { typesOf } from '../../../src/translate/scope.ts';
import { IdSet } from '../../../src/xds/id-set.ts';
import { encode } from '../../../src/xds/resource.ts';
import { type EncodedChange, View, type ViewReader } from '../../../src/xds/view.ts';
import { type FakeOptions, fakeResource } from '../../support/xds/fake-world.ts';

const TYPES = typesOf({ kind: 'client' });
const put = (type: ResourceType, name: string, content: string, options: FakeOptions = {}): EncodedChange => ({
  type,
  name,
  resource: encode(fakeResource(type, name, content, options)),
});
const gone = (type: ResourceType, name: string): EncodedChange => ({ type, name, resource: undefined });
// Intercept ids are opaque to this room.
const id = (text: string): InterceptId => text as InterceptId;

class Reader implements ViewReader {
  cursor: number;

  constructor(cursor: number) {
    this.cursor = cursor;
  }

  cursorsOf(): Iterable<number> {
    return [this.cursor];
  }

  idsOf(): undefined {
    return undefined;
  }
}

const names = (view: View, cursor: number): readonly string[] => [...view.log('route').since(cursor)].map(({ name }) => name);

describe('a view', () => {
  it('tells what changed after a cursor, each name once, in the order of its newest change', () => {
    const view = new View('test', TYPES);
    view.apply([put('route', 'a', '1'), put('route', 'b', '1'), put('route', 'c', '1')]);
    const cursor = view.seq;
    view.apply([put('route', 'c', '2'), put('route', 'a', '2')]);
    view.apply([put('route', 'c', '3')]);
    expect(names(view, 0)).toEqual(['b', 'a', 'c']);
    expect(names(view, cursor)).toEqual(['a', 'c']);
    expect(names(view, view.seq)).toEqual([]);
  });

  it('does not count what is equal as a change, and takes over who shaped it', () => {
    const view = new View('test', TYPES);
    view.apply([put('route', 'a', '1', { intercepts: [id('x')] })]);
    const { seq } = view;
    expect(view.apply([put('route', 'a', '1', { intercepts: [id('y')] })])).toMatchObject({ changed: 0, seq });
    expect([...view.resourcesOf(id('x'))]).toEqual([]);
    expect([...view.resourcesOf(id('y'))]).toMatchObject([{ name: 'a' }]);
  });

  it('remembers what a name was at every cursor that a stream stands on, and nothing else', () => {
    const view = new View('test', TYPES);
    view.apply([put('route', 'a', '0')]);
    const early = new Reader(view.seq);
    view.attach(early);
    for (let index = 1; index <= 5_000; index += 1)
      view.apply([put('route', 'a', String(index)), put('route', `n${index}`, '1'), gone('route', `n${index}`)]);
    const entry = view.log('route').entry('a');
    const first = encode(fakeResource('route', 'a', '0')).version;
    expect(entry?.at(early.cursor)?.version).toBe(first);
    // 5,000 names came and went: what no stream has is not kept, nor is their order, nor their numbers.
    expect([...view.log('route').entries()].length).toBeLessThan(200);
    expect(names(view, 0).length).toBeLessThan(200);
    expect(view.log('route').names.size).toBeLessThan(200);
    view.detach(early);
    for (let index = 0; index < 200; index += 1) view.apply([put('route', 'b', String(index))]);
    expect(entry?.at(early.cursor)).toBeUndefined();
  });

  it('keeps what is gone as long as a stream may still have it', () => {
    const view = new View('test', TYPES);
    view.apply([put('route', 'a', '1')]);
    const reader = new Reader(view.seq);
    view.attach(reader);
    view.apply([gone('route', 'a')]);
    for (let index = 0; index < 500; index += 1) view.apply([put('route', 'b', String(index))]);
    expect(view.log('route').entry('a')?.at(reader.cursor)).toBeDefined();
    expect(names(view, reader.cursor)).toEqual(['a', 'b']);
    reader.cursor = view.seq;
    for (let index = 0; index < 500; index += 1) view.apply([put('route', 'b', `x${index}`)]);
    expect(view.log('route').entry('a')).toBeUndefined();
  });

  it('has a version that depends on what is in it and on nothing else (C5)', () => {
    const one = new View('one', TYPES);
    one.apply([put('route', 'a', '1'), put('route', 'b', '1')]);
    const other = new View('other', TYPES);
    other.apply([put('route', 'b', '2'), put('route', 'c', '1')]);
    other.apply([gone('route', 'c'), put('route', 'a', '1'), put('route', 'b', '1')]);
    expect(other.log('route').version).toBe(one.log('route').version);
    other.apply([gone('route', 'a')]);
    expect(other.log('route').version).not.toBe(one.log('route').version);
  });

  it('has an assignment for every cluster that takes endpoints, ours where none is given (M6, R5)', () => {
    const view = new View('test', TYPES);
    const endpoints = () => view.log('endpoints').entry('e')?.current?.version;
    const empty = encode({ ...fakeResource('endpoints', 'e', ''), message: { cluster_name: 'e' } }).version;
    const given = encode(fakeResource('endpoints', 'e', '1')).version;
    view.apply([put('cluster', 'a', '1', { endpointsName: 'e' }), put('cluster', 'b', '1', { endpointsName: 'e' })]);
    expect(endpoints()).toBe(empty);
    view.apply([put('endpoints', 'e', '1')]);
    expect(endpoints()).toBe(given);
    view.apply([gone('endpoints', 'e')]);
    expect(endpoints()).toBe(empty);
    view.apply([gone('cluster', 'a')]);
    expect(endpoints()).toBe(empty);
    view.apply([gone('cluster', 'b')]);
    expect(endpoints()).toBeUndefined();
    view.apply([put('endpoints', 'e', '1'), put('cluster', 'a', '1', { endpointsName: 'e' }), gone('cluster', 'a')]);
    expect(endpoints()).toBe(given);
  });

  describe('of which routes are left over that somebody asks for', () => {
    const leftover = (name: string) => (name.startsWith('l') ? encode(fakeResource('route', name, 'left')) : undefined);
    /** @returns a stream that asks for routes by these names. */
    const asking = (view: View, ...asked: string[]): ViewReader => {
      const ids = new IdSet();
      const reader = { cursorsOf: () => [view.seq], idsOf: (type: ResourceType) => (type === 'route' ? ids : undefined) };
      view.attach(reader);
      view.supply(asked);
      for (const name of asked) ids.add(view.log('route').names.idOf(name));
      return reader;
    };
    const contents = (view: View): readonly string[] => {
      const log = view.log('route');
      return [...log.live].map((each) => `${log.entryOf(each)?.name} ${log.entryOf(each)?.current?.bytes.includes('left')}`);
    };

    it('answers for what is not planned, and what was, and for no other name', () => {
      const view = new View('test', TYPES, undefined, leftover);
      view.apply([put('route', 'l1', '1'), put('route', 'l2', '1'), put('route', 'l3', '1')]);
      asking(view, 'l1', 'l4', 'x');
      expect(contents(view)).toEqual(['l1 false', 'l2 false', 'l3 false', 'l4 true']);
      view.apply([gone('route', 'l1'), gone('route', 'l2'), put('route', 'l4', '1')]);
      expect(contents(view)).toEqual(['l1 true', 'l3 false', 'l4 false']);
      expect(['l1', 'l2', 'l3'].map((name) => view.isPlanned('route', name))).toEqual([false, false, true]);
      view.apply([put('route', 'l1', '2')]);
      expect(contents(view)).toEqual(['l1 false', 'l3 false', 'l4 false']);
    });

    it('keeps 256 of them, and makes room by those that nobody asks for any more', () => {
      const view = new View('test', TYPES, undefined, leftover);
      const many = Array.from({ length: 1_000 }, (_, index) => `l${index}`);
      const reader = asking(view, ...many);
      expect(view.log('route').size).toBe(256);
      asking(view, 'l-other');
      expect(contents(view)).not.toContain('l-other true');
      view.detach(reader);
      asking(view, 'l-more');
      expect(contents(view)).toEqual(['l-more true']);
    });
  });
});

/** Baggage members that rules look at become private headers, on a real Envoy. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HeaderList, type Lab, labHost, startLab, values } from './lua-lab.ts';

const USER = 'x-detour-baggage-user';

interface Case {
  readonly promise: string;
  readonly headers: HeaderList;
  readonly user: readonly string[];
  readonly route: string;
}

const CASES: readonly Case[] = [
  { promise: 'a member that a rule names', headers: [['baggage', 'user=alice']], user: ['alice'], route: 'user=alice' },
  {
    promise: 'with blanks and properties',
    headers: [['baggage', 'a=1 ,  user = alice ;p=1']],
    user: ['alice'],
    route: 'user=alice',
  },
  { promise: 'its name in other letters', headers: [['baggage', 'USER=alice']], user: ['alice'], route: 'user=alice' },
  { promise: 'no member: no header', headers: [['baggage', 'a=1']], user: [], route: 'baseline' },
  { promise: 'what the client sent by that name is gone', headers: [[USER, 'alice']], user: [], route: 'baseline' },
  {
    promise: 'or overwritten, every line of it',
    headers: [
      [USER, 'alice'],
      ['baggage', 'user=bob'],
      [USER, 'alice'],
    ],
    user: ['bob'],
    route: 'baseline',
  },
  { promise: 'a value is decoded', headers: [['baggage', 'user=a%20b%2C%3b%3Dc']], user: ['a b,;=c'], route: 'user=a b,;=c' },
  {
    promise: 'to the bytes that were encoded',
    headers: [['baggage', 'user=J%C3%BCrgen']],
    user: [Buffer.from('Jürgen').toString('latin1')],
    route: 'user=Jürgen',
  },
  {
    promise: 'unless that is no header value: a line break',
    headers: [['baggage', 'user=a%0D%0Ab']],
    user: ['a%0D%0Ab'],
    route: 'baseline',
  },
  { promise: 'a byte of zero', headers: [['baggage', 'user=alice%00']], user: ['alice%00'], route: 'baseline' },
  { promise: 'a delete', headers: [['baggage', 'user=%7falice']], user: ['%7falice'], route: 'baseline' },
  { promise: 'a blank at an end', headers: [['baggage', 'user=%20alice']], user: ['%20alice'], route: 'baseline' },
  { promise: 'a tab inside is a value', headers: [['baggage', 'user=a%09b']], user: ['a\tb'], route: 'baseline' },
  {
    promise: 'an invalid escape stays beside a valid one',
    headers: [['baggage', 'user=%zz%41%4']],
    user: ['%zzA%4'],
    route: 'baseline',
  },
  {
    promise: 'the first member with a value counts',
    headers: [['baggage', 'user=,user=bob,user=alice']],
    user: ['bob'],
    route: 'baseline',
  },
  { promise: 'members with - and _ in their names', headers: [['baggage', 'user_id-2=x']], user: [], route: 'user_id-2=x' },
  {
    promise: 'the key comes before them',
    headers: [
      ['baggage', 'user=alice'],
      ['x-detour', 'pr-1'],
    ],
    user: ['alice'],
    route: 'pr-1',
  },
  { promise: 'the key in the same baggage', headers: [['baggage', 'user=alice,detour=pr-1']], user: ['alice'], route: 'pr-1' },
];

describe('baggage members', () => {
  let lab: Lab;
  beforeAll(async () => {
    const members = { user: ['alice', 'a b,;=c', 'Jürgen'], 'user_id-2': ['x'] };
    lab = await startLab({
      settings: { role: 'outbound' },
      hosts: [
        { shardHost: '', virtualHost: labHost({ name: 'api', domains: ['api'], members }) },
        { shardHost: '', virtualHost: labHost({ name: 'plain', domains: ['plain'] }) },
        { shardHost: '', virtualHost: labHost({ name: 'odd', domains: ['odd'], rawMembers: { a: [1, {}, 'b'] } }) },
        { shardHost: '', virtualHost: labHost({ name: 'broken', domains: ['broken'], rawMembers: [{ a: 1 }] }) },
      ],
    });
  });
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  });

  it.each(CASES)('$promise', async ({ headers, user, route }) => {
    const reply = await lab.ask({ host: 'api', headers });
    expect({ user: values(reply, USER), route: Buffer.from(reply.route ?? '', 'latin1').toString('utf8') }).toEqual({
      user,
      route: `api:${route}`,
    });
  });

  it('are not looked at where no rule names one', async () => {
    const reply = await lab.ask({ host: 'plain', headers: [['baggage', 'user=alice']] });
    expect(values(reply, USER)).toEqual([]);
    expect(reply.route).toBe('plain:baseline');
  });

  it('cannot fail a request, whatever the metadata says', async () => {
    for (const host of ['odd', 'broken']) {
      const reply = await lab.ask({ host, headers: [['baggage', 'user=alice,detour=pr-1']] });
      expect([reply.status, reply.route]).toEqual([200, `${host}:pr-1`]);
    }
    // One request had a Lua error, and Envoy went on without the rest of the filter.
    expect(await lab.envoy.stat('http.lab.lua.errors')).toBeGreaterThan(0);
  });
});

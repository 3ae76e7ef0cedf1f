/**
 * Routes for clients that route for themselves (proxyless gRPC). They have no filter of ours: every carrier is a header
 * match of its own, in the order of the carriers, and there are no marks, stamps and copies.
 */
import type { HeaderMatcher, Route, RouteConfiguration } from '../generated/envoy.d.ts';
import type { Carriers } from '../model/carriers.ts';
import type { PortModel } from '../model/intercept.ts';
import type { Predicate } from '../model/rule.ts';
import { decide, type Leaf } from './decision.ts';
import { clientHop } from './hops.ts';
import { memberEquals, memberMatchers } from './member-regex.ts';
import type { EnvoyResource } from './resource.ts';
import { headerMatcher } from './route-match.ts';
import { routeAction } from './routes.ts';
import { sortedUnique } from './sorted-unique.ts';
import { clustersOf } from './virtual-host.ts';

/** @param name the listener's, which is its name too. */
export function clientConfiguration(name: string, port: PortModel, carriers: Carriers): EnvoyResource {
  const decision = decide([port], clientHop(carriers.header));
  // There is no stamp, so requests with a key that nobody has are like those without.
  const { rules, rest } = decision.otherwise;
  const rows = [...rules, ...rest.filter((row) => row.match.length === 0)];
  const keyed = [...decision.keys].flatMap(([key, choice]) => choice.rest.map(({ leaf }) => ({ key, leaf })));
  const routes = [
    ...carrierMatches(carriers).flatMap((match) => keyed.map(({ key, leaf }) => clientRoute(leaf, match(key)))),
    ...rows.flatMap((row) => rowMatches(row.match).map((match) => clientRoute(row.leaf, match))),
  ];
  const message: RouteConfiguration = { name, virtual_hosts: [{ name, domains: ['*'], routes }] };
  const clusters = [...keyed.map(({ leaf }) => leaf), ...rows.map((row) => row.leaf)].flatMap(clustersOf);
  return {
    type: 'route',
    name,
    message,
    clusters: sortedUnique(clusters),
    endpointsName: undefined,
    intercepts: decision.intercepts,
  };
}

/** One for each place that a key may be in. The header comes before members: where it is there, they do not count. */
function carrierMatches(carriers: Carriers): readonly ((key: string) => readonly HeaderMatcher[])[] {
  const headers = [carriers.header, ...carriers.headerAliases];
  const without = headers.map((name) => headerMatcher(name, 'absent', ''));
  const byHeader = headers.map((name, index) => (key: string) => [...without.slice(0, index), headerMatcher(name, 'exact', key)]);
  const lists = ['baggage', 'tracestate'];
  const byMember = lists.flatMap((list) =>
    [carriers.member, ...carriers.memberAliases].map((member) => (key: string) => [...without, memberEquals(list, member, key)]),
  );
  return [...byHeader, ...byMember];
}

/** Alternatives, each a list of matchers that must all match. */
function rowMatches(predicates: readonly Predicate[]): readonly (readonly HeaderMatcher[])[] {
  return predicates.reduce<readonly (readonly HeaderMatcher[])[]>(
    (soFar, predicate) => soFar.flatMap((before) => predicateMatches(predicate).map((match) => [...before, ...match])),
    [[]],
  );
}

function predicateMatches(predicate: Predicate): readonly (readonly HeaderMatcher[])[] {
  const { subject, operator, value } = predicate;
  if (subject.kind === 'baggage') return memberMatchers('baggage', subject.name, operator, value);
  return [[headerMatcher(subject.name, operator, operator === 'regex' ? grouped(value) : value)]];
}

/**
 * For clients that match a whole value by putting `^` and `$` around the regex (grpc-js): with `a|b` that is something
 * else, and takes everybody whose value begins with `a`. A quote that goes on to the end of the regex is ended there.
 */
function grouped(regex: string): string {
  const lastEscape = [...regex.matchAll(/\\(?:Q.*?(\\E|$)|.)/g)].at(-1);
  return `(?:${regex}${lastEscape?.[1] === '' ? '\\E' : ''})`;
}

function clientRoute(leaf: Leaf, headers: readonly HeaderMatcher[]): Route {
  return {
    name: leaf.name,
    match: { prefix: '/', ...(headers.length > 0 && { headers }) },
    route: routeAction(leaf, () => ({})),
  };
}

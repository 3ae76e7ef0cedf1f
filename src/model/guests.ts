/** Previews of other namespaces than their Service's (docs/security.md). */
import type { Intercept, PortModel } from './intercept.ts';

/** Whether it stands in for a Service of another namespace, which lets it. */
export function isGuest({ preview, target }: Pick<Intercept, 'preview' | 'target'>): boolean {
  return !target.startsWith(`${preview.namespace}/`);
}

/** Without what is another namespace's: for requests of which nobody can tell for which of several Services they are. */
export function withoutGuests(port: PortModel): PortModel {
  const { routes, rules, mirrors, mirrorRules } = port;
  const intercepts = [...routes.values(), ...mirrors.values()];
  if (!intercepts.some(isGuest)) return port;
  const own = (all: PortModel['routes']): PortModel['routes'] => new Map([...all].filter(([, intercept]) => !isGuest(intercept)));
  const ownRules = (all: PortModel['rules']): PortModel['rules'] => all.filter(({ intercept }) => !isGuest(intercept));
  return {
    ...port,
    ...{ routes: own(routes), rules: ownRules(rules), mirrors: own(mirrors), mirrorRules: ownRules(mirrorRules) },
  };
}

/** What clients that route for themselves may ask for: a listener and routes for each HTTP port, by name. */
import type { Carriers } from '../model/carriers.ts';
import type { ModelChange, ServiceModel } from '../model/intercept.ts';
import type { ObjectKey } from '../model/names.ts';
import { clientConfiguration } from './client-routes.ts';
import { clientListener } from './listeners.ts';
import { clientName } from './names.ts';
import { gone, type ModelView, type Plan, present } from './plan.ts';
import type { ResourceChange } from './resource.ts';

export class ClientPlan implements Plan {
  readonly #carriers: Carriers;
  #names = new Map<ObjectKey, ReadonlySet<string>>();

  constructor(carriers: Carriers) {
    this.#carriers = carriers;
  }

  *update(view: ModelView, change: ModelChange | undefined): Iterable<ResourceChange> {
    if (change === undefined) this.#names = new Map();
    for (const key of change?.services ?? view.model.services.keys()) {
      const before = this.#names.get(key) ?? new Set<string>();
      const names = new Set<string>();
      const service = view.service(key);
      for (const port of service === undefined ? [] : httpPorts(service)) {
        const name = clientName(key, port.port);
        names.add(name);
        yield present(clientListener(name));
        yield present(clientConfiguration(name, port, this.#carriers));
      }
      for (const name of before) {
        if (names.has(name)) continue;
        yield gone('listener', name);
        yield gone('route', name);
      }
      if (names.size === 0) this.#names.delete(key);
      else this.#names.set(key, names);
    }
  }
}

function httpPorts(service: ServiceModel): ServiceModel['ports'] {
  return service.external ? [] : service.ports.filter((port) => port.protocol !== 'opaque');
}

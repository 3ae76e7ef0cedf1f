/** Every Service of the cluster and the endpoints that its controller wrote, kept up to date. */
import type { ApiAccess } from '../kubernetes/api-access.ts';
import { Followed } from '../kubernetes/follow.ts';
import { type ServiceObject, type SliceObject, serviceOf, slicesOf } from './service-objects.ts';

export class ServiceDirectory implements AsyncDisposable {
  readonly #services: Followed;
  readonly #slices: Followed;

  private constructor(services: Followed, slices: Followed) {
    this.#services = services;
    this.#slices = slices;
  }

  /** @param changed told `namespace/name`; undefined: it may be any */
  static async start(api: ApiAccess, changed: (key: string | undefined) => void): Promise<ServiceDirectory> {
    await using stack = new AsyncDisposableStack();
    const slices = stack.use(
      await Followed.start(api, '/apis/discovery.k8s.io/v1/endpointslices', (_, slice) => {
        // Whose slice a deleted one was is not told.
        changed(slice === undefined ? undefined : serviceOf(slice));
      }),
    );
    const services = await Followed.start(api, '/api/v1/services', changed);
    stack.move();
    return new ServiceDirectory(services, slices);
  }

  get keys(): Iterable<string> {
    return this.#services.objects.keys();
  }

  service(key: string): ServiceObject | undefined {
    // The API server gives whole Services.
    return this.#services.objects.get(key) as ServiceObject | undefined;
  }

  slices(key: string): readonly SliceObject[] {
    return slicesOf(this.#slices.objects.values(), key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#services[Symbol.asyncDispose]();
    await this.#slices[Symbol.asyncDispose]();
  }
}

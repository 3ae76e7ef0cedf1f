import { type EncodedResource, encode } from './resource.ts';

/**
 * What a cluster without endpoints gets: a removal would leave it warming, or with what it had (M6, R5).
 * @param name the `cluster_name`
 */
export function emptyAssignment(name: string): EncodedResource {
  return encode({
    type: 'endpoints',
    name,
    message: { cluster_name: name },
    clusters: [],
    endpointsName: undefined,
    intercepts: [],
  });
}

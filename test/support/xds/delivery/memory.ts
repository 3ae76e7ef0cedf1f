/** What a client holds and wants, and keeps when its stream breaks. */
import type { ResourceType } from '../../../../src/translate/resource.ts';
import { factsOf } from '../../../../src/xds/type-urls.ts';
import { TYPES } from './step.ts';

export interface Held {
  readonly content: string;
  readonly version: string;
}

export class TypeMemory {
  readonly type: ResourceType;
  /** By name. */
  readonly held = new Map<string, Held>();
  readonly names = new Set<string>();
  everything: boolean;
  /** Of the newest response that was accepted. */
  version = '';
  /** Whether it gave up some of what that response held. */
  hasDropped = false;
  /** Before it took some of what it has refused since: what it says of itself when it comes back. */
  accepted: ReadonlyMap<string, Held> | undefined;

  constructor(type: ResourceType) {
    this.type = type;
    this.everything = factsOf(type).fullState;
  }

  /**
   * A State-of-the-World client that took some of what it refused cannot say so when it comes back, and nobody could know:
   * so here it has given that up.
   */
  giveBack(): void {
    if (this.accepted === undefined) return;
    this.held.clear();
    for (const [name, held] of this.accepted) if (this.wants(name)) this.held.set(name, held);
    this.accepted = undefined;
  }

  wants(name: string): boolean {
    return this.everything || this.names.has(name);
  }

  /**
   * What a State-of-the-World client says when it comes back: the version belongs to the type, whatever it gave up since.
   * Who asks for everything says by it that it has everything (N11), and says none when that is not so.
   */
  get saidVersion(): string {
    return this.everything && this.hasDropped ? '' : this.version;
  }
}

export class Memory {
  readonly types: ReadonlyMap<ResourceType, TypeMemory> = new Map(TYPES.map((type) => [type, new TypeMemory(type)]));
  /** Clusters that wait for their endpoints, by name; `isNew`: no older one serves meanwhile. */
  readonly warming = new Map<string, { readonly endpoints: string; readonly isNew: boolean }>();

  of(type: ResourceType): TypeMemory {
    const found = this.types.get(type);
    if (found === undefined) throw new Error(`${type} is no type.`);
    return found;
  }

  /** Clusters that a request can be sent to. */
  serves(cluster: string): boolean {
    return this.of('cluster').held.has(cluster) && this.warming.get(cluster)?.isNew !== true;
  }
}

/** Content is `good-1 c0 c2`: what it is, and the clusters (of a scoped route: the route) that it names. */
export function usesOf(content: string): readonly string[] {
  return content.split(' ').slice(1);
}

/** Two clusters share each ClusterLoadAssignment. */
export function endpointsOf(cluster: string): string {
  return `e${Math.floor(Number(cluster.slice(1)) / 2)}`;
}

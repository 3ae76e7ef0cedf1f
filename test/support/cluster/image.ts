/** What a container runs, by the name of its image: the contract between the kubelet stand-in and a test's programs. */
import type { ApiAccess } from '../kubernetes/api-access.ts';
import type { Environment } from './pod-environment.ts';
import type { ContainerSpec, PodObject } from './pod-objects.ts';
import type { PodSandbox } from './pod-sandbox.ts';

export interface Mount {
  readonly source: string;
  readonly path: string;
  readonly isReadOnly: boolean;
}

/** All that a container is started with. */
export interface ContainerRun {
  readonly api: ApiAccess;
  readonly pod: PodObject;
  readonly container: ContainerSpec;
  /** What follows the colon of the image; `latest` where there is none. */
  readonly tag: string;
  readonly sandbox: PodSandbox;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly environment: Environment;
  readonly mounts: readonly Mount[];
  /** Its own, for as long as the pod is there. */
  readonly folder: string;
  readonly logFile: string;
  /** For a process of its own. */
  readonly pidFile: string;
}

export interface RunningContainer {
  /** Its exit code. */
  readonly ended: Promise<number>;
  end(signal: 'SIGTERM' | 'SIGKILL'): void;
  /** Runs a command beside it, to its exit code. */
  exec(command: readonly string[]): Promise<number>;
}

export interface Image {
  /** A real program: its pod gets a network namespace of its own, and all of the pod's containers run there. */
  readonly isProgram: boolean;
  start(run: ContainerRun): Promise<RunningContainer>;
}

/** By the names of images: as the pod writes it, or without the tag and digest. */
export type Images = Readonly<Record<string, Image>>;

export function imageOf(images: Images, name: string): Image | undefined {
  return images[name] ?? images[repositoryOf(name)];
}

function repositoryOf(name: string): string {
  return name.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
}

export function tagOf(name: string): string {
  return /:([^/:@]+)(@.*)?$/.exec(name)?.[1] ?? 'latest';
}

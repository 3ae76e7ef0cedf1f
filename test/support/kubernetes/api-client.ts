/** A client of the tests for a Kubernetes API server: JSON over HTTPS, as one user. */

import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, type RequestOptions, request } from 'node:https';
import { json } from 'node:stream/consumers';
import { Watch, type WatchEvent } from './watch.ts';

/** Any object; what a test reads of it, it names. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMetadata;
  readonly [field: string]: unknown;
}

export interface ObjectMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly resourceVersion?: string;
  readonly [field: string]: unknown;
}

/** An answer of 400 or more. `reason` is Kubernetes' word for it, as `NotFound`, `Forbidden`, `Expired`. */
export class ApiError extends Error {
  readonly status: number;
  readonly reason: string;

  constructor(what: string, status: number, reason: string, message: string) {
    super(`${what}: ${status} ${reason}: ${message}`);
    this.name = 'ApiError';
    this.status = status;
    this.reason = reason;
  }
}

/** The resource version that was asked for is too old, or of another history. */
export function isGone(error: unknown): boolean {
  return error instanceof ApiError && error.status === 410;
}

/** It will be refused again, however often it is asked. */
export function isRefused(error: unknown): boolean {
  return error instanceof ApiError && error.status < 500 && error.status !== 429;
}

/** There is no such object (any more), or it is another one of the same name. */
export function isMissing(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 404 || error.status === 409);
}

const ANSWER_MS = 20_000;

interface ResourceList {
  readonly resources: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[];
}

export class ApiClient {
  readonly #url: string;
  readonly #token: string;
  readonly #agent: Agent;
  readonly #discovered = new Map<string, Promise<ResourceList>>();

  constructor(url: string, ca: string, token: string) {
    this.#url = url;
    this.#token = token;
    this.#agent = new Agent({ ca, keepAlive: true });
  }

  close(): void {
    this.#agent.destroy();
  }

  /**
   * One request; the answer as JSON. A PATCH is a server-side apply.
   * @throws ApiError when the server refuses it; Error when there is no server.
   */
  async request<T = KubernetesObject>(method: string, path: string, body?: object): Promise<T> {
    const response = await this.#send(method, path, body);
    // What the API promises for the path; the test that asks knows it.
    return (await json(response)) as T;
  }

  /** Text of an endpoint such as `/readyz` or `/metrics`. */
  async text(path: string): Promise<string> {
    return textOf(await this.#send('GET', path));
  }

  /** Watches a collection from a resource version on, or (without one) from what is there now. */
  async watch(path: string, resourceVersion?: string, told?: (event: WatchEvent) => void): Promise<Watch> {
    const from = resourceVersion === undefined ? '' : `&resourceVersion=${resourceVersion}`;
    return new Watch(await this.#send('GET', `${path}?watch=1&allowWatchBookmarks=true${from}`), told);
  }

  /** Creates objects, or makes them as they are given, one after the other; `status` too. Gives them back as stored. */
  async apply(objects: readonly KubernetesObject[]): Promise<KubernetesObject[]> {
    const stored: KubernetesObject[] = [];
    for (const object of objects) {
      const { status, ...rest } = object;
      const path = await this.pathOf(object);
      const options = 'fieldManager=test&force=true&fieldValidation=Strict';
      const main = await this.request('PATCH', `${path}?${options}`, rest);
      if (status === undefined) stored.push(main);
      else {
        const { name, namespace } = main.metadata;
        const partial = { apiVersion: object.apiVersion, kind: object.kind, metadata: { name, namespace }, status };
        stored.push(await this.request('PATCH', `${path}/status?${options}`, partial));
      }
    }
    return stored;
  }

  /** Deletes objects at once: no kubelet is here to let a Pod end in its own time. */
  async delete(objects: readonly KubernetesObject[]): Promise<void> {
    for (const object of objects) await this.request('DELETE', `${await this.pathOf(object)}?gracePeriodSeconds=0`);
  }

  /** Where an object lives, from what the server says of its kind. Its namespace is `default` unless it names one. */
  async pathOf(object: KubernetesObject): Promise<string> {
    const group = object.apiVersion.includes('/') ? `/apis/${object.apiVersion}` : `/api/${object.apiVersion}`;
    let list = this.#discovered.get(group);
    if (list === undefined) {
      list = this.request<ResourceList>('GET', group);
      this.#discovered.set(group, list);
      // A failure is told to who asks now; who asks later asks again.
      list.catch(() => this.#discovered.delete(group));
    }
    const found = (await list).resources.find(({ kind, name }) => kind === object.kind && !name.includes('/'));
    if (found === undefined) {
      // It may come: a custom resource's definition can be applied later.
      this.#discovered.delete(group);
      throw new Error(`The API server has no kind ${object.kind} in ${object.apiVersion}.`);
    }
    const namespace = found.namespaced ? `/namespaces/${object.metadata.namespace ?? 'default'}` : '';
    return `${group}${namespace}/${found.name}/${object.metadata.name}`;
  }

  async #send(method: string, path: string, body?: object): Promise<IncomingMessage> {
    const type = method === 'PATCH' ? 'application/apply-patch+yaml' : 'application/json';
    const text = body === undefined ? '' : JSON.stringify(body);
    const headers = {
      authorization: `Bearer ${this.#token}`,
      accept: 'application/json',
      // Node says no length of what a DELETE brings, and the server takes it for the next request.
      ...(body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(text) }),
    };
    const options: RequestOptions = { method, headers, agent: this.#agent };
    const outgoing = request(`${this.#url}${path}`, options);
    const answer: Promise<[IncomingMessage]> = once(outgoing, 'response') as Promise<[IncomingMessage]>;
    outgoing.end(text);
    // A server that hangs is told as an error; the stream of a watch may be silent for as long as it likes.
    const timer = setTimeout(() => outgoing.destroy(new Error(`no answer for ${ANSWER_MS / 1000} s`)), ANSWER_MS);
    const [response] = await answer.finally(() => clearTimeout(timer));
    const status = response.statusCode ?? 0;
    if (status < 400) return response;
    throw refusal(`${method} ${path}`, status, await textOf(response));
  }
}

function refusal(what: string, status: number, text: string): ApiError {
  try {
    // Kubernetes answers with a Status object; proxies and health endpoints with plain text.
    const { reason, message } = JSON.parse(text) as { reason?: string; message?: string };
    return new ApiError(what, status, reason ?? '', message ?? text);
  } catch {
    return new ApiError(what, status, '', text);
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  return text;
}

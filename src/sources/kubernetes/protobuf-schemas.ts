/**
 * What of the watched objects is read, by the numbers of their `.proto` files (k8s.io/api, k8s.io/apimachinery); names are
 * those of the JSON. Of labels and annotations only those that somebody looks at are read. A number never gets another meaning there.
 * What is added for Services or EndpointSlices is added to `usual-object.ts` too, or such objects are not usual.
 */
import { type MessageSchema, messageSchema, textMap } from '../../kubernetes/message-schema.ts';
import { DETOUR_PREFIX } from '../metadata.ts';
import type { WatchedResource } from './resources.ts';

const OWNER_REFERENCE = messageSchema(['kind', 1, 'text'], ['name', 3, 'text'], ['controller', 6, 'flag']);

const OBJECT_META = messageSchema(
  ['name', 1, 'text'],
  ['namespace', 3, 'word'],
  ['creationTimestamp', 8, 'time'],
  ['deletionTimestamp', 9, 'time'],
  ['labels', 11, textMap(DETOUR_PREFIX, 'kubernetes.io/service-name', 'pod-template-hash')],
  ['annotations', 12, textMap(DETOUR_PREFIX)],
  ['ownerReferences', 13, [OWNER_REFERENCE]],
);

const SERVICE_PORT = messageSchema(
  ['name', 1, 'word'],
  ['protocol', 2, 'word'],
  ['port', 3, 'int'],
  ['targetPort', 4, 'intOrString'],
  ['appProtocol', 6, 'word'],
);

const SERVICE_SPEC = messageSchema(
  ['ports', 1, [SERVICE_PORT]],
  ['clusterIP', 3, 'text'],
  ['type', 4, 'word'],
  ['clusterIPs', 18, 'texts'],
);

const SERVICE = messageSchema(['metadata', 1, OBJECT_META], ['spec', 2, SERVICE_SPEC]);

const ENDPOINT = messageSchema(
  ['addresses', 1, 'texts'],
  ['conditions', 2, messageSchema(['ready', 1, 'flag'], ['serving', 2, 'flag'], ['terminating', 3, 'flag'])],
  ['targetRef', 4, messageSchema(['kind', 1, 'word'], ['namespace', 2, 'word'], ['name', 3, 'text'])],
);

const ENDPOINT_SLICE = messageSchema(
  ['metadata', 1, OBJECT_META],
  ['endpoints', 2, [ENDPOINT]],
  ['ports', 3, [messageSchema(['name', 1, 'word'], ['port', 3, 'int'])]],
  ['addressType', 4, 'word'],
);

const CONTAINER = messageSchema(
  ['ports', 6, [messageSchema(['name', 1, 'text'], ['containerPort', 3, 'int'], ['protocol', 4, 'text'])]],
  ['restartPolicy', 24, 'text'],
);

const POD_SPEC = messageSchema(['containers', 2, [CONTAINER]], ['initContainers', 20, [CONTAINER]]);

const POD_STATUS = messageSchema(
  ['phase', 1, 'word'],
  ['conditions', 2, [messageSchema(['type', 1, 'word'], ['status', 2, 'word'])]],
  ['podIP', 6, 'text'],
  ['podIPs', 12, [messageSchema(['ip', 1, 'text'])]],
);

const POD = messageSchema(['metadata', 1, OBJECT_META], ['spec', 2, POD_SPEC], ['status', 3, POD_STATUS]);

export const OBJECT_SCHEMAS: Readonly<Record<WatchedResource['kind'], MessageSchema>> = {
  Service: SERVICE,
  EndpointSlice: ENDPOINT_SLICE,
  Pod: POD,
};

/** `metadata` of any list. */
export const LIST_META = messageSchema(['resourceVersion', 2, 'text'], ['continue', 3, 'text']);

import { ENVOY_VERSION } from '../../src/cli/envoy-binary.ts';
import { envoyPromises } from '../support/clients/envoy-promises.ts';

envoyPromises(ENVOY_VERSION);

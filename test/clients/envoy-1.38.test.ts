import { OLDER_ENVOYS } from '../../tools/clients/envoys.ts';
import { envoyPromises } from '../support/clients/envoy-promises.ts';

envoyPromises(OLDER_ENVOYS['1.38']);

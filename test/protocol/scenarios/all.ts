import { FLOW } from './flow.ts';
import { NAMES } from './names.ts';
import { NONCES } from './nonces.ts';
import { ORDERING } from './ordering.ts';
import { RECONNECT } from './reconnect.ts';
import type { Scenario } from './scenario.ts';
import { WARMING } from './warming.ts';

export const SCENARIOS: readonly Scenario[] = [...NONCES, ...NAMES, ...RECONNECT, ...WARMING, ...ORDERING, ...FLOW];

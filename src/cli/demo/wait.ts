/**
 * Waits until `probe` says true; what it throws means "not yet".
 * @throws Error that names what was waited for, after `limitMs`.
 */
export async function waitFor(what: string, probe: () => Promise<boolean>, limitMs = 30_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  let last = '';
  for (;;) {
    try {
      if (await probe()) return;
    } catch (error) {
      last = error instanceof Error ? `: ${error.message}` : '';
    }
    if (performance.now() > deadline) throw new Error(`Waited ${limitMs / 1000} s in vain for ${what}${last}.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

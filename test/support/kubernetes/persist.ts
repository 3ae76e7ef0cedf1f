import { isMissing, isRefused } from './api-client.ts';

const AGAIN_MS = 100;

/**
 * Does a request until it is done, refused, or no longer wanted: an API server may be away for a while.
 * @returns false when there is no such object any more, or nobody wants it
 * @throws ApiError when it is refused for another reason
 */
export async function persist(what: string, wanted: () => boolean, request: () => Promise<unknown>): Promise<boolean> {
  for (let told = false; wanted(); ) {
    try {
      await request();
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      if (isRefused(error)) throw error;
      if (!told) console.error(`${what}, which is tried again:`, error instanceof Error ? error.message : error);
      told = true;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
  return false;
}

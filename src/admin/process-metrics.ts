/** What the process itself says: memory, CPU, and how late the event loop is. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Metrics } from './metrics.ts';

const RESOLUTION_MS = 10;
const NANOSECONDS = 1e9;

export class ProcessMetrics implements Disposable {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.#delay.enable();
  }

  /** Since the last call. */
  collect(metrics: Metrics): void {
    // The monitor measures from tick to tick; what is over the resolution is lateness.
    const late = (nanoseconds: number) =>
      Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / NANOSECONDS - RESOLUTION_MS / 1000) : 0;
    const nothingYet = this.#delay.count === 0;
    for (const quantile of [0.5, 0.99, 1]) {
      const value = nothingYet ? 0 : late(quantile === 1 ? this.#delay.max : this.#delay.percentile(quantile * 100));
      metrics.set('detour_event_loop_lag_seconds', { quantile: String(quantile) }, value);
    }
    this.#delay.reset();
    const { user, system } = process.cpuUsage();
    metrics.setCounter('process_cpu_seconds_total', (user + system) / 1e6);
    metrics.set('process_resident_memory_bytes', {}, process.memoryUsage.rss());
    metrics.set('process_start_time_seconds', {}, Math.round(performance.timeOrigin) / 1000);
  }

  [Symbol.dispose](): void {
    this.#delay.disable();
  }
}

/** `detour serve`: the control plane, until it is told to stop. */
import { readConfig, SETTINGS } from '../config.ts';
import { formatSocketAddress } from '../model/socket-address.ts';
import { openSource } from '../open-source.ts';
import { EarlySource } from '../sources/early-source.ts';
import { EXIT, type Io, usageError } from './command.ts';
import { commandHelp, version } from './help.ts';

const HELP = {
  name: 'serve',
  about: 'Reads Services, EndpointSlices and preview Pods, follows their changes, and serves xDS to Envoys.',
  example: 'detour serve --source directory:./manifests',
  variables: true,
};

export async function runServe(args: readonly string[], io: Io): Promise<number> {
  const { config, mistakes, help } = readConfig(args, io.environment);
  if (help) {
    io.out(commandHelp(HELP, SETTINGS));
    return EXIT.ok;
  }
  if (config === undefined) return usageError('serve', mistakes, io);

  // Loaded only now: help and mistakes are told at once. A cluster takes a while to answer, so it is asked first; a directory
  // does not, and what is read of it before all else is loaded would be served although it is old.
  const opened = await openSource(config.source, Date.now, io.err);
  using early = config.source.kind === 'kubernetes' ? new EarlySource(opened) : undefined;
  const source = early ?? opened;
  const { ListenError, StartError, startApp } = await import('../app.ts');
  const { createLogger } = await import('../logger.ts');
  const log = createLogger(config.logLevel);
  // Node itself then prints the error and ends the process with 1.
  const onBug = (error: Error) =>
    log.error('a bug of Detour', {
      err: error,
      consequence: 'The control plane stops. Envoys keep the configuration that they have.',
    });
  process.on('uncaughtExceptionMonitor', onBug);
  const stopping = stopSignals();
  try {
    await using app = await startApp(config, { log, version: version(), source });
    // Where there are lines of JSON, there is nothing else.
    const tell = config.auditLog?.kind === 'stdout' ? io.err : io.out;
    tell(`detour: xDS on ${formatSocketAddress(app.xds)}, admin on http://${formatSocketAddress(app.admin)}\n`);
    log.info('stopping', { signal: await stopping.first });
    await app.drain(stopping.again);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    io.err(
      `detour serve: ${error.message}.${error instanceof ListenError ? ' Is another one running? Give another address.' : ''}\n`,
    );
    return EXIT.failure;
  } finally {
    process.off('uncaughtExceptionMonitor', onBug);
  }
}

/**
 * `first`: SIGINT or SIGTERM. `again`: another one, which ends what the first one began. A third ends the process, as it
 * does by default.
 */
function stopSignals(): { readonly first: Promise<NodeJS.Signals>; readonly again: AbortSignal } {
  const again = new AbortController();
  const first = new Promise<NodeJS.Signals>((resolve) => {
    let isStopping = false;
    const stop = (signal: NodeJS.Signals): void => {
      if (isStopping) {
        process.off('SIGINT', stop).off('SIGTERM', stop);
        again.abort();
      }
      isStopping = true;
      resolve(signal);
    };
    process.on('SIGINT', stop).on('SIGTERM', stop);
  });
  return { first, again: again.signal };
}

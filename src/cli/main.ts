/** `detour COMMAND …`: finds the command and runs it. */
import { nearestOf } from '../flags.ts';
import { calledAs } from './called-as.ts';
import { type Command, EXIT, type Io } from './command.ts';
import { helpText, version } from './help.ts';

/** Commands load what they need only when they run: help is quick. */
const COMMANDS: Readonly<Record<string, Command>> = {
  serve: {
    summary: 'the control plane: reads objects, serves xDS to Envoys',
    run: async (args, io) => (await import('./serve.ts')).runServe(args, io),
    flags: async () => (await import('../config.ts')).SETTINGS,
  },
  envoy: {
    summary: "prints an Envoy's bootstrap, for a gateway or a sidecar",
    run: async (args, io) => (await import('./envoy.ts')).runEnvoy(args, io),
    flags: async () => (await import('./envoy.ts')).ENVOY_FLAGS,
  },
  create: {
    summary: 'a preview of the workload behind a Service',
    run: async (args, io) => (await import('./create.ts')).runCreate(args, io),
    flags: async () => (await import('./create.ts')).CREATE_FLAGS,
  },
  delete: {
    summary: 'removes the previews of a key that create made',
    run: async (args, io) => (await import('./delete.ts')).runDelete(args, io),
    flags: async () => (await import('./delete.ts')).DELETE_FLAGS,
  },
  list: {
    summary: 'the previews there are, whether they are live, and what is wrong',
    run: async (args, io) => (await import('./list.ts')).runList(args, io),
    flags: async () => (await import('./list.ts')).LIST_FLAGS,
  },
  wait: {
    summary: 'returns when every Envoy has the previews of a key',
    run: async (args, io) => (await import('./wait.ts')).runWait(args, io),
    flags: async () => (await import('./wait.ts')).WAIT_FLAGS,
  },
  explain: {
    summary: 'what happens to a request, and why',
    run: async (args, io) => (await import('./explain.ts')).runExplain(args, io),
    flags: async () => (await import('./explain.ts')).EXPLAIN_FLAGS,
  },
  sign: {
    summary: 'a key with an expiry and a signature, for gateways that take no other',
    run: async (args, io) => (await import('./sign.ts')).runSign(args, io),
    flags: async () => (await import('./sign.ts')).SIGN_FLAGS,
  },
  preview: {
    summary: 'manifests in, manifests of previews out',
    run: async (args, io) => (await import('./preview.ts')).runPreview(args, io),
    flags: async () => (await import('./preview.ts')).PREVIEW_FLAGS,
  },
  lint: {
    summary: 'problems in manifests, before they are applied',
    run: async (args, io) => (await import('./lint.ts')).runLint(args, io),
    flags: async () => (await import('./lint.ts')).LINT_FLAGS,
    completes: 'files',
  },
  completion: {
    summary: 'completion for bash, zsh and fish',
    run: async (args, io) => (await import('./completion.ts')).runCompletion(args, io, COMMANDS),
    completes: ['bash', 'zsh', 'fish'],
  },
  inject: {
    summary: 'manifests with sidecars, for those who want no webhook',
    run: async (args, io) => (await import('./inject.ts')).runInject(args, io),
    flags: async () => (await import('./inject.ts')).INJECT_FLAGS,
  },
  capture: {
    summary: "makes a pod's traffic go through its sidecar: the pod's init step",
    run: async (args, io) => (await import('./capture.ts')).runCapture(args, io),
    flags: async () => (await import('./capture.ts')).CAPTURE_FLAGS,
  },
  demo: {
    summary: 'three services, two previews and real Envoys on this machine',
    run: async (args, io) => (await import('./demo/demo.ts')).runDemo(args, io),
    flags: async () => (await import('./demo/demo.ts')).DEMO_FLAGS,
  },
};

/** @returns 0, 1 for a failure, 2 for wrong usage, 3 where what was waited for did not come in time. */
export function run(args: readonly string[], io: Io): Promise<number> {
  const [name = 'help'] = args;
  const isHelp = ['help', '--help', '-h'].some((each) => each === name || (name !== 'completion' && args.includes(each)));
  return runAs(args, calledAs(io, Object.keys(COMMANDS), isHelp));
}

async function runAs(args: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--version' || name === '-v' || name === 'version') {
    io.out(`detour ${version()}\n`);
    return EXIT.ok;
  }
  if (name === 'help' && rest[0] !== undefined) return runAs([rest[0], '--help'], io);
  // No command of anybody's: help does not list it.
  if (name === '__complete') return (await import('./complete.ts')).runComplete(rest, io, COMMANDS);
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    (name === undefined ? io.err : io.out)(helpText(COMMANDS));
    return name === undefined ? EXIT.usage : EXIT.ok;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command !== undefined) return command.run(rest, io);
  if (name.startsWith('-')) {
    io.err(
      `detour: the command comes first, its flags behind it: \`detour COMMAND ${name} …\`. \`detour help\` lists the commands.\n`,
    );
    return EXIT.usage;
  }
  const nearest = nearestOf(name, Object.keys(COMMANDS));
  const hint = nearest === undefined ? '`detour help` lists the commands.' : `Did you mean \`detour ${nearest}\`?`;
  io.err(`detour: there is no command ${JSON.stringify(name)}. ${hint}\n`);
  return EXIT.usage;
}

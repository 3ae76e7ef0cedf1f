/** A gateway that ends TLS, started with what `detour envoy` prints, with certificates in folders as a kubelet mounts them. */
import { join } from 'node:path';
import { parse } from 'yaml';
import { runEnvoy } from '../../../src/cli/envoy.ts';
import { Authority, type Certificate } from '../certificates.ts';
import { type EnvoyProcess, startEnvoy } from '../envoy.ts';
import { MountedSecret } from '../mounted-secret.ts';
import { freePorts } from '../ports.ts';
import { until } from '../until.ts';
import { type Ask, answerOf, ask, type Reply } from './client.ts';
import { detour } from './objects.ts';
import { askTls, type TlsOptions, type TlsReply } from './tls-client.ts';
import { createWorld, type Pod, type World } from './world.ts';

export const HOST = 'shop.example.com';
/** What its certificate is made for. */
export const ZONE = '*.example.com';

export interface Edge extends AsyncDisposable {
  readonly envoy: EnvoyProcess;
  /** Without TLS. */
  readonly plainPort: number;
  readonly tlsPort: number;
  /** What `/ready` says. */
  ready(): Promise<{ readonly status: number; readonly text: string }>;
  /** One request over TLS on a connection of its own. */
  ask(what?: Ask, how?: Partial<TlsOptions>): Promise<TlsReply>;
  /** One request without. */
  askPlain(what?: Ask): Promise<Reply>;
}

/** What the tests of a file share: the world behind the gateways, and their certificates. */
export class EdgeWorld implements AsyncDisposable {
  readonly authority: Authority;
  readonly world: World;
  readonly frontend: Pod;
  /** Secrets, the first of which is the default: `shop` for {@link HOST}, `wildcard` for {@link ZONE}. */
  readonly shop: MountedSecret;
  readonly wildcard: MountedSecret;

  private constructor(authority: Authority, world: World, frontend: Pod, shop: MountedSecret, wildcard: MountedSecret) {
    this.authority = authority;
    this.world = world;
    this.frontend = frontend;
    this.shop = shop;
    this.wildcard = wildcard;
  }

  static async open(): Promise<EdgeWorld> {
    const authority = new Authority();
    const world = await createWorld();
    try {
      const shop = world.use(await MountedSecret.mount(filesOf(authority.issue({ names: [`DNS:${HOST}`] })), 'shop'));
      const zone = filesOf(authority.issue({ names: [`DNS:${ZONE}`] }));
      const wildcard = world.use(await MountedSecret.mount(zone, 'wildcard'));
      const frontend = await world.pod({ service: 'frontend', copy: 'baseline', pod: 'frontend-1' });
      await world.baseline({ name: 'frontend', annotations: detour({ host: `${HOST}, example.com` }) }, [frontend]);
      return new EdgeWorld(authority, world, frontend, shop, wildcard);
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
  }

  get secrets(): readonly MountedSecret[] {
    return [this.shop, this.wildcard];
  }

  /** @param flags further ones of `detour envoy`; `--listen` is given unless `plain` is false */
  async gateway(flags: readonly string[] = [], { plain = true, waits = true } = {}): Promise<Edge> {
    const [plainPort = 0, tlsPort = 0, probes = 0, adminPort = 0] = await freePorts(4);
    const sds = await MountedSecret.mount({});
    const args = [
      ...['--role', 'gateway', '--node', 'shop/edge', '--xds', `127.0.0.1:${this.world.plane.xdsPort}`],
      ...(plain ? ['--listen', `127.0.0.1:${plainPort}`] : []),
      ...['--listen-tls', `127.0.0.1:${tlsPort}`, '--xds-sds', join(sds.folder, 'sds')],
      ...['--probes', `127.0.0.1:${probes}`, '--admin', `127.0.0.1:${adminPort}`],
      ...this.secrets.flatMap(({ folder }) => ['--tls', folder]),
    ];
    const envoy = await startEnvoy({ config: await printed([...args, ...flags]), adminPort });
    const ca = this.authority.cert;
    const edge: Edge = {
      envoy,
      plainPort,
      tlsPort,
      ready: async () => {
        const { status, text } = await ask(probes, { path: '/ready' });
        return { status, text };
      },
      ask: (what = {}, how = {}) => askTls({ port: tlsPort, ca, ...how }, { host: HOST, ...what }),
      askPlain: (what = {}) => ask(plainPort, { host: HOST, ...what }),
      [Symbol.asyncDispose]: async () => {
        await envoy[Symbol.asyncDispose]();
        await sds[Symbol.asyncDispose]();
      },
    };
    try {
      if (waits) await until('the gateway to serve', async () => (await edge.ask()).status === 200);
      return edge;
    } catch (error) {
      await edge[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.world[Symbol.asyncDispose]();
  }
}

export function filesOf({ cert, key }: Certificate): { readonly 'tls.crt': string; readonly 'tls.key': string } {
  return { 'tls.crt': cert, 'tls.key': key };
}

/** What the app saw of a request. */
export function seen(reply: TlsReply | Reply): Readonly<Record<string, unknown>> {
  return answerOf({ bytes: 0, sha256: '', ms: 0, ...reply }).headers;
}

/** What `detour envoy` prints. @throws Error with what it says is wrong. */
async function printed(args: readonly string[]): Promise<object> {
  let [out, err] = ['', ''];
  const io = {
    out: (text: string) => {
      out += text;
    },
    err: (text: string) => {
      err += text;
    },
    environment: {},
  };
  if ((await runEnvoy(args, io)) !== 0) throw new Error(err);
  return parse(out, { version: '1.1' });
}

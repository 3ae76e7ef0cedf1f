/** Whether a Service's port speaks HTTP, and which (design, section 3, "HTTP ports"). */
import type { ServicePort } from '../model/cluster-state.ts';
import type { PortProtocol } from '../model/intercept.ts';

const HTTP1_APP_PROTOCOLS: ReadonlySet<string> = new Set(['http', 'ws', 'kubernetes.io/ws', 'grpc-web']);
const HTTP2_APP_PROTOCOLS: ReadonlySet<string> = new Set(['http2', 'grpc', 'h2c', 'kubernetes.io/h2c']);

/**
 * What is TLS, raw or a database. Mail, shell and the like are here because their servers speak first: a proxy that
 * waits for the client's first bytes to see whether they are HTTP would make such a connection hang.
 */
const NOT_HTTP: ReadonlySet<string> = new Set(
  [
    'tcp tls ssl https wss udp sctp kubernetes.io/wss',
    'mysql mariadb postgres postgresql pgsql psql pg mssql sqlserver oracle cockroach cockroachdb db2 tds',
    'mongo mongodb redis rediss valkey memcache memcached cassandra cql scylla',
    'kafka amqp amqps rabbitmq mqtt mqtts nats zookeeper',
    'smtp smtps imap imaps pop3 ftp ssh ldap ldaps dns',
  ].flatMap((line) => line.split(' ')),
);

/**
 * Where a port says nothing, its number does: HTTPS, and protocols whose servers speak first (FTP, SSH, Telnet, mail,
 * MySQL), for which see above.
 */
const NOT_HTTP_NUMBERS: ReadonlySet<number> = new Set([443, 21, 22, 23, 25, 110, 143, 465, 587, 993, 995, 3306]);

/** What the port says of itself: its `appProtocol` first, then its name, then its number. */
export function portProtocol(port: Pick<ServicePort, 'name' | 'port' | 'transport' | 'appProtocol'>): PortProtocol {
  if (port.transport !== 'TCP') return 'opaque';
  const said = ofAppProtocol(port.appProtocol.toLowerCase()) ?? ofName(port.name.toLowerCase());
  return said ?? (NOT_HTTP_NUMBERS.has(port.port) ? 'opaque' : 'maybe');
}

/** Whether neither appProtocol nor name says anything. */
export function isSilent({ name, appProtocol }: Pick<ServicePort, 'name' | 'appProtocol'>): boolean {
  return ofAppProtocol(appProtocol.toLowerCase()) === undefined && ofName(name.toLowerCase()) === undefined;
}

const TLS_WORDS: ReadonlySet<string> = new Set(['tls', 'ssl', 'https', 'wss', 'kubernetes.io/wss']);

/** Of a port that is not HTTP: whether that is because it is encrypted. */
export function isTls({ name, port, appProtocol }: Pick<ServicePort, 'name' | 'port' | 'appProtocol'>): boolean {
  const protocol = appProtocol.toLowerCase();
  if (ofAppProtocol(protocol) !== undefined) return TLS_WORDS.has(protocol);
  const word = (name.toLowerCase().split('-', 1)[0] ?? '').replace(/\d+$/, '');
  return TLS_WORDS.has(word) || (port === 443 && isSilent({ name, appProtocol }));
}

export function isHttp(protocol: PortProtocol): boolean {
  return protocol !== 'opaque';
}

/** undefined: an `appProtocol` of somebody's own says nothing here. */
function ofAppProtocol(appProtocol: string): PortProtocol | undefined {
  if (HTTP1_APP_PROTOCOLS.has(appProtocol)) return 'http1';
  if (HTTP2_APP_PROTOCOLS.has(appProtocol)) return 'http2';
  return NOT_HTTP.has(appProtocol) ? 'opaque' : undefined;
}

/** By the first word of the name, so that `https-admin` is TLS though it begins with `http`, and `mysql2` is a database. */
function ofName(name: string): PortProtocol | undefined {
  const dash = name.indexOf('-');
  const word = dash < 0 ? name : name.slice(0, dash);
  if (NOT_HTTP.has(word) || NOT_HTTP.has(word.replace(/\d+$/, ''))) return 'opaque';
  if (name === 'grpc-web' || name.startsWith('grpc-web-')) return 'http1';
  if (['http2', 'grpc', 'h2c'].some((prefix) => name.startsWith(prefix))) return 'http2';
  return name.startsWith('http') || word === 'ws' ? 'http1' : undefined;
}

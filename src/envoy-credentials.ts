/**
 * How an Envoy and the control plane know each other: TLS, and a client certificate or a ServiceAccount's token. What is
 * in files is read again when they change, as mounted Secrets and projected tokens do: Envoy does that for what it gets
 * by SDS, so a small file says where each of them is.
 */
import { posix } from 'node:path';

/** Paths are the Envoy's. */
export interface EnvoyCredentials {
  /** The DNS name in the control plane's certificate. */
  readonly serverName: string;
  /** The authorities that may have signed it: a PEM file, or its text, which is never read again. */
  readonly ca: { readonly file: string } | { readonly pem: string };
  /** Who the Envoy is: PEM files. */
  readonly certificate?: { readonly chain: string; readonly key: string } | undefined;
  /** Who the Envoy is: a file with a ServiceAccount's token. */
  readonly token?: string | undefined;
  /** A folder with what {@link sdsFiles} says. */
  readonly sdsFolder: string;
}

const TYPES = 'type.googleapis.com/envoy';
const TLS = `${TYPES}.extensions.transport_sockets.tls.v3`;
const NAMES = { ca: 'ca', certificate: 'certificate', token: 'token' } as const;
type Name = keyof typeof NAMES;

/** Files of `sdsFolder` by their names: each an `envoy.service.discovery.v3.DiscoveryResponse` as its JSON has it. */
export function sdsFiles({ serverName, ca, certificate, token }: EnvoyCredentials): ReadonlyMap<string, object> {
  const files = new Map<string, object>();
  const add = (name: Name, secret: object): void => {
    files.set(fileOf(name), secretFile(name, secret));
  };
  if ('file' in ca) {
    const trusted = { trusted_ca: { filename: ca.file }, watched_directory: { path: posix.dirname(ca.file) } };
    add('ca', { validation_context: { ...trusted, ...namedOnly(serverName) } });
  }
  if (certificate !== undefined) {
    add('certificate', tlsCertificate(certificate.chain, certificate.key));
  }
  if (token !== undefined) add('token', { generic_secret: { secret: { filename: token } } });
  return files;
}

/** @param secret the fields of an `envoy.extensions.transport_sockets.tls.v3.Secret`, but for its name */
export function secretFile(name: string, secret: object): object {
  return { resources: [{ '@type': `${TLS}.Secret`, name, ...secret }] };
}

/** Read again when something is moved into the folder of `chain`. */
export function tlsCertificate(chain: string, key: string): object {
  const files = { certificate_chain: { filename: chain }, private_key: { filename: key } };
  return { tls_certificate: { ...files, watched_directory: { path: posix.dirname(chain) } } };
}

/** An `envoy.config.core.v3.TransportSocket`. */
export function tlsSocket({ serverName, ca, certificate, sdsFolder }: EnvoyCredentials): object {
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${TLS}.UpstreamTlsContext`,
      sni: serverName,
      common_tls_context: {
        tls_params: { tls_minimum_protocol_version: 'TLSv1_2' },
        alpn_protocols: ['h2'],
        ...('file' in ca
          ? { validation_context_sds_secret_config: sds('ca', sdsFolder, ca.file) }
          : { validation_context: { trusted_ca: { inline_string: ca.pem }, ...namedOnly(serverName) } }),
        ...(certificate && { tls_certificate_sds_secret_configs: [sds('certificate', sdsFolder, certificate.chain)] }),
      },
    },
  };
}

/**
 * For `HttpProtocolOptions`: what puts the token into every stream's `authorization`. The same in Lua ended with
 * signal 11 now and then when Envoy was stopped.
 */
export function tokenFilters({ token, sdsFolder }: EnvoyCredentials): { readonly http_filters?: readonly object[] } {
  if (token === undefined) return {};
  const filter = (name: string, type: string, config: object): object => ({
    name: `envoy.filters.http.${name}`,
    typed_config: { '@type': `${TYPES}.extensions.filters.http.${name}.v3.${type}`, ...config },
  });
  const generic = {
    name: 'envoy.http.injected_credentials.generic',
    typed_config: {
      '@type': `${TYPES}.extensions.http.injected_credentials.generic.v3.Generic`,
      credential: sds('token', sdsFolder, token),
      header_value_prefix: 'Bearer ',
    },
  };
  const injector = { overwrite: true, allow_request_without_credential: true, credential: generic };
  return {
    http_filters: [filter('credential_injector', 'CredentialInjector', injector), filter('upstream_codec', 'UpstreamCodec', {})],
  };
}

/** @param file what the secret is in: it is read again when something is moved into its folder */
function sds(name: Name, folder: string, file: string): object {
  const path_config_source = {
    path: posix.join(folder, fileOf(name)),
    watched_directory: { path: posix.dirname(file) },
  };
  return { name, sds_config: { path_config_source, resource_api_version: 'V3' } };
}

function fileOf(name: Name): string {
  return `${name}.sds.json`;
}

/** Another server that the same authority has signed is not the control plane. */
function namedOnly(serverName: string): object {
  return { match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: serverName } }] };
}

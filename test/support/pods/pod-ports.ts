/** What every pod of these tests listens on, and the port of its Service that leads there. */
export interface PodPort {
  readonly name: string;
  readonly pod: number;
  readonly service: number;
  readonly appProtocol?: string;
}

export const PORTS = {
  http: { name: 'http', pod: 8080, service: 80, appProtocol: 'http' },
  h2c: { name: 'h2c', pod: 8081, service: 81, appProtocol: 'kubernetes.io/h2c' },
  grpc: { name: 'grpc', pod: 8082, service: 82, appProtocol: 'grpc' },
  /** Nothing says that it is HTTP, and it is. */
  plain: { name: 'plain', pod: 8083, service: 83 },
  /** Bytes come back as they went. */
  raw: { name: 'raw', pod: 9000, service: 9000, appProtocol: 'tcp' },
  /** Its server speaks first. */
  mysql: { name: 'mysql', pod: 3306, service: 3306 },
} as const satisfies Readonly<Record<string, PodPort>>;

export const GREETING = 'J\0\0\0\n8.0.36\0';

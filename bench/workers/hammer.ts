/** Asks an Envoy as fast as it is answered, for a host that it does not have: all of the load is on its workers. */
import { connect } from 'node:net';

const [port, connections] = process.argv.slice(2).map(Number);
const REQUEST = Buffer.from('GET / HTTP/1.1\r\nhost: nobody.example.com\r\n\r\n');

for (let index = 0; index < (connections ?? 1); index += 1) {
  const socket = connect({ host: '127.0.0.1', port: port ?? 0, noDelay: true });
  socket.on('connect', () => socket.write(REQUEST));
  socket.on('data', () => socket.write(REQUEST));
}
setImmediate(() => process.send?.('on'));
process.on('disconnect', () => process.exit());

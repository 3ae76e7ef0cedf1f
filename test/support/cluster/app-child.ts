/** An {@link appImage} in a process of its own: `APP_OPTIONS` says what it is. */
import { type AppOptions, startApp } from '../world/app.ts';

const options = JSON.parse(process.env['APP_OPTIONS'] ?? '{}') as AppOptions;
const app = await startApp(options);
console.log(`listens on ${app.address}`);
process.once('SIGTERM', () => {
  app.drain().then(() => process.exit(0));
});

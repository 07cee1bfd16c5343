// Logs in to the GSI door of this host, `COUNT` times one after the other, and prints how long each took, in milliseconds:
//   gsi-login COUNT DELEGATE
import { type HostTarget, openHost } from '../../src/hosts/open.js';

const [count, delegate] = process.argv.slice(2);
const target: HostTarget = {
  kind: 'ssh',
  host: 'grid',
  port: 2222,
  user: 'alice',
  gsi: { delegate: delegate === 'true' },
};
const times = [];
for (let i = 0; i < Number(count); i++) {
  const began = performance.now();
  const host = await openHost(target, { configFile: 'none' });
  await host.run(['true']);
  times.push(performance.now() - began);
  await host.close();
}
process.stdout.write(`${JSON.stringify(times)}\n`);

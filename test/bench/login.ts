// Goes to a host as scailfin's commands do, and prints how long each of COUNT commands there took, in milliseconds:
//   login HOST USER TRANSPORT COUNT
import { openHost } from '../../src/hosts/open.js';
import type { Transport } from '../../src/hosts/target.js';

const [host = '', user = '', transport, count] = process.argv.slice(2);
const there = await openHost({ kind: 'ssh', host, user, transport: transport as Transport });
const times = [];
for (let i = 0; i < Number(count); i++) {
  const began = performance.now();
  await there.run(['true']);
  times.push(performance.now() - began);
}
await there.close();
process.stdout.write(`${JSON.stringify(times)}\n`);

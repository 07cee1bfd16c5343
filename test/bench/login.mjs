// Goes to a host as scailfin's commands do, and prints how long each of COUNT commands there took, in milliseconds:
//   node login.mjs HOST USER TRANSPORT COUNT
// It runs what was built, as users do.
const { openHost } = await import(new URL('../../dist/hosts/open.js', import.meta.url).href);

const [host, user, transport, count] = process.argv.slice(2);
const there = await openHost({ kind: 'ssh', host, user, transport });
const times = [];
for (let i = 0; i < Number(count); i++) {
  const began = performance.now();
  await there.run(['true']);
  times.push(performance.now() - began);
}
await there.close();
process.stdout.write(`${JSON.stringify(times)}\n`);

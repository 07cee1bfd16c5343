// Opens a cell in the folder it is given, starts containerd there, says the cgroup, and waits to be killed.
import { Cell } from './cell.js';
import { Containers } from './containers.js';

const cell = await Cell.open(process.argv[2] ?? '');
await Containers.start(cell);
process.stdout.write(`${cell.cgroup}\n`);
setInterval(() => {}, 60_000);

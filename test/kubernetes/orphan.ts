// Starts a daemon in the folder it is given, says so, and waits to be killed.
import { Daemon, freePorts } from './daemons.js';

const [dir = '', program = ''] = process.argv.slice(2);
const [client, peer] = await freePorts(2);
const urls = (name: string, port?: number) => `--${name}-urls=http://127.0.0.1:${port}`;
const listening = [urls('listen-client', client), urls('advertise-client', client), urls('listen-peer', peer)];
await Daemon.start(dir, program, 'etcd', [`--data-dir=${dir}/etcd`, ...listening]);
process.stdout.write('started\n');
setInterval(() => {}, 60_000);

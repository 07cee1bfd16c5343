import { once } from 'node:events';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import type { Command } from 'commander';
import type { Context } from '../cluster/context.js';
import type { ClusterRecord } from '../cluster/record.js';
import type { TunnelMessage } from '../cluster/tunnel.js';
import { messageOf, ScailfinError, UsageError } from '../errors.js';
import type { Transport } from '../hosts/target.js';
import { positive, transportOption } from './options.js';
import type { Ui } from './ui.js';

interface Flags {
  port?: number;
  background?: boolean;
  stop?: boolean;
  kept?: boolean;
  transport?: Transport;
}

export function register(program: Command, ui: Ui): void {
  program
    .command('connect')
    .description('forward a local port to REANA on the headnode, until Ctrl-C')
    .argument('[name]', 'the cluster; default: the only one')
    .option('--port <port>', 'the local port; default: the same as on the headnode', positive)
    .option('--background', 'keep the port forwarded without this terminal, until the cluster is taken down or --stop')
    .option('--stop', 'stop forwarding the port in the background')
    .addOption(transportOption())
    .addOption(program.createOption('--kept').hideHelp())
    .action(async (name: string | undefined, flags: Flags) => {
      const { pickRecord } = await import('./session.js');
      const record = pickRecord(name);
      if (flags.kept) return inBackground(record, flags, ui);
      if (flags.stop || flags.background) return background(record, flags, ui);
      await inForeground(record, flags, ui);
    });
}

async function inForeground(record: ClusterRecord, flags: Flags, ui: Ui): Promise<void> {
  const [{ withCluster }, { dialReana }] = await Promise.all([import('./session.js'), import('../cluster/reana.js')]);
  await withCluster(ui, record.name, flags, async context => {
    const server = await listen(await dialReana(context), flags.port ?? wanted(record), text => ui.say(text));
    ui.print(`REANA_SERVER_URL=${record.reana?.scheme}://127.0.0.1:${portOf(server)}`);
    ui.say(`the token is in ${context.journal.dir}/reana.token; Ctrl-C ends the connection, not the cluster`);
    await once(server, 'close');
  });
}

async function background(record: ClusterRecord, flags: Flags, ui: Ui): Promise<void> {
  const [{ Journal }, { closeTunnel, openTunnel }] = await Promise.all([
    import('../cluster/journal.js'),
    import('../cluster/tunnel.js'),
  ]);
  const { dir } = Journal.open(record.name);
  if (flags.stop) {
    ui.print(closeTunnel(dir) ? 'the port is no longer forwarded' : 'none was kept in the background');
    return;
  }
  wanted(record);
  const options = [
    ...(flags.port === undefined ? [] : ['--port', String(flags.port)]),
    ...(flags.transport === undefined ? [] : ['--transport', flags.transport]),
  ];
  const { port, pid } = await openTunnel(record.name, dir, options);
  ui.print(`REANA_SERVER_URL=${record.reana?.scheme}://127.0.0.1:${port}`);
  ui.say(
    `process ${pid} forwards the port until the cluster is taken down; to stop it: scailfin connect ${record.name} --stop`,
  );
}

const everyMs = 2000;

/** The process that `background` starts. It can ask nobody and print nothing, and it ends with the cluster. */
async function inBackground(record: ClusterRecord, flags: Flags, ui: Ui): Promise<void> {
  const [{ withCluster }, { dialReana }, { Journal }, { keepTunnel, tunnelOf }] = await Promise.all([
    import('./session.js'),
    import('../cluster/reana.js'),
    import('../cluster/journal.js'),
    import('../cluster/tunnel.js'),
  ]);
  const tell = (message: TunnelMessage): void => void process.send?.(message);
  const { name } = record;
  try {
    await withCluster(ui, name, flags, async first => {
      const server = await listenSomewhere(redialing(first, dialReana, flags), flags.port, wanted(record));
      const tunnel = keepTunnel(first.journal.dir, portOf(server));
      tell({ ready: tunnel });
      const isWanted = (): boolean => {
        const now = Journal.open(name).record;
        return now?.state !== 'terminated' && now?.id === record.id && tunnelOf(first.journal.dir)?.pid === process.pid;
      };
      const watch = setInterval(() => isWanted() || server.close(), everyMs);
      await once(server, 'close');
      clearInterval(watch);
    });
    // open connections would keep the process alive
    process.exit(0);
  } catch (error) {
    const hint = error instanceof ScailfinError ? error.hint : undefined;
    tell({ failed: { message: messageOf(error), ...(hint === undefined ? {} : { hint }) } });
    process.exit(1);
  }
}

/** A laptop sleeps, or its network changes: a connection that is lost is made again. */
function redialing(
  first: Context,
  dialOf: (context: Context) => Promise<() => Promise<Duplex>>,
  { transport }: Flags,
): () => Promise<Duplex> {
  let context = first;
  return async () => {
    try {
      return await (await dialOf(context))();
    } catch {
      const { Connections } = await import('../cluster/connections.js');
      await context.connections.close().catch(() => {});
      context = { ...context, connections: new Connections(undefined, { transport }) };
      return (await dialOf(context))();
    }
  };
}

/** @throws UsageError when the cluster has no REANA */
function wanted({ name, reana }: ClusterRecord): number {
  if (reana) return reana.port;
  throw new UsageError(`${name} has no REANA`, { hint: 'scailfin up NAME --site SITE --framework reana' });
}

const portOf = (server: net.Server): number => (server.address() as net.AddressInfo).port;

/** Listens on the port that was asked for; otherwise on the same port as on the headnode; otherwise on any free port. */
async function listenSomewhere(
  dial: () => Promise<Duplex>,
  asked: number | undefined,
  best: number,
): Promise<net.Server> {
  const server = listen(dial, asked ?? best, () => {});
  return asked === undefined ? server.catch(() => listen(dial, 0, () => {})) : server;
}

/** @throws UsageError when the port is taken */
async function listen(dial: () => Promise<Duplex>, port: number, say: (text: string) => void): Promise<net.Server> {
  const server = net.createServer(socket => {
    socket.on('error', () => {});
    dial().then(
      far => {
        far.on('error', () => socket.destroy());
        socket.pipe(far).pipe(socket);
        socket.once('close', () => far.destroy());
      },
      error => {
        say(messageOf(error));
        socket.destroy();
      },
    );
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening').catch(error => {
    throw new UsageError(`port ${port} of this machine can't be used: ${messageOf(error)}`, {
      hint: 'choose another: --port PORT',
    });
  });
  return server;
}

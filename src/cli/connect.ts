import { once } from 'node:events';
import net from 'node:net';
import type { Command } from 'commander';
import type { Context } from '../cluster/context.js';
import type { Offer, reachFrameworks } from '../cluster/framework.js';
import type { ClusterRecord } from '../cluster/record.js';
import type { TunnelMessage } from '../cluster/tunnel.js';
import { messageOf, ScailfinError, UsageError } from '../errors.js';
import { services } from '../frameworks/registry.js';
import type { Dial } from '../frameworks/service.js';
import type { Transport } from '../hosts/target.js';
import { frameworkNames, positive, transportOption } from './options.js';
import type { Ui } from './ui.js';

interface Flags {
  framework?: string[];
  port?: number;
  background?: boolean;
  stop?: boolean;
  kept?: boolean;
  transport?: Transport;
}

export function register(program: Command, ui: Ui): void {
  program
    .command('connect')
    .description('forward local ports to what the cluster offers on the headnode, such as REANA, until Ctrl-C')
    .argument('[name]', 'the cluster; default: the only one')
    .addOption(
      frameworkNames(
        program.createOption('--framework <names>', 'to these only, such as reana; default: to all'),
        services,
      ),
    )
    .option('--port <port>', 'the local port; default: the same as on the headnode', positive)
    .option('--background', 'keep the ports forwarded without this terminal, until the cluster is taken down or --stop')
    .option('--stop', 'stop forwarding ports in the background')
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
  const [{ withCluster }, { reachFrameworks }] = await Promise.all([
    import('./session.js'),
    import('../cluster/framework.js'),
  ]);
  await withCluster(ui, record.name, flags, async context => {
    const offers = await reachFrameworks(context, flags.framework);
    checkPort(offers, flags);
    const servers: net.Server[] = [];
    for (const { dial, ...offer } of offers) {
      const server = await listen(dial, flags.port ?? offer.facts.port, text => ui.say(text));
      servers.push(server);
      const { values, secrets } = tellOf(offer, portOf(server));
      for (const line of values) ui.print(line);
      for (const line of secrets) ui.say(line);
    }
    ui.say('Ctrl-C ends the connection, not the cluster');
    await Promise.all(servers.map(server => once(server, 'close')));
  });
}

async function background(record: ClusterRecord, flags: Flags, ui: Ui): Promise<void> {
  const [{ Journal }, { closeTunnels, openTunnel }, { offersOf, reachable, wantedOf }] = await Promise.all([
    import('../cluster/journal.js'),
    import('../cluster/tunnel.js'),
    import('../cluster/framework.js'),
  ]);
  const { dir } = Journal.open(record.name);
  if (flags.stop) {
    const n = closeTunnels(dir).length;
    if (n === 0) ui.print('none was kept in the background');
    else ui.print(n === 1 ? 'the port is no longer forwarded' : `${n} ports are no longer forwarded`);
    return;
  }
  const offers = reachable(wantedOf(record, await offersOf(record, dir), flags.framework));
  checkPort(offers, flags);
  // a secret that is missing is said here, not by a process in the background
  for (const { service, facts, here } of offers) service.dial(facts, here, () => Promise.reject(new Error('unused')));
  const options = [
    ...(flags.port === undefined ? [] : ['--port', String(flags.port)]),
    ...(flags.transport === undefined ? [] : ['--transport', flags.transport]),
  ];
  for (const offer of offers) {
    const { port, pid } = await openTunnel(offer.here, offer.framework.name, options);
    for (const line of tellOf(offer, port).values) ui.print(line);
    ui.say(`process ${pid} forwards port ${port} to ${offer.framework.title} until the cluster is taken down`);
  }
  ui.say(`to stop it: scailfin connect ${record.name} --stop`);
}

/** @throws UsageError for one local port for several frameworks */
function checkPort(offers: readonly Offer[], { port }: Flags): void {
  if (port === undefined || offers.length === 1) return;
  const [first, ...others] = offers.map(({ framework }) => framework.name);
  throw new UsageError(`--port ${port} can lead to one framework only, not to ${offers.length}`, {
    hint: `say which: --framework ${[first, ...others].join('|')} --port ${port}`,
  });
}

const everyMs = 2000;

/** The process that `background` starts. It can ask nobody and print nothing, and it ends with the cluster. */
async function inBackground(record: ClusterRecord, flags: Flags, ui: Ui): Promise<void> {
  const [{ withCluster }, { offersOf, reachFrameworks, wantedOf }, { Journal }, { keepTunnel, tunnelOf }] =
    await Promise.all([
      import('./session.js'),
      import('../cluster/framework.js'),
      import('../cluster/journal.js'),
      import('../cluster/tunnel.js'),
    ]);
  const tell = (message: TunnelMessage): void => void process.send?.(message);
  const { name } = record;
  try {
    await withCluster(ui, name, flags, async first => {
      const { dir } = first.journal;
      const [{ framework, facts }] = wantedOf(record, await offersOf(record, dir), flags.framework);
      const dial = redialing(first, framework.name, reachFrameworks, flags);
      const server = await listenSomewhere(dial, flags.port, facts.port);
      const tunnel = keepTunnel(dir, framework.name, portOf(server));
      tell({ ready: tunnel });
      const isWanted = (): boolean => {
        const now = Journal.open(name).record;
        return (
          now?.state !== 'terminated' && now?.id === record.id && tunnelOf(dir, framework.name)?.pid === process.pid
        );
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
function redialing(first: Context, framework: string, reach: typeof reachFrameworks, { transport }: Flags): Dial {
  let context = first;
  const dial: Dial = async () => (await reach(context, [framework]))[0].dial();
  return async () => {
    try {
      return await dial();
    } catch {
      const { Connections } = await import('../cluster/connections.js');
      await context.connections.close().catch(() => {});
      context = { ...context, connections: new Connections(undefined, { transport }) };
      return dial();
    }
  };
}

/** The lines that tell the user how to use a framework through a local port. */
function tellOf({ service, facts, here }: Offer, port: number): { values: string[]; secrets: string[] } {
  const variables = service.env(facts, here, port);
  return {
    values: variables.flatMap(v => ('value' in v ? [`${v.name}=${v.value}`] : [])),
    secrets: variables.flatMap(v => ('file' in v ? [`the ${v.what} is in ${v.file}`] : [])),
  };
}

const portOf = (server: net.Server): number => (server.address() as net.AddressInfo).port;

/** Listens on the port that was asked for; otherwise on the same port as on the headnode; otherwise on any free port. */
async function listenSomewhere(dial: Dial, asked: number | undefined, best: number): Promise<net.Server> {
  const server = listen(dial, asked ?? best, () => {});
  return asked === undefined ? server.catch(() => listen(dial, 0, () => {})) : server;
}

/** @throws UsageError when the port is taken */
async function listen(dial: Dial, port: number, say: (text: string) => void): Promise<net.Server> {
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
      hint: 'choose another: --port PORT; if the cluster has several frameworks: --framework NAME --port PORT',
    });
  });
  return server;
}

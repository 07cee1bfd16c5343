import { once } from 'node:events';
import net from 'node:net';
import type { Command } from 'commander';
import { messageOf, UsageError } from '../errors.js';
import type { Transport } from '../hosts/target.js';
import { positive, transportOption } from './options.js';
import type { Ui } from './ui.js';

export function register(program: Command, ui: Ui): void {
  program
    .command('connect')
    .description("lead a port of this machine to REANA's edge on the headnode, until Ctrl-C")
    .argument('[name]', 'the cluster; default: the only one')
    .option('--port <port>', 'port of this machine; default: as on the headnode', positive)
    .addOption(transportOption())
    .action(async (name: string | undefined, flags: { port?: number; transport?: Transport }) => {
      const [{ pickRecord, withCluster }, { dialReana }] = await Promise.all([
        import('./session.js'),
        import('../cluster/reana.js'),
      ]);
      const record = pickRecord(name);
      await withCluster(ui, record.name, flags, async context => {
        const dial = await dialReana(context);
        const port = flags.port ?? (record.reana?.port as number);
        const server = net.createServer(socket => {
          socket.on('error', () => {});
          dial().then(
            far => {
              far.on('error', () => socket.destroy());
              socket.pipe(far).pipe(socket);
              socket.once('close', () => far.destroy());
            },
            error => {
              ui.say(messageOf(error));
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
        ui.print(`REANA_SERVER_URL=http://127.0.0.1:${port}`);
        ui.say(`the token is in ${context.journal.dir}/reana.token; Ctrl-C ends the connection, not the cluster`);
        await once(server, 'close');
      });
    });
}

import type { Command } from 'commander';
import type { TokenStatus } from '../cluster/tokens.js';
import type { Transport } from '../hosts/target.js';
import { formatDuration, formatMemory } from '../units.js';
import { jsonOption, transportOption } from './options.js';
import { table } from './table.js';
import type { Ui } from './ui.js';

interface RevokeFlags {
  site?: string;
  glidein?: string;
  all?: boolean;
  transport?: Transport;
}

/** Adds `scailfin token list|revoke`. */
export function register(program: Command, ui: Ui): void {
  const token = program.command('token').description('list and revoke the tokens with which glide-ins join the pool');

  token
    .command('list')
    .description('list the tokens: which glide-ins have them, and until when they are valid')
    .argument('[name]', 'the cluster; default: the only one')
    .addOption(transportOption())
    .addOption(jsonOption())
    .action(async (name: string | undefined, flags: { transport?: Transport }) => {
      const [{ pickRecord, withCluster }, { clusterTokens }] = await modules();
      const picked = pickRecord(name);
      await withCluster(ui, picked.name, flags, async context => {
        const tokens = await clusterTokens(context);
        if (ui.json) ui.printJson(tokens);
        else ui.print(describeTokens(tokens));
      });
    });

  token
    .command('revoke')
    .description('revoke tokens, and cancel the glide-ins that use them')
    .argument('<name>', 'the cluster')
    .argument('[token...]', 'which (scailfin token list)')
    .option('--site <site>', 'revoke the tokens of a site')
    .option('--glidein <id>', 'revoke the token of a glide-in, named by its batch job (scailfin status)')
    .option('--all', 'revoke all tokens of the cluster')
    .addOption(transportOption())
    .addOption(jsonOption())
    .action(async (name: string, ids: string[], flags: RevokeFlags) => {
      const [{ pickRecord, withCluster }, { revoke }] = await modules();
      const picked = pickRecord(name);
      const { site, glidein, all } = flags;
      await withCluster(ui, picked.name, flags, async context => {
        const { revoked, cancelled } = await revoke(context, { ids, site, glidein, all });
        if (ui.json) ui.printJson({ revoked: revoked.map(t => t.id), cancelled });
        else
          ui.print(
            `${revoked.map(t => t.id).join(', ')} revoked; ${cancelled} glide-in${cancelled === 1 ? '' : 's'} cancelled. \`scailfin up ${picked.name}\` submits new ones with a new token`,
          );
      });
    });
}

const modules = () => Promise.all([import('./session.js'), import('../cluster/tokens.js')]);

function describeTokens(tokens: readonly TokenStatus[]): string {
  if (tokens.length === 0) return 'there are no tokens yet';
  const now = Date.now() / 1000;
  const ends = ({ revoked, until }: TokenStatus): string =>
    revoked ? 'revoked' : until <= now ? 'expired' : `expires in ${formatDuration(until - now)}`;
  const most = ({ cores, memory }: TokenStatus): string =>
    [cores ? `${cores} cores` : '', memory ? formatMemory(memory) : ''].filter(Boolean).join(', ') || 'no limit';
  const rows = tokens.map(t => [t.id, t.site || 'all', t.jobIds.join(', ') || '-', most(t), ends(t)]);
  return table([['TOKEN', 'SITE', 'JOBS', 'AT MOST', 'STATE'], ...rows]);
}

import type { Command } from 'commander';
import type { KeptState } from '../hosts/kept/place.js';
import type { AuthOptions } from '../hosts/open.js';
import type { SshTarget, Transport } from '../hosts/target.js';
import { formatDuration } from '../units.js';
import { duration, jsonOption, transportOption } from './options.js';
import { table } from './table.js';
import type { Ui } from './ui.js';

const idleDefault = 4 * 3600;

interface Flags {
  user?: string;
  idle: number;
  transport?: Transport;
}

export function register(program: Command, ui: Ui): void {
  program
    .command('login')
    .description(
      'log in once (also with one-time codes) and keep the connection for later commands; without a site, list the kept connections',
    )
    .argument('[site]', 'name of a site, path of a profile, or [user@]host')
    .option('--user <user>', 'your user name at the site')
    .option('--idle <time>', 'close the connection after this long without use, such as 8h', duration, idleDefault)
    .addOption(transportOption())
    .addOption(jsonOption())
    .action(async (site: string | undefined, flags: Flags) => {
      if (site === undefined) return list(ui);
      const state = await login(site, flags, ui);
      if (ui.json) ui.printJson(state);
      else {
        ui.print(
          `${state.name}: logged in. Process ${state.pid} keeps the connection, and closes it after ${formatDuration(state.idleLimit)} without use.`,
        );
        ui.say(`to close it now: scailfin logout ${site}`);
      }
    });
}

/** Logs in to the first login node that can be reached. */
async function login(site: string, flags: Flags, ui: Ui): Promise<KeptState> {
  const { keepLogin } = await import('../hosts/kept/keep.js');
  const { ConnectionError } = await import('../errors.js');
  const { targets, auth } = await loginOf(site, flags.user);
  let unreachable: unknown;
  for (const target of targets) {
    try {
      const wanted = flags.transport ? { ...target, transport: flags.transport } : target;
      const request = { target: wanted, auth, idleLimit: flags.idle };
      return await keepLogin(request, ui.prompter(), text => ui.say(text));
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      unreachable ??= error;
    }
  }
  throw unreachable;
}

/** The login node of a site, or the host itself if it is not a site. @throws UsageError */
export async function loginOf(
  name: string,
  user: string | undefined,
): Promise<{ targets: readonly SshTarget[]; auth?: AuthOptions }> {
  const [{ isSite, loadSite }, { loadConfig }, { UsageError }, { parseTarget }, { loginAuth, loginTargets }] =
    await Promise.all([
      import('../sites/catalog.js'),
      import('../sites/config.js'),
      import('../errors.js'),
      import('../hosts/target.js'),
      import('../cluster/connections.js'),
    ]);
  if (!(await isSite(name))) {
    if (!/[@.:]/.test(name)) await loadSite(name); // its error lists the known sites
    const target = parseTarget(name);
    return { targets: [user === undefined ? target : { ...target, user }] };
  }
  const [{ profile }, config] = await Promise.all([loadSite(name), loadConfig()]);
  if (!profile.login) throw new UsageError(`${profile.name} is this machine: there is nothing to log in to`);
  const who = user ?? config.sites[profile.name]?.user ?? profile.login.user;
  const auth = loginAuth(profile);
  return { targets: loginTargets(profile.login, who), ...(auth && { auth }) };
}

async function list(ui: Ui): Promise<void> {
  const { keptLogins } = await import('../hosts/kept/reuse.js');
  const kept = await keptLogins();
  if (ui.json) ui.printJson(kept);
  else if (kept.length === 0) ui.print('no connection is kept; to keep one: scailfin login SITE');
  else {
    const rows = kept.map(k => [
      ...[k.name, String(k.pid), formatDuration(Math.round((Date.now() - k.since) / 1000))],
      k.clients > 0 ? 'in use' : `in ${formatDuration(k.secondsLeft)} without use`,
    ]);
    ui.print(table([['LOGIN', 'PROCESS', 'FOR', 'CLOSES'], ...rows]));
  }
}

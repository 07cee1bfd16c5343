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
      'log in once, codes and all, and keep the connection for later commands; without a site, list those kept',
    )
    .argument('[site]', 'name of a site, path of a profile, or [user@]host')
    .option('--user <user>', 'your name at the site')
    .option('--idle <time>', 'hang up after this long without use, such as 8h', duration, idleDefault)
    .addOption(transportOption())
    .addOption(jsonOption())
    .action(async (site: string | undefined, flags: Flags) => {
      if (site === undefined) return list(ui);
      const state = await login(site, flags, ui);
      if (ui.json) ui.printJson(state);
      else {
        ui.print(
          `${state.name}: logged in. Process ${state.pid} keeps the connection and hangs up after ${formatDuration(state.idleLimit)} without use.`,
        );
        ui.say(`hang up now: scailfin logout ${site}`);
      }
    });
}

/** The first login node that can be reached. */
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

/** Where one logs in for a site, or for a host that is no site. @throws UsageError */
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
    if (!/[@.:]/.test(name)) await loadSite(name); // says which sites there are
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
  else if (kept.length === 0) ui.print('no login is kept; scailfin login SITE keeps one');
  else {
    const rows = kept.map(k => [
      ...[k.name, String(k.pid), formatDuration(Math.round((Date.now() - k.since) / 1000))],
      k.clients > 0 ? 'in use' : `in ${formatDuration(k.secondsLeft)} without use`,
    ]);
    ui.print(table([['LOGIN', 'PROCESS', 'FOR', 'HANGS UP'], ...rows]));
  }
}

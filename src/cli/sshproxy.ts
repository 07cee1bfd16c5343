import os from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import type { SiteProfile } from '../sites/schema.js';
import { jsonOption } from './options.js';
import type { Ui } from './ui.js';

interface Flags {
  site: string;
  user?: string;
  scope?: string;
  collab?: string;
  out?: string;
  agent?: true;
}

export function register(program: Command, ui: Ui): void {
  program
    .command('sshproxy')
    .description(
      "trade password and one-time code for an SSH key that lives for a day, at NERSC's sshproxy or its like",
    )
    .option('--site <site>', 'the site whose profile names the service', 'nersc')
    .option('--user <user>', 'your name at the site')
    .option('--scope <scope>', 'what the key is for, where the site gave you a scope')
    .option('--collab <account>', 'a key for a shared account')
    .option('--out <file>', 'where the private key goes; FILE-cert.pub and FILE.pub go beside it')
    .option('--agent', 'give the key to the SSH agent as well, until it ends')
    .addOption(jsonOption())
    .action(async (flags: Flags) => {
      const { file, certificate, validity } = await getKey(flags, ui);
      const { keyId, principals, validBefore } = certificate;
      const ends = Number.isFinite(validBefore) ? new Date(validBefore).toISOString() : null;
      if (ui.json) ui.printJson({ file, certificate: `${file}-cert.pub`, keyId, principals, ends });
      else {
        ui.print(`${file}: a key for ${principals.join(', ') || 'the site to decide'}, valid ${validity}`);
        ui.say(`use it: scailfin login ${flags.site}, or ssh -i ${file}`);
      }
    });
}

async function getKey(flags: Flags, ui: Ui) {
  const [{ loadSite }, { loadConfig }, { AuthError, UsageError }] = await Promise.all([
    import('../sites/catalog.js'),
    import('../sites/config.js'),
    import('../errors.js'),
  ]);
  const [{ profile }, config] = await Promise.all([loadSite(flags.site), loadConfig()]);
  const service = profile.login?.certificates;
  if (!service) {
    throw new UsageError(`the profile of ${profile.name} names no sshproxy`, {
      hint: 'set login.certificates in it, or name another site by --site',
    });
  }
  const user = flags.user ?? config.sites[profile.name]?.user ?? profile.login?.user ?? os.userInfo().username;
  const { checkWords, requestKey } = await import('../credentials/sshproxy.js');
  checkWords({ user, scope: flags.scope, collab: flags.collab });
  const file = path.resolve(home(flags.out ?? keyFileOf(service, flags)));
  const { addToAgent, checkReplaceable, writeKey } = await import('../credentials/keypair.js');
  checkReplaceable(file);
  if (flags.agent && !process.env.SSH_AUTH_SOCK) {
    throw new AuthError('there is no agent to give the key to', { hint: 'start one: eval "$(ssh-agent)"' });
  }
  const prompter = ui.prompter();
  const asked = `Password followed by one-time code (${user} at ${new URL(service.sshproxy).host}): `;
  if (!prompter) {
    throw new AuthError(`nobody is there to answer ${JSON.stringify(asked.trim())}`, { hint: 'run it on a terminal' });
  }
  const secret = await prompter.ask(asked, { echo: false });
  const issued = await requestKey({ url: service.sshproxy, user, secret, scope: flags.scope, collab: flags.collab });
  writeKey(file, issued);
  const { certificate } = issued;
  if (flags.agent) await addToAgent(file, Math.max(1, Math.floor((certificate.validBefore - Date.now()) / 1000)));
  const { validity } = await import('../credentials/ssh/certificate.js');
  return { file, certificate, validity: validity(certificate) };
}

/** As the original does: a scope's or shared account's key has its name. */
function keyFileOf(service: NonNullable<NonNullable<SiteProfile['login']>['certificates']>, flags: Flags): string {
  const name = flags.collab ?? flags.scope;
  return name === undefined || name === 'default' ? service.key : path.join(path.dirname(service.key), name);
}

const home = (file: string): string => (file.startsWith('~/') ? path.join(os.homedir(), file.slice(2)) : file);

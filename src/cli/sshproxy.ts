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
      "get an SSH key that is valid for a day for your password and one-time code, from NERSC's sshproxy or a similar service",
    )
    .option('--site <site>', 'the site whose profile names the service', 'nersc')
    .option('--user <user>', 'your user name at the site')
    .option('--scope <scope>', "the key's scope, if the site gave you one")
    .option('--collab <account>', 'get a key for a shared account')
    .option('--out <file>', 'where to put the private key; FILE-cert.pub and FILE.pub go beside it')
    .option('--agent', 'also add the key to the SSH agent, until the key expires')
    .addOption(jsonOption())
    .action(async (flags: Flags) => {
      const { file, certificate, validity } = await getKey(flags, ui);
      const { keyId, principals, validBefore } = certificate;
      const ends = Number.isFinite(validBefore) ? new Date(validBefore).toISOString() : null;
      if (ui.json) ui.printJson({ file, certificate: `${file}-cert.pub`, keyId, principals, ends });
      else {
        ui.print(
          `${file}: a key for ${principals.join(', ') || 'the account that the site chooses'}, valid ${validity}`,
        );
        ui.say(`to use it: scailfin login ${flags.site}, or ssh -i ${file}`);
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
      hint: 'set login.certificates in the profile, or name another site with --site',
    });
  }
  const user = flags.user ?? config.sites[profile.name]?.user ?? profile.login?.user ?? os.userInfo().username;
  const { checkWords, requestKey } = await import('../credentials/sshproxy.js');
  checkWords({ user, scope: flags.scope, collab: flags.collab });
  const file = path.resolve(home(flags.out ?? keyFileOf(service, flags)));
  const { addToAgent, checkReplaceable, writeKey } = await import('../credentials/keypair.js');
  checkReplaceable(file);
  if (flags.agent && !process.env.SSH_AUTH_SOCK) {
    throw new AuthError('no SSH agent is running', { hint: 'start one: eval "$(ssh-agent)"' });
  }
  const prompter = ui.prompter();
  const asked = `Password followed by one-time code (${user} at ${new URL(service.sshproxy).host}): `;
  if (!prompter) {
    throw new AuthError(`nobody can answer ${JSON.stringify(asked.trim())}`, { hint: 'run it on a terminal' });
  }
  const secret = await prompter.ask(asked, { echo: false });
  const issued = await requestKey({ url: service.sshproxy, user, secret, scope: flags.scope, collab: flags.collab });
  writeKey(file, issued);
  const { certificate } = issued;
  if (flags.agent) await addToAgent(file, Math.max(1, Math.floor((certificate.validBefore - Date.now()) / 1000)));
  const { validity } = await import('../credentials/ssh/certificate.js');
  return { file, certificate, validity: validity(certificate) };
}

/** As in the original program, the key of a scope or shared account is named after it. */
function keyFileOf(service: NonNullable<NonNullable<SiteProfile['login']>['certificates']>, flags: Flags): string {
  const name = flags.collab ?? flags.scope;
  return name === undefined || name === 'default' ? service.key : path.join(path.dirname(service.key), name);
}

const home = (file: string): string => (file.startsWith('~/') ? path.join(os.homedir(), file.slice(2)) : file);

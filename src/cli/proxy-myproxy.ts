import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { MyProxyOptions, MyProxyServer } from '../credentials/x509/myproxy-session.js';
import { UsageError } from '../errors.js';
import { jsonOption, positive } from './options.js';
import { passphrasesFrom, type SecretFlags, secretOptions } from './passphrase-options.js';
import { announce, describeStored, minute } from './proxy-show.js';
import type { Ui } from './ui.js';

interface ServerFlags {
  server?: string;
  dn?: string;
  username?: string;
  credential?: string;
}
interface IdentityFlags {
  cert?: string;
  key?: string;
  p12?: string;
}
interface LogonFlags extends ServerFlags, SecretFlags {
  hours: number;
  bits: number;
  out?: string;
}
interface StoreFlags extends ServerFlags, SecretFlags, IdentityFlags {
  hours: number;
  proxyHours: number;
  renewer?: string;
}
type OwnerFlags = ServerFlags & SecretFlags & IdentityFlags;

const serverOptions = (command: Command): Command =>
  secretOptions(command)
    .option('--server <host[:port]>', 'the MyProxy server; default: MYPROXY_SERVER')
    .option(
      '--dn <name>',
      'the only certificate name to accept from the server, such as /O=Grid/CN=host/myproxy.site.org',
    )
    .option('--username <name>', 'your user name on the server; default: your user name on this machine')
    .option('--credential <name>', 'the name of the credential, if several are stored for that user')
    .addOption(jsonOption());

const identityOptions = (command: Command): Command =>
  command
    .option('--cert <file>', 'your certificate; default: X509_USER_CERT, ~/.globus/usercert.pem or usercred.p12')
    .option('--key <file>', 'its key; default: X509_USER_KEY, ~/.globus/userkey.pem')
    .option('--p12 <file>', 'certificate and key in one file, as a browser exports them (.p12, .pfx)');

/** Adds the commands for a MyProxy server to `scailfin proxy`. */
export function registerMyProxy(proxy: Command, ui: Ui): void {
  serverOptions(proxy.command('logon').description('fetch a proxy from a MyProxy server, with its passphrase'))
    .option('--hours <n>', 'lifetime of the proxy in hours', positive, 12)
    .option('--bits <n>', 'length of its RSA key in bits', positive, 2048)
    .option('--out <file>', 'where to put the proxy; default: X509_USER_PROXY, /tmp/x509up_u<uid>')
    .action((flags: LogonFlags) => logon(flags, ui));

  identityOptions(
    serverOptions(proxy.command('store').description('store a proxy on a MyProxy server, to fetch it elsewhere')),
  )
    .option('--hours <n>', 'how many hours it is kept', positive, 168)
    .option('--proxy-hours <n>', 'longest lifetime in hours of proxies fetched from it', positive, 12)
    .option(
      '--renewer <name>',
      'who may renew proxies with it without a passphrase, such as /O=Grid/CN=host/portal.org',
    )
    .action((flags: StoreFlags) => store(flags, ui));

  identityOptions(
    serverOptions(proxy.command('stored').description('show what a MyProxy server keeps for you')),
  ).action(async (flags: OwnerFlags) => {
    const { storedProxies } = await import('../credentials/x509/myproxy.js');
    const { server, wanted, options } = await owner(flags, ui);
    const found = await storedProxies(server, wanted, options);
    if (ui.json) ui.printJson(found);
    else ui.print(describeStored(found));
  });

  identityOptions(
    serverOptions(proxy.command('unstore').description('remove what a MyProxy server keeps for you')),
  ).action(async (flags: OwnerFlags) => {
    const { removeStored } = await import('../credentials/x509/myproxy.js');
    const { server, wanted, options } = await owner(flags, ui);
    await removeStored(server, wanted, options);
    if (ui.json) ui.printJson({ server: server.host, ...wanted, removed: true });
    else ui.print(`${server.host} keeps nothing more of ${wanted.username}${nameOf(flags)}`);
  });
}

const nameOf = ({ credential }: ServerFlags): string =>
  credential === undefined ? '' : ` under the name ${credential}`;

interface Wanted {
  username: string;
  credential: string | undefined;
}

async function context(
  flags: ServerFlags,
): Promise<{ server: MyProxyServer; wanted: Wanted; options: MyProxyOptions }> {
  const [{ myproxyServer }, { loadTrust }] = await Promise.all([
    import('../credentials/x509/myproxy.js'),
    import('../credentials/x509/trust.js'),
  ]);
  const server = myproxyServer(flags.server);
  const username = flags.username ?? process.env.LOGNAME ?? process.env.USER;
  if (!username) throw new UsageError('no user name is known', { hint: 'give it: --username NAME' });
  return {
    server: flags.dn === undefined ? server : { ...server, identity: flags.dn },
    wanted: { username, credential: flags.credential },
    options: { trust: loadTrust() },
  };
}

async function logon(flags: LogonFlags, ui: Ui): Promise<void> {
  const [{ checkPassphrase, fetchProxy }, { proxyFile, writeProxy }, { remember }] = await Promise.all([
    import('../credentials/x509/myproxy.js'),
    import('../credentials/x509/proxy.js'),
    import('../credentials/renewal.js'),
  ]);
  const { server, wanted, options } = await context(flags);
  const passphrases = await passphrasesFrom(flags, ui);
  const passphrase = await passphrases.ask(`Enter MyProxy passphrase of ${wanted.username} at ${server.host}: `);
  const request = {
    ...wanted,
    passphrase: checkPassphrase(passphrase),
    lifetime: flags.hours * 3600,
    bits: flags.bits,
  };
  const made = await fetchProxy(server, request, options, flags.out ?? proxyFile());
  writeProxy(made.proxy);
  const { hours, bits } = flags;
  remember(resolve(made.proxy.file), { how: 'logon', server, ...wanted, hours, bits });
  await announce(made, ui);
}

async function store(flags: StoreFlags, ui: Ui): Promise<void> {
  const [{ checkPassphrase, storeProxy }, { loadIdentity }, { askNew }] = await Promise.all([
    import('../credentials/x509/myproxy.js'),
    import('../credentials/x509/user.js'),
    import('../credentials/passphrases.js'),
  ]);
  const { server, wanted, options } = await context(flags);
  const passphrases = await passphrasesFrom(flags, ui);
  const own = await loadIdentity(flags, passphrases);
  const what = `${wanted.username} at ${server.host}`;
  const passphrase = flags.renewer === undefined ? checkPassphrase(await askNew(passphrases, what)) : undefined;
  const { hours, proxyHours, renewer } = flags;
  const end = new Date(Date.now() + hours * 3_600_000);
  const until = await storeProxy(
    server,
    { ...wanted, passphrase, end, lifetime: proxyHours * 3600, renewer },
    own,
    options,
  );
  if (ui.json) ui.printJson({ server: server.host, ...wanted, end: until });
  else ui.print(`stored on ${server.host} for ${wanted.username}${nameOf(flags)}, until ${minute(until)}`);
}

/**
 * The owner of a stored credential may query and remove it; the owner is shown by certificate or by an existing proxy.
 */
async function owner(flags: OwnerFlags, ui: Ui) {
  const { currentIdentity } = await import('../credentials/x509/current.js');
  const { server, wanted, options } = await context(flags);
  const own = await currentIdentity(flags, await passphrasesFrom(flags, ui));
  return { server, wanted, options: { ...options, own } };
}

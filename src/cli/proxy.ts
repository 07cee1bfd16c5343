import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { jsonOption, positive } from './options.js';
import { passphrasesFrom, type SecretFlags, secretOptions } from './passphrase-options.js';
import { registerMyProxy } from './proxy-myproxy.js';
import { registerRenew } from './proxy-renew.js';
import { announce, describeProxy } from './proxy-show.js';
import type { Ui } from './ui.js';

interface InitFlags extends SecretFlags {
  hours: number;
  bits: number;
  limited?: boolean;
  voms?: string[];
  cert?: string;
  key?: string;
  p12?: string;
  out?: string;
}

/** Adds `scailfin proxy init|info|destroy`, and the commands for a MyProxy server. */
export function register(program: Command, ui: Ui): void {
  const proxy = program.command('proxy').description('X.509 proxies for grid sites: make, fetch, show, destroy');

  secretOptions(
    proxy
      .command('init')
      .description('make a proxy from your grid certificate')
      .option('--hours <n>', 'lifetime of the proxy in hours', positive, 12)
      .option('--bits <n>', 'length of its RSA key in bits', keyLength, 2048)
      .option('--limited', "make a limited proxy, which can't be used to log in or to start jobs")
      .option(
        '--voms <vo[:fqan]>',
        'add attributes of a VO: VO, VO:/VO/GROUP, VO:/VO/GROUP/Role=ROLE; repeatable',
        several,
      )
      .option('--cert <file>', 'your certificate; default: X509_USER_CERT, ~/.globus/usercert.pem or usercred.p12')
      .option('--key <file>', 'its key; default: X509_USER_KEY, ~/.globus/userkey.pem')
      .option('--p12 <file>', 'certificate and key in one file, as a browser exports them (.p12, .pfx)')
      .option('--out <file>', 'where to put the proxy; default: X509_USER_PROXY, /tmp/x509up_u<uid>'),
  )
    .addOption(jsonOption())
    .action((flags: InitFlags) => init(flags, ui));

  proxy
    .command('info')
    .description('show a proxy; exit status 1 if there is none or it has expired')
    .option('--file <file>', 'which; default: X509_USER_PROXY, /tmp/x509up_u<uid>')
    .addOption(jsonOption())
    .action(async ({ file }: { file?: string }) => {
      const [{ inspectProxy }, { readProxy }] = await Promise.all([
        import('../credentials/x509/inspect.js'),
        import('../credentials/x509/proxy.js'),
      ]);
      const report = inspectProxy(readProxy(file));
      if (ui.json) ui.printJson(report);
      else ui.print(describeProxy(report));
      if (report.secondsLeft === 0) process.exitCode = 1;
    });

  proxy
    .command('destroy')
    .description('overwrite and remove a proxy')
    .option('--file <file>', 'which; default: X509_USER_PROXY, /tmp/x509up_u<uid>')
    .addOption(jsonOption())
    .action(async (flags: { file?: string }) => {
      const { destroyProxy, proxyFile } = await import('../credentials/x509/proxy.js');
      const file = flags.file ?? proxyFile();
      const existed = destroyProxy(file);
      if (ui.json) ui.printJson({ path: file, destroyed: existed });
      else ui.print(existed ? `destroyed ${file}` : `there is no proxy ${file}`);
    });

  registerMyProxy(proxy, ui);
  registerRenew(proxy, ui);
}

const several = (value: string, before: string[] = []): string[] => [...before, value];

function keyLength(text: string): number {
  const bits = positive(text);
  if (bits >= 2048 && bits <= 8192) return bits;
  throw new InvalidArgumentError('Write a number from 2048 to 8192: shorter keys are refused everywhere.');
}

async function init(flags: InitFlags, ui: Ui): Promise<void> {
  const [{ initProxy }, { proxyFile, writeProxy }, { parseVomsRequest }, { remember }] = await Promise.all([
    import('../credentials/x509/init.js'),
    import('../credentials/x509/proxy.js'),
    import('../credentials/x509/vomses.js'),
    import('../credentials/renewal.js'),
  ]);
  const { cert, key, p12, bits, limited = false } = flags;
  const made = await initProxy({
    files: { cert, key, p12 },
    passphrases: await passphrasesFrom(flags, ui),
    lifetime: flags.hours * 3600,
    bits,
    limited,
    voms: (flags.voms ?? []).map(parseVomsRequest),
    file: flags.out ?? proxyFile(),
  });
  writeProxy(made.proxy);
  const { hours } = flags;
  const files = Object.fromEntries(Object.entries({ cert, key, p12 }).map(([k, v]) => [k, v && resolve(v)]));
  remember(resolve(made.proxy.file), { how: 'init', files, hours, bits, limited, voms: flags.voms ?? [] });
  await announce(made, ui);
}

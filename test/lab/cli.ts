import { parseArgs } from 'node:util';
import { gsiPort, gsiSite, makeGsiSite } from './gsi.js';
import { type HostName, hostNames, Lab, labUnavailable } from './lab.js';
import { isStale, load, names } from './record.js';
import { prepareRootfs } from './rootfs.js';
import { type SiteName, siteNames } from './site.js';

const usage = `npm run lab -- up [--name NAME] [--site SITE] [--isolated]      SITE: ${siteNames.join(', ')}
             down [--name NAME | --all | --stale]
             status
             exec HOST [--name NAME] [--user USER] -- COMMAND…      HOST: ${hostNames.join(', ')}
             gsi [--name NAME]     its site can be reached by GSI-SSH, too
             prepare        builds what all labs share
A lab without a name is called "lab"; without a site it has Slurm's.`;

const say = (text: string) => void process.stdout.write(`${text}\n`);

async function up(name: string, site: string, isolated: boolean): Promise<number> {
  if (!siteNames.includes(site as SiteName)) return complain();
  await prepareRootfs(say);
  const began = Date.now();
  const lab = await Lab.up({ name, site: site as SiteName, keep: true, isolated });
  say(
    `lab "${name}" is up after ${((Date.now() - began) / 1000).toFixed(1)} s: ${hostNames.join(', ')}, ${lab.site.name}`,
  );
  return 0;
}

async function down(which: readonly string[]): Promise<number> {
  for (const name of which) await Lab.down(name);
  say(which.length > 0 ? `down: ${which.join(', ')}` : 'no lab to take down');
  return 0;
}

async function exec(name: string, host: string | undefined, user: string | undefined, argv: string[]): Promise<number> {
  if (!(hostNames as readonly (string | undefined)[]).includes(host) || argv.length === 0) return complain();
  const lab = await Lab.attach(name);
  const child = lab.spawn(host as HostName, argv, { ...(user ? { user } : {}), stdio: 'inherit' });
  process.on('SIGINT', () => {}); // the terminal's Ctrl-C is for the command
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', code => resolve(code ?? 1));
  });
}

async function describe(name: string): Promise<string> {
  const record = await load(name).catch(() => undefined);
  if (!record) return `${name}: half-made`;
  if (!record.owner) return `${name}: ${record.site}, until it is taken down`;
  return `${name}: ${record.site}, of process ${record.owner.pid}${(await isStale(name)) ? ', which died' : ''}`;
}

function complain(): number {
  process.stderr.write(`${usage}\n`);
  return 2;
}

async function main(args: string[]): Promise<number> {
  const dashes = args.indexOf('--');
  const [own, command] = dashes < 0 ? [args, []] : [args.slice(0, dashes), args.slice(dashes + 1)];
  const { values, positionals } = parseArgs({
    args: own,
    allowPositionals: true,
    options: {
      name: { type: 'string', default: 'lab' },
      site: { type: 'string', default: 'slurm' },
      user: { type: 'string' },
      isolated: { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
      stale: { type: 'boolean', default: false },
    },
  });
  const reason = labUnavailable();
  if (reason) throw new Error(reason);

  switch (positionals[0]) {
    case 'up':
      return up(values.name, values.site, values.isolated);
    case 'down':
      if (values.stale) return down(await Lab.reap());
      return down(values.all ? names() : [values.name]);
    case 'status':
      for (const name of names()) say(await describe(name));
      return 0;
    case 'exec':
      return exec(values.name, positionals[1], values.user, command);
    case 'gsi':
      await makeGsiSite(await Lab.attach(values.name), true);
      say(`login:${gsiPort} lets in by proxy: grid-proxy-init, then scailfin up --site ${gsiSite}`);
      return 0;
    case 'prepare':
      await prepareRootfs(say);
      return 0;
    default:
      return complain();
  }
}

main(process.argv.slice(2)).then(
  code => process.exit(code),
  error => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  },
);

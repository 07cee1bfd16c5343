import { noteAdopted } from '../../src/schedulers/submission.js';
import { poolQuery, poolStart, poolStop, poolWait, tokenMake, tokenRevoke, tokens } from './pool.js';
import { base64, fails, type Script, says, template } from './script.js';
import { type Machine, machineText } from './world.js';

/** What is put before the scripts that end a cluster. */
export const ends = ['site/machine.sh', 'site/keys.sh', 'headnode/share-end.sh', 'bosco/close.sh', 'relay/close.sh'];

/** Every script that the life of a cluster without a framework sends, by its whole text. */
export function scripts(): ReadonlyMap<string, Script> {
  return new Map<string, Script>([
    [template('site/machine.sh', 'site/probe.sh'), probe],
    [template('site/machine.sh', 'site/prepare.sh'), prepare],
    [template('site/unpack.sh'), unpack],
    [template('site/submit.sh'), submit],
    [template('site/withdraw.sh'), withdraw],
    [noteAdopted, adopted],
    [template('site/missing.sh'), missing],
    [template('site/refused.sh'), async () => says()],
    [template(...ends, 'site/close.sh'), close],
    [template('site/leaving.sh'), leaving],
    [template(...ends, 'site/remove.sh'), remove],
    [template('site/reach.sh'), reach],
    [`${template('headnode/layout.sh')}\nfind_condor "$1" "$2"\n`, async () => says()],
    [
      template(
        ...['site/machine.sh', 'headnode/layout.sh', 'headnode/pool-stop.sh', 'headnode/fence/build.sh'],
        ...['headnode/token-revoked.sh', 'headnode/pool-start.sh'],
      ),
      poolStart,
    ],
    [`${template('headnode/pool-stop.sh')}\npool_stop "$1"\n`, poolStop],
    [template('headnode/token-list.sh', 'headnode/pool-query.sh'), poolQuery],
    [template('headnode/pool-wait.sh'), poolWait],
    [template('headnode/token-make.sh'), tokenMake],
    [template('headnode/glideins-ended.sh'), async () => says()],
    [`${template('headnode/token-list.sh')}\ntoken_list "$1"`, async (run, [dir = '']) => says(tokens(run, dir))],
    [template('headnode/token-revoked.sh', 'headnode/token-revoke.sh'), tokenRevoke],
    [
      'cd "$1" 2>/dev/null || exit 0; shift; s=0; for name; do [ ! -d "$name" ] || { echo "there=$name"; s=9; }; done; exit $s',
      async () => says(),
    ],
  ]);
}

const probe: Script = async ({ machine, ssh, world }, [work = '', name = '']) => {
  const { disk, home } = machine;
  const base = work.replace('$HOME', home);
  const dir = `${base}/${name}`;
  const read = (path: string, key: string): string[] => {
    const text = disk.read(path);
    return text === undefined ? [] : [`${key}=${text.trimEnd()}`];
  };
  const value = (path: string, pattern: RegExp, key: string): string[] => {
    const found = pattern.exec(disk.read(path) ?? '')?.[1];
    return found === undefined ? [] : [`${key}=${found}`];
  };
  return says([
    ...[`base=${base}`, `user=${machine.user}`, 'uid=1000', `host=${machine.name}`, `machine=${machineText(machine)}`],
    ...['arch=x86_64', 'glibc=2.36', `now=${Math.floor(world.clock.now / 1000)}`, `ssh=${ssh ?? ''}`],
    `address=${machine.address}`,
    ...read(`${dir}/owner`, 'owner'),
    ...answers(disk, `${dir}/site`).map(text => `submitted=${base64(text)}`),
    ...value(`${dir}/site/settings`, /^address='?([^'\n]*)'?$/m, 'serves'),
    ...(disk.has(`${dir}/pool/condor_config`) ? [`pool=${dir}/pool`] : []),
    ...read(`${dir}/site/machine`, 'sitemachine'),
    ...read(`${dir}/pool/machine`, 'poolmachine'),
    ...value(`${dir}/pool/found.config`, /^NETWORK_INTERFACE = (.*)$/m, 'pooladdress'),
  ]);
};

const answers = (disk: Machine['disk'], dir: string): string[] =>
  disk.list(`${dir}/submit`).flatMap(name => (name.endsWith('.out') ? (disk.read(`${dir}/submit/${name}`) ?? '') : []));

const prepare: Script = async (
  { machine, pause },
  [base = '', name = '', part = '', owner = '', sha = '', least = '0'],
) => {
  const { disk } = machine;
  const dir = `${base}/${name}`;
  disk.make(dir);
  await pause(5);
  const known = disk.read(`${dir}/owner`);
  if (known === undefined) disk.write(`${dir}/owner`, `${owner}\n`);
  else if (known.trimEnd() !== owner) return { ...fails(20, ''), stdout: known };
  await pause(5);
  disk.make(`${dir}/${part}`);
  if (part === 'site') {
    disk.make(`${dir}/site/logs`);
    disk.make(`${dir}/site/submit`);
    disk.write(`${dir}/site/machine`, `${machineText(machine)}\n`);
  }
  const there = sha !== 'none' && disk.has(`${base}/payload/${sha}/about`);
  const free = disk.isFull ? 0 : 10 ** 7;
  return { ...says([...(there ? ['payload=yes'] : []), `free=${free}`]), exitCode: free < Number(least) ? 21 : 0 };
};

const unpack: Script = async ({ machine, pause }, [base = '', sha = '', archive = '']) => {
  const { disk } = machine;
  if (!disk.has(archive)) return fails(21, 'the payload arrived damaged');
  const cluster = archive.slice(0, archive.lastIndexOf('/'));
  const part = `${cluster}/payload.1`;
  try {
    await pause(200); // sha256sum
    if (!disk.has(cluster)) return fails(1, 'mkdir: No such file or directory');
    disk.make(part);
    await pause(500); // tar
    if (!disk.has(part) || !disk.has(archive)) return fails(1, 'tar: No such file or directory');
    disk.remove(part);
    disk.make(`${base}/payload/${sha}`);
    disk.write(`${base}/payload/${sha}/about`, 'payload\n');
    return says();
  } finally {
    // its trap also runs when the connection's end ends it
    disk.remove(part);
    disk.remove(archive);
    if (!disk.has(cluster)) tidy(disk, base);
  }
};

/** Removes what no cluster needs any more. */
function tidy(disk: Machine['disk'], base: string): void {
  if (!disk.list(base).some(d => disk.isDirectory(`${base}/${d}/site`))) disk.remove(`${base}/payload`);
  if (disk.list(base).length === 0) disk.remove(base);
}

/** Of the batch system's own command, given by the host that runs this. */
const submit: Script = async () => {
  throw new Error('a submission is run by the host');
};

const withdraw: Script = async ({ machine: { disk }, world }, [dir = '', label = '']) => {
  const file = `${dir}/submit/${label}`;
  if (disk.has(`${file}.started`))
    return says([disk.read(`${file}.err`)?.includes('withdrawn') ? 'withdrawn' : 'begun']);
  disk.write(`${file}.started`, String(world.clock.now));
  disk.write(`${file}.out`, '');
  disk.write(`${file}.err`, 'it was withdrawn before it began\n');
  disk.write(`${file}.rc`, '75\n');
  disk.write(`${file}.time`, String(world.clock.now));
  return says(['withdrawn']);
};

const adopted: Script = async ({ machine: { disk }, pause }, [dir = '', label = '']) => {
  await pause(5);
  disk.write(`${dir}/submit/${label}.adopted`, '');
  return says();
};

const missing: Script = async ({ machine: { disk }, world }, [site = '', ...changes]) => {
  const dir = `${site}/missing`;
  const now = Math.floor(world.clock.now / 1000);
  for (const change of changes) {
    const file = `${dir}/${change.slice(1)}`;
    if (change.startsWith('-')) disk.remove(file);
    else if (disk.isDirectory(site) && !disk.isFull) {
      disk.make(dir);
      if (change.startsWith('=')) disk.write(file, '0\n');
      else if (!disk.has(file)) disk.write(file, `${now}\n`);
    }
  }
  const marks = disk.list(dir).map(id => `missing=${disk.read(`${dir}/${id}`)?.trim()} ${id}`);
  return says([...marks, `now=${now}`]);
};

const close: Script = async ({ machine: { disk }, world, pause }, [dir = '', limit = '']) => {
  if (!disk.isDirectory(dir)) return says(['gone']);
  disk.write(`${dir}/closed`, '');
  const open = (): string[] =>
    disk.list(`${dir}/submit`).flatMap(name => {
      const label = name.replace(/\.started$/, '');
      return name.endsWith('.started') && !disk.has(`${dir}/submit/${label}.rc`) ? [label] : [];
    });
  for (let n = 0; open().length > 0 && n < Number(limit); n++) await pause(1000);
  const age = (label: string): number =>
    Math.floor((world.clock.now - Number(disk.read(`${dir}/submit/${label}.started`) ?? 0)) / 1000);
  return says([
    ...open().map(label => `unfinished=${label} ${age(label)}`),
    ...answers(disk, dir).map(text => `submitted=${base64(text)}`),
    ...refusals(disk, dir, world.clock.now),
  ]);
};

function refusals(disk: Machine['disk'], dir: string, now: number): string[] {
  return disk.list(`${dir}/submit`).flatMap(name => {
    const file = `${dir}/submit/${name.replace(/\.rc$/, '')}`;
    if (!name.endsWith('.rc') || disk.read(`${file}.rc`) === '0\n' || disk.has(`${file}.adopted`)) return [];
    return [
      `refused=${Math.floor((now - Number(disk.read(`${file}.time`))) / 1000)} ${base64(disk.read(`${file}.err`) ?? '')}`,
    ];
  });
}

const leaving: Script = async ({ pause }) => {
  await pause(500);
  return says();
};

const remove: Script = async ({ machine: { disk }, pause }, [base = '', name = '', part = '']) => {
  const dir = `${base}/${name}`;
  await pause(20);
  disk.remove(`${dir}/${part}`);
  await pause(5);
  if (!disk.has(`${dir}/site`) && !disk.has(`${dir}/pool`)) disk.remove(dir);
  tidy(disk, base);
  return says(disk.has(`${dir}/${part}`) ? [`left=${dir}/${part}`] : []);
};

const reach: Script = async ({ world }, [port, ...addresses]) => {
  const found = addresses.find(address =>
    world.pools.some(
      p => p.machine.address === address && p.port === Number(port) && p.machine.cutUntil <= world.clock.now,
    ),
  );
  const lost = addresses.map(address => `${address} port ${port}: refused or no route`);
  return found === undefined ? { ...says(lost), exitCode: 1 } : says([`reached=${found}`]);
};

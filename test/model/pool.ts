import { createHash } from 'node:crypto';
import { fails, type Run, type Script, says } from './script.js';
import { machineText, type Pool } from './world.js';

/** The programs of every headnode. */
export const PROGRAMS = 'b'.repeat(24);

export const poolStart: Script = async (run, [dir = '', address = '', first = '']) => {
  const { machine, world, pause } = run;
  const { disk } = machine;
  for (const name of ['run', 'log', 'keys', 'tokens']) disk.make(`${dir}/${name}`);
  if (!disk.has(`${dir}/keys/POOL`)) disk.write(`${dir}/keys/POOL`, keyOf(`${dir} ${world.clock.now}`));
  await pause(300); // the fence is built
  const running = (): Pool | undefined => world.poolsOn(machine, dir)[0];
  const [, port] = /^POOL_PORT = (\d+)$/m.exec(disk.read(`${dir}/found.config`) ?? '') ?? [];
  const found = (n: number): string =>
    `POOL_ADDRESS = ${address}\nPOOL_PORT = ${n}\nNETWORK_INTERFACE = ${address}\nBIN = /usr/bin\n`;
  const old = running();
  if (old && (disk.read(`${dir}/found.config`) !== found(Number(port)) || !answers1(old))) {
    await pause(1000);
    world.stop(world.poolsOn(machine, dir));
  }
  disk.write(`${dir}/machine`, `${machineText(machine)}\n`);
  let at = Number(port ?? first);
  if (!running()) {
    const isTaken = (): boolean => world.pools.some(p => p.machine === machine && p.port === at);
    while (isTaken()) at += 1;
    disk.write(`${dir}/found.config`, found(at));
    await pause(100); // the owner's token is made
    start(run, dir, address, at);
    for (let n = 0; n < 30; n++) {
      await pause(1000);
      const here = running();
      if (!here) break;
      if (here.port === at && answers1(here)) break;
    }
    const here = running();
    if (!here || here.port !== at) {
      world.stop(world.poolsOn(machine, dir));
      return fails(8, "HTCondor's pool did not come up; its logs said:");
    }
  }
  return says([...[`port=${at}`, 'fence=yes', 'bin=/usr/bin', 'sbin=/usr/sbin', 'version=23.4.0', `key=${PROGRAMS}`]]);

  function answers1(pool: Pool): boolean {
    return world.clock.now >= pool.answers;
  }
};

const keyOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** condor_master: it needs its configuration, and of two with the same lock file the second ends (InstanceLock). */
function start({ machine, world }: Run, dir: string, address: string, port: number): void {
  const { disk, starts } = machine;
  const config = disk.read(`${dir}/condor_config`);
  const key = disk.read(`${dir}/keys/POOL`);
  if (config === undefined || key === undefined || world.poolsOn(machine, dir).length > 0) return;
  const trustDomain = /^TRUST_DOMAIN = (.*)$/m.exec(config)?.[1] ?? '';
  const revoked = new Set((disk.read(`${dir}/glideins/revoked`) ?? '').split('\n').filter(Boolean));
  const answers = world.clock.now + 1500;
  world.pools.push({ machine, dir, starts, address, port, trustDomain, key, revoked, answers });
}

export const poolStop: Script = async ({ machine, world, pause }, [dir = '']) => {
  const pools = world.poolsOn(machine, dir);
  if (pools.length > 0) await pause(1000);
  world.stop(world.poolsOn(machine, dir));
  return says();
};

export const poolWait: Script = async ({ machine, world, pause }, [dir = '', count = '', seconds = '']) => {
  for (const end = world.clock.now + 1000 * Number(seconds); ; await pause(300)) {
    const [pool] = world.poolsOn(machine, dir);
    if (!pool || world.clock.now < pool.answers) return fails(1, 'no answer');
    if (world.queue.tasks.filter(task => world.poolOf(task) === pool).length >= Number(count)) return says();
    if (world.clock.now >= end) return fails(1, '');
  }
};

export const poolQuery: Script = async (run, [dir = '']) => {
  const { machine, world } = run;
  if (!machine.disk.has(`${dir}/found.config`)) return says(['pool=none']);
  const [pool] = world.poolsOn(machine, dir);
  if (!pool) return says(['pool=dead']);
  const now = Math.floor(world.clock.now / 1000);
  if (world.clock.now < pool.answers)
    return { ...says(['pool=alive', `now=${now}`, '== slots', 'failed', '== jobs', 'failed']), stderr: 'no answer\n' };
  const ads = world.queue.tasks
    .filter(task => world.poolOf(task) === pool)
    .map(task => ({
      ...{ Name: `slot1@${task.job}`, Machine: task.node, TotalSlotCpus: 4, TotalSlotMemory: 1000, ChildActivity: [] },
      ...{ ChildCpus: [], ScailfinGlidein: task.task === undefined ? `${task.job}` : `${task.job}_${task.task}` },
      ...{ ScailfinSite: 'model', LastHeardFrom: now },
      AuthenticatedIdentity: `glidein-${tokenOf(run, task.dir, task.token)}-1-4-0@x`,
    }));
  return says([
    ...[
      'pool=alive',
      `now=${now}`,
      ...tokens(run, dir),
      '== slots',
      ads.length > 0 ? JSON.stringify(ads) : '',
      '== jobs',
    ],
    'Total for query: 0 jobs; 0 completed, 0 removed, 0 idle, 0 running, 0 held, 0 suspended',
  ]);
};

const tokenOf = ({ world }: Run, dir: string, label: string): string =>
  world.queue.disk.read(`${dir}/tokens/${label}`)?.trim().split(' ')[1] ?? '';

export function tokens({ machine: { disk } }: Run, dir: string): string[] {
  const revoked = (disk.read(`${dir}/glideins/revoked`) ?? '').split('\n');
  return disk.list(`${dir}/glideins`).flatMap(id => {
    const text = disk.read(`${dir}/glideins/${id}`);
    if (id === 'revoked' || !text) return [];
    return [`token=id=${id} ${text.trim().replaceAll('\n', ' ')} revoked=${revoked.includes(id) ? 'yes' : ''}`];
  });
}

export const tokenMake: Script = async (
  { machine: { disk }, world, pause },
  [dir = '', site, label, seconds, cores, memory],
) => {
  const key = disk.read(`${dir}/keys/POOL`);
  if (key === undefined) return fails(9, 'no signing key');
  const made = Math.floor(world.clock.now / 1000);
  disk.make(`${dir}/glideins`);
  const id = keyOf(`${label} ${disk.list(`${dir}/glideins`).length} ${made}`).slice(0, 8);
  const about = { site, label, made, until: made + Number(seconds), cores, memory };
  disk.write(
    `${dir}/glideins/${id}`,
    Object.entries(about)
      .map(([k, v]) => `${k}=${v}\n`)
      .join(''),
  );
  await pause(100);
  return says([`${key} ${id}`]);
};

export const tokenRevoke: Script = async ({ machine, world, pause }, [dir = '', ...ids]) => {
  const { disk } = machine;
  const file = `${dir}/glideins/revoked`;
  disk.make(`${dir}/glideins`);
  disk.write(file, (disk.read(file) ?? '') + ids.map(id => `${id}\n`).join(''));
  await pause(200);
  const [pool] = world.poolsOn(machine, dir);
  if (!pool) return fails(1, '');
  for (const id of ids) pool.revoked.add(id);
  return says();
};

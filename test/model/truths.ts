import { tagOf } from '../../src/cluster/names.js';
import type { ClusterStatus } from '../../src/cluster/status.js';
import { isOver } from '../../src/schedulers/job.js';
import { isOver as isEnded } from './queue.js';
import { NAME } from './request.js';
import type { Machine, World } from './world.js';

/** What must be true, compared with the world as it is. Each says what is wrong; undefined if nothing is. */

/** `up` has said that so many glide-ins have joined. */
export function wrongAfterUp(world: World, nodes: number): string | undefined {
  const here = world.pools.filter(pool => pool.dir.endsWith(`/${NAME}/pool`));
  // those that were cancelled may take a moment to end
  const jobs = world.queue.active.filter(task => task.state !== 'COMPLETING');
  const joined = jobs.filter(task => world.poolOf(task)).length;
  if (here.length === 1 && jobs.length === nodes && joined === nodes) return undefined;
  return `up said that ${nodes} glide-ins are there: ${jobs.length} jobs, ${joined} of them in ${here.length} pools`;
}

/**
 * `down` has said that nothing remains.
 * @param id of the cluster in the record by which it was taken down; undefined without a record
 */
export function wrongAfterDown(world: World, laptop: Machine, id: string | undefined): string | undefined {
  // without a record, a pool on another laptop is not asked for, and `down` says so
  const others = world.laptops.filter(other => other !== laptop);
  const { queue } = world;
  const left = [
    ...queue.active
      .filter(task => task.name === tagOf(NAME) && isMine(queue.disk, id))
      .map(task => `job ${task.job} (${task.state})`),
    ...world.disks.flatMap(({ name, disk }) =>
      isMine(disk, id) && !others.some(other => other.disk === disk)
        ? disk.below(`${homeOf(name)}/.scailfin`).map(path => `${path} on ${name}`)
        : [],
    ),
    ...world.pools
      .filter(({ machine }) => !others.includes(machine) && isMine(machine.disk, id))
      .map(pool => `the pool in ${pool.dir} on ${pool.machine.name}`),
  ];
  return left.length === 0 ? undefined : `down said that nothing remains: ${left.join('; ')}`;
}

/** What `status` says is true; it may say that it does not know. */
export function wrongInStatus(world: World, status: ClusterStatus): string | undefined {
  const { queue } = world;
  for (const job of status.sites.flatMap(site => site.batchJobs)) {
    const task = queue.tasks.find(t => job.id === (t.task === undefined ? `${t.job}` : `${t.job}_${t.task}`));
    if (isOver(job.state) && task && !isEnded(task))
      return `status says that job ${job.id} is over (${job.word}): ${task.state}`;
  }
  if (status.state !== 'running' || queue.active.some(task => world.poolOf(task))) return undefined;
  return 'status says that it is running, and no glide-in is in the pool';
}

/** At every moment. */
export function wrongNow({ pools }: World): string | undefined {
  const domains = pools.map(pool => pool.trustDomain);
  return new Set(domains).size < domains.length ? 'there are two pools of one cluster' : undefined;
}

/** Another laptop's cluster of the same name is not what was taken down. */
const isMine = (disk: Machine['disk'], id: string | undefined): boolean => {
  const owner = ['/home/scail', '/home/alice'].map(home => disk.read(`${home}/.scailfin/${NAME}/owner`)).find(Boolean);
  return id === undefined || owner === undefined || owner.includes(id);
};

const homeOf = (disk: string): string => (disk.startsWith('login') ? '/home/alice' : '/home/scail');

import { keyValues, runScript } from '../../hosts/script.js';
import { templateText } from '../../templates.js';
import type { Headnode } from '../component.js';
import { type Driver, type MinikubePlan, type Settings, settingsFrom } from './minikube-plan.js';

/** What minikube finds on a headnode. Memory and disk space in MiB. */
export interface Found {
  readonly uid: number;
  readonly user: string;
  readonly cores: number;
  readonly memory: number;
  readonly available: number;
  /** Whether the user's processes may outlive the last logout. */
  readonly lingers: boolean;
  /** Free space for minikube's own files. */
  readonly room: number;
  /** The address of a Docker on another machine, from DOCKER_HOST. */
  readonly elsewhere?: string | undefined;
  /** A free port of the loopback address. */
  readonly port?: number | undefined;
  readonly engines: readonly EngineWords[];
  /** The settings of a node that exists already. */
  readonly settings?: Settings | undefined;
}

/** The output of `docker info` or `podman info`. */
export interface EngineWords {
  readonly name: Driver;
  readonly exitCode: number;
  /** One JSON document, or nothing. */
  readonly info: string;
  readonly said: string;
  /** Free space where it keeps images and volumes, MiB; undefined if it does not say where that is. */
  readonly room?: number | undefined;
}

const drivers: readonly Driver[] = ['docker', 'podman'];

/** Changes nothing. */
export async function look(at: Headnode, plan: Pick<MinikubePlan, 'firstPort'>): Promise<Found> {
  const args = [at.dir, String(plan.firstPort), ...drivers];
  const out = await runScript(at.host, templateText('headnode/minikube/look.sh'), args);
  return foundIn(out.stdout);
}

export function foundIn(text: string): Found {
  const values = keyValues(text);
  const one = (key: string): string | undefined => values.get(key)?.[0]?.trim();
  const number = (key: string): number => Number(one(key) ?? 0);
  const mib = (key: string): number | undefined => {
    const kib = one(key);
    return kib ? Math.floor(Number(kib) / 1024) : undefined;
  };
  const engines = drivers
    .filter(name => values.get('engine')?.includes(name))
    .map(name => ({
      ...{ name, exitCode: number(`${name}status`), info: one(`${name}info`) ?? '', said: one(`${name}said`) ?? '' },
      room: mib(`${name}room`),
    }));
  const set = [...values].filter(([key]) => key.startsWith('set')).map(([key, [value]]) => `${key.slice(3)}=${value}`);
  return {
    ...{ uid: number('uid'), user: one('user') ?? '', cores: number('cores') },
    ...{ memory: number('memory'), available: number('available'), room: mib('room') ?? 0 },
    ...{ lingers: one('lingers') !== 'no', elsewhere: one('elsewhere'), engines },
    ...{ port: one('port') ? number('port') : undefined, settings: settingsFrom(set.join('\n')) },
  };
}

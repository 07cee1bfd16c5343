import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { program, until } from '../lab/programs.js';
import { Cell } from './cell.js';
import { Daemon } from './daemons.js';
import type { Image } from './images.js';

const socket = '/run/containerd/containerd.sock';

/** Why no container can run here; undefined when they can. */
export async function containersUnavailable(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'containers need root here';
  const lacks: string[] = [];
  for (const name of ['containerd', 'runc']) await program([name, '--version']).catch(() => lacks.push(name));
  if (lacks.length > 0) return `no ${lacks.join(', no ')}`;
  return Cell.unavailable();
}

/** How a container is started; what is not here is as its image says. */
export interface Container {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Folders of this machine by their place in the container. */
  readonly mounts?: Readonly<Record<string, { readonly from: string; readonly readOnly?: boolean }>>;
}

/** What runs containers on a node of a Kubernetes: containerd with runc, in a cell. */
export class Containers {
  private commands = 0;

  private constructor(private readonly cell: Cell) {}

  static async start(cell: Cell): Promise<Containers> {
    const config = join(cell.dir, 'containerd.toml');
    await writeFile(config, runtimeConfig(cell.dir));
    const daemon = await Daemon.run(cell.dir, 'containerd', cell.within(['containerd', '--config', config]));
    const containers = new Containers(cell);
    await until('containerd', 60_000, async () => {
      if (!daemon.isAlive) return true;
      return containers.ctr('version');
    });
    await daemon.assertAlive();
    return containers;
  }

  /** From now on containers can be of this image. */
  async load({ archive }: Image): Promise<void> {
    await this.ctr('images', 'import', archive);
  }

  /** Starts one that runs until its program ends. */
  async run(id: string, image: Image, { argv, env = {}, mounts = {} }: Container): Promise<void> {
    const variables = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
    const binds = Object.entries(mounts).flatMap(([to, { from, readOnly = false }]) => [
      '--mount',
      `type=bind,src=${from},dst=${to},options=rbind:${readOnly ? 'ro' : 'rw'}`,
    ]);
    const place = ['--cgroup', `${this.cell.cgroup}/${id}`, '--net-host', '--log-uri', `file://${this.logOf(id)}`];
    await this.ctr('run', '--detach', ...place, ...variables, ...binds, image.name, id, ...argv);
  }

  /** Runs a command in one, as a user and a group. @returns what it printed. @throws Error with its words when it fails */
  exec(id: string, argv: readonly string[], user: readonly [number, number]): Promise<string> {
    const exec = `exec-${this.commands++}`;
    return this.ctr('task', 'exec', '--exec-id', exec, '--user', user.join(':'), id, ...argv);
  }
  /** What it has printed. */
  log(id: string): Promise<string> {
    return readFile(this.logOf(id), 'utf8');
  }

  private logOf(id: string): string {
    return join(this.cell.dir, `${id}.log`);
  }

  /** containerd's own client, in the namespace of its containers that a kubelet uses. */
  private ctr(...args: string[]): Promise<string> {
    return this.cell.run(['ctr', '--address', socket, '--namespace', 'k8s.io', ...args], { timeoutMs: 180_000 });
  }
}

function runtimeConfig(dir: string): string {
  const others = ['aufs', 'btrfs', 'devmapper', 'zfs'].map(name => `"io.containerd.snapshotter.v1.${name}"`);
  return `version = 2
root = "${dir}/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri", ${others.join(', ')}]
[grpc]
address = "${socket}"
[plugins."io.containerd.internal.v1.opt"]
path = "${dir}/opt"
`;
}

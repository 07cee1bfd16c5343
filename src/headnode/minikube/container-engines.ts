import * as z from 'zod';
import type { Missing } from '../component.js';
import type { EngineWords, Found } from './look.js';
import type { Driver } from './minikube-plan.js';

/** A container engine that minikube can or can't use. */
export interface ContainerEngine {
  readonly name: Driver;
  readonly missing: readonly Missing[];
  readonly rootless: boolean;
  readonly cpus: number;
  readonly memoryMib: number;
}

/** `docker info --format '{{json .}}'` (Docker Engine API, SystemInfo), the part that is needed here. */
const dockerInfo = z.object({
  ServerVersion: z.string().default(''),
  NCPU: z.number().default(0),
  MemTotal: z.number().default(0),
  SecurityOptions: z.array(z.string()).nullish(),
  CgroupVersion: z.string().default(''),
  ServerErrors: z.array(z.string()).nullish(),
});

/** `podman info --format json` (podman-info(1)). */
const podmanInfo = z.object({
  host: z.object({
    cpus: z.number(),
    memTotal: z.number(),
    cgroupVersion: z.string().default(''),
    cgroupControllers: z.array(z.string()).nullish(),
    security: z.object({ rootless: z.boolean() }),
    idMappings: z.object({ uidmap: z.array(z.object({ size: z.number() })).nullish() }).nullish(),
  }),
});

/** The oldest Docker that minikube 1.38 accepts (pkg/minikube/registry/drvs/docker). */
const OLDEST_DOCKER = '18.09.0';
/** How many ids a node needs for the users inside it (user_namespaces(7), subuid(5)). */
const SUBORDINATES = 65_536;

export function engineOf(words: EngineWords, found: Found): ContainerEngine {
  return words.name === 'docker' ? docker(words, found) : podman(words, found);
}

function docker(words: EngineWords, found: Found): ContainerEngine {
  const info = parsed(dockerInfo, words.info);
  const errors = info?.ServerErrors ?? [];
  const engine = {
    name: 'docker' as const,
    rootless: false,
    cpus: info?.NCPU ?? 0,
    memoryMib: mib(info?.MemTotal ?? 0),
  };
  if (found.elsewhere) {
    const what = `docker is another machine's: DOCKER_HOST is ${found.elsewhere}`;
    return { ...engine, missing: [{ what, hint: 'unset DOCKER_HOST there, or make that machine the headnode' }] };
  }
  if (words.exitCode !== 0 || !info || errors.length > 0 || info.ServerVersion === '') {
    return { ...engine, missing: [unusable(words, errors[0], found)] };
  }
  const rootless = (info.SecurityOptions ?? []).some(option => option.startsWith('name=rootless'));
  const missing = rootless ? withoutRoot('docker', info.CgroupVersion === '2', undefined, found) : [];
  if (older(info.ServerVersion, OLDEST_DOCKER)) {
    const what = `docker ${info.ServerVersion} is too old: minikube needs ${OLDEST_DOCKER} or newer`;
    missing.push({ what, hint: 'ask its administrator for a newer version' });
  }
  return { ...engine, rootless, missing };
}

function podman(words: EngineWords, found: Found): ContainerEngine {
  const info = parsed(podmanInfo, words.info)?.host;
  const engine = {
    name: 'podman' as const,
    rootless: true,
    cpus: info?.cpus ?? 0,
    memoryMib: mib(info?.memTotal ?? 0),
  };
  if (words.exitCode !== 0 || !info) return { ...engine, missing: [unusable(words, undefined, found)] };
  const missing = withoutRoot('podman', info.cgroupVersion === 'v2', info.cgroupControllers ?? [], found);
  const ids = (info.idMappings?.uidmap ?? []).reduce((sum, { size }) => sum + size, 0);
  if (ids < SUBORDINATES) {
    const what = `podman has no subordinate user ids for ${found.user}`;
    const hint = `ask its administrator: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${found.user}`;
    missing.push({ what, hint });
  }
  return { ...engine, missing };
}

/**
 * What the system must offer to a node in a container engine without root (minikube's documentation, Rootless Docker).
 */
function withoutRoot(
  name: Driver,
  unified: boolean,
  controllers: readonly string[] | undefined,
  found: Found,
): Missing[] {
  const missing: Missing[] = [];
  const lacking = ['cpu', 'memory', 'pids'].filter(c => controllers && !controllers.includes(c));
  if (!unified) {
    const hint = 'ask its administrator to boot with systemd.unified_cgroup_hierarchy=1, or for Docker with root';
    missing.push({ what: `${name} without root needs cgroups version 2, which are not in use`, hint });
  } else if (lacking.length > 0) {
    const what = `${name} may not limit ${lacking.join(', ')}: these cgroup controllers are not delegated to users`;
    const hint = 'ask its administrator: https://rootlesscontaine.rs/getting-started/common/cgroup2/';
    missing.push({ what, hint });
  }
  if (!found.lingers) {
    const what = `what ${name} runs ends when ${found.user} logs out: lingering is off`;
    missing.push({ what, hint: 'run on the headnode: loginctl enable-linger' });
  }
  return missing;
}

/** A container engine that gives no useful answer, with its own error. */
function unusable(words: EngineWords, error: string | undefined, found: Found): Missing {
  const said = (error ?? (words.said || `${words.name} info exited with status ${words.exitCode}`)).replace(
    /^ERROR: /,
    '',
  );
  return { what: `${words.name} can't be used: ${said.slice(0, 400)}`, hint: hintFor(words.name, said, found) };
}

function hintFor(name: Driver, said: string, found: Found): string {
  if (/permission denied/i.test(said) && name === 'docker') {
    return `ask its administrator: usermod -aG docker ${found.user}; then log in again (scailfin logout ends a kept login)`;
  }
  if (/cannot connect|is the docker daemon running|failed to connect/i.test(said)) {
    return `start it there: systemctl ${name === 'docker' ? 'start docker' : '--user start podman.socket'}`;
  }
  return `see what \`${name} info\` says there`;
}

const mib = (bytes: number): number => Math.floor(bytes / 2 ** 20);

const older = (a: string, b: string): boolean => new Intl.Collator('en', { numeric: true }).compare(a, b) < 0;

function parsed<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

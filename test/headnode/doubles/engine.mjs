// @ts-nocheck -- it runs as it is, for each command anew: no compiler between
// Stands in for docker 28 (the command) with its daemon, and for podman 4.3 run by an ordinary user: the verbs that minikube and we
// use, their flags, words and exit statuses as the real programs have them (docker's recorded of its client; podman's of
// Debian's package). Containers are names with labels and published ports; none runs.
import { createServer } from 'node:net';
import { end, keep, note, read, trouble, world } from './state.mjs';

const engine = process.env.DOUBLE_AS;
const words = process.argv.slice(2);
const V = { value: true };
const S = {};
const verbs = {
  info: { format: V, f: { ...V, name: 'format' } },
  version: { format: V, f: { ...V, name: 'format' } },
  ps: { all: S, a: { name: 'all' }, filter: V, f: { ...V, name: 'filter' }, format: V, quiet: S, q: { name: 'quiet' } },
  rm: { force: S, f: { name: 'force' }, volumes: S, v: { name: 'volumes' } },
  images: { format: V, all: S, a: { name: 'all' } },
  'image rm': { force: S, f: { name: 'force' } },
  'volume ls': { filter: V, f: { ...V, name: 'filter' }, format: V },
  'volume create': { label: V },
  'volume rm': { force: S, f: { name: 'force' } },
  'network ls': { filter: V, f: { ...V, name: 'filter' }, format: V },
  'network create': { label: V, driver: V, subnet: V, gateway: V, o: V },
  'network rm': { force: S, f: { name: 'force' } },
  run: {
    d: S,
    t: S,
    privileged: S,
    name: V,
    hostname: V,
    label: V,
    network: V,
    volume: V,
    v: { ...V, name: 'volume' },
    memory: V,
    cpus: V,
    e: V,
    p: { ...V, name: 'publish' },
    publish: V,
  },
};

note(engine, words);
const verb = verbs[`${words[0]} ${words[1]}`] ? `${words[0]} ${words[1]}` : words[0];
if (!verbs[verb])
  fail(
    engine === 'docker'
      ? `${engine}: unknown command: ${engine} ${verb}\n\nRun '${engine} --help' for more information`
      : `Error: unrecognized command \`podman ${verb}\`\nTry 'podman --help' for more information`,
    125,
  );
const { values, rest, unknown } = read(words.slice(verb.split(' ').length), verbs[verb]);
if (unknown)
  fail(
    engine === 'docker'
      ? `${unknown}\n\nUsage:  docker ${verb} [OPTIONS]\n\nRun 'docker ${verb} --help' for more information`
      : `Error: ${unknown}\nSee 'podman ${verb} --help'`,
    125,
  );

const state = world(engine);
const format = values.format?.[0];
const labelled = thing => (values.filter ?? []).every(f => labelOf(f, thing));

if (trouble('slow')) await new Promise(resolve => setTimeout(resolve, trouble('slow')));
if (engine === 'docker') daemon();
if (verb === 'info') end(0, { out: info() });
if (verb === 'version')
  end(0, {
    out: engine === 'docker' ? `linux-${trouble('docker-version') ?? '28.2.2'}:Docker Engine - Community` : '4.3.1',
  });
if (verb === 'ps') list(state.containers);
if (verb === 'volume ls') list(state.volumes);
if (verb === 'network ls') list(state.networks);
if (verb === 'images')
  end(0, { out: state.images.map(i => fill({ Repository: i.repository, Tag: i.tag, ID: i.id })).join('\n') });
if (verb === 'rm') remove('containers', 'container', values.force);
if (verb === 'volume rm') remove('volumes', 'volume', values.force);
if (verb === 'network rm') remove('networks', 'network', false);
if (verb === 'image rm') imageRm();
if (verb === 'volume create' || verb === 'network create') create(verb.split(' ')[0]);
await run();

function fail(err, status = 1) {
  end(status, { err });
}

/** The daemon may be unreachable: then the command's own words, as recorded. */
function daemon() {
  const socket = 'unix:///var/run/docker.sock';
  const path = `${words[0]}`;
  const said = {
    down: `Cannot connect to the Docker daemon at ${socket}. Is the docker daemon running?`,
    denied: `permission denied while trying to connect to the Docker daemon socket at ${socket}: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.50/${path}": dial unix /var/run/docker.sock: connect: permission denied`,
  }[trouble('docker')];
  if (!said) return;
  const nothing = JSON.stringify({
    ID: '',
    Driver: '',
    NCPU: 0,
    MemTotal: 0,
    DockerRootDir: '',
    ServerVersion: '',
    SecurityOptions: null,
  });
  end(1, { out: verb === 'info' ? nothing : '', err: said });
}

function info() {
  if (format !== '{{json .}}') fail(`the double knows only --format '{{json .}}'`, 64);
  const memory = Number(trouble('memory') ?? 16000) * 2 ** 20;
  const cpus = Number(trouble('cpus') ?? 4);
  if (engine === 'docker') {
    const rootless = trouble('docker-rootless') ? ['name=rootless'] : [];
    return JSON.stringify({
      ...{
        ID: 'x',
        Driver: 'overlay2',
        NCPU: cpus,
        MemTotal: memory,
        DockerRootDir: '/',
        CgroupVersion: String(trouble('cgroups') ?? 2),
      },
      ...{
        ServerVersion: trouble('docker-version') ?? '28.2.2',
        SecurityOptions: ['name=seccomp,profile=builtin', ...rootless],
      },
    });
  }
  const sizes = trouble('subuids') === 'none' ? [1] : [1, 65536];
  const host = {
    ...{
      arch: 'amd64',
      cpus,
      memTotal: memory,
      memFree: memory,
      security: { rootless: true },
      cgroupVersion: `v${trouble('cgroups') ?? 2}`,
    },
    ...{
      cgroupControllers: trouble('controllers') ?? ['cpu', 'io', 'memory', 'pids'],
      idMappings: { uidmap: sizes.map(size => ({ size })) },
    },
  };
  // podman spreads its JSON over lines, whatever it is asked
  return JSON.stringify({ host, store: { graphRoot: '/' }, version: { Version: '4.3.1' } }, null, 2);
}

function labelOf(filter, thing) {
  const [, key, value] = /^label=([^=]+)(?:=(.*))?$/.exec(filter) ?? fail(`invalid filter '${filter}'`);
  return value === undefined ? key in thing.labels : thing.labels[key] === value;
}

function fill(fields) {
  return (format ?? '').replace(
    /\{\{\.(\w+)\}\}/g,
    (_, field) => fields[field] ?? fail(`template parsing error: no field ${field}`, 64),
  );
}

function list(things) {
  const chosen = things.filter(labelled);
  end(0, { out: chosen.map(({ name }) => fill(verb === 'ps' ? { Names: name } : { Name: name })).join('\n') });
}

function remove(kind, word, force) {
  for (const name of rest) {
    const there = state[kind].find(thing => thing.name === name);
    if (!there && force) continue;
    if (!there)
      fail(
        engine === 'docker' ? `Error response from daemon: No such ${word}: ${name}` : `Error: no such ${word} ${name}`,
      );
    if (trouble('rm') === word)
      fail(`Error response from daemon: cannot remove ${word} "${name}": device or resource busy`);
    state[kind] = state[kind].filter(thing => thing !== there);
    keep(engine, state);
    process.stdout.write(`${name}\n`);
  }
  end(0);
}

function imageRm() {
  for (const id of rest) {
    if (!state.images.some(i => i.id === id)) fail(`Error response from daemon: No such image: ${id}:latest`);
    if (state.containers.some(c => c.image === id))
      fail(
        `Error response from daemon: conflict: unable to delete ${id} (must be forced) - image is being used by stopped container 1`,
      );
    state.images = state.images.filter(i => i.id !== id);
  }
  keep(engine, state);
  end(0);
}

function labels() {
  return Object.fromEntries((values.label ?? []).map(l => [l.slice(0, l.indexOf('=')), l.slice(l.indexOf('=') + 1)]));
}

function create(kind) {
  state[`${kind}s`].push({ name: rest[0], labels: labels() });
  keep(engine, state);
  end(0, { out: rest[0] });
}

/** `run -d`: the ports it publishes must be free, or the container is made and does not start, as with the real one. */
async function run() {
  const [name] = values.name;
  state.containers.push({ name, labels: labels(), image: rest[0], ports: values.publish });
  keep(engine, state);
  for (const spec of values.publish ?? []) {
    const [, address, port] = /^([\d.]+):(\d+):\d+$/.exec(spec) ?? fail(`invalid publish ${spec}`, 125);
    const free = await new Promise(resolve => {
      const probe = createServer().once('error', () => resolve(false));
      probe.listen(Number(port), address, () => probe.close(() => resolve(true)));
    });
    if (free && trouble('port') !== Number(port)) continue;
    const docker = `docker: Error response from daemon: failed to set up container networking: driver failed programming external connectivity on endpoint ${name} (0123): Bind for ${address}:${port} failed: port is already allocated\n\nRun 'docker run --help' for more information`;
    fail(
      engine === 'docker' ? docker : `Error: rootlessport listen tcp ${address}:${port}: bind: address already in use`,
      engine === 'docker' ? 125 : 126,
    );
  }
  end(0, { out: '0123' });
}

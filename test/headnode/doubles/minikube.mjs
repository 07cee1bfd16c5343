// @ts-nocheck -- it runs as it is, for each command anew: no compiler between
// Stands in for minikube 1.38.1 with the docker and podman drivers: its flags, the order of its steps, its events, reasons and exit
// statuses are read of its source (cmd/minikube/cmd, pkg/minikube/{reason,out/register}). The node is a container of the
// engine's double; Kubernetes itself does not run.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { start } from './minikube-start.mjs';
import { end, keep, note, read, trouble, world } from './state.mjs';
import { Telling } from './telling.mjs';

const V = { value: true };
const S = {};
const everywhere = {
  profile: V,
  p: { ...V, name: 'profile' },
  rootless: S,
  user: V,
  'skip-audit': S,
  alsologtostderr: S,
  v: V,
};
const output = { output: V, o: { ...V, name: 'output' } };
const flags = {
  version: { ...output, short: S, components: S },
  start: {
    ...{
      ...output,
      driver: V,
      d: { ...V, name: 'driver' },
      'container-runtime': V,
      c: { ...V, name: 'container-runtime' },
    },
    ...{
      'kubernetes-version': V,
      cpus: V,
      memory: V,
      m: { ...V, name: 'memory' },
      ports: V,
      'embed-certs': S,
      'keep-context': S,
    },
    ...{
      wait: V,
      'wait-timeout': V,
      interactive: S,
      'delete-on-failure': S,
      mount: S,
      'mount-string': V,
      force: S,
      'listen-address': V,
    },
  },
  status: {
    ...output,
    format: V,
    f: { ...V, name: 'format' },
    layout: V,
    l: { ...V, name: 'layout' },
    node: V,
    n: { ...V, name: 'node' },
  },
  delete: { ...output, all: S, purge: S },
  ssh: { 'native-ssh': S, node: V, n: { ...V, name: 'node' } },
};
const words = process.argv.slice(2);
note('minikube', words);
const verb = words.find(w => !w.startsWith('-')) ?? '';
if (!flags[verb]) end(14, { err: `Error: unknown command "${verb}" for "minikube"` });
const { values, rest, unknown } = read(
  words.filter((_, i) => i !== words.indexOf(verb)),
  { ...everywhere, ...flags[verb] },
);
if (unknown) end(14, { err: `Error: ${unknown}\nSee 'minikube ${verb} --help' for usage.` });

const profile = values.profile?.[0] ?? 'minikube';
const home = process.env.MINIKUBE_HOME ? join(process.env.MINIKUBE_HOME, '.minikube') : join(homedir(), '.minikube');
const config = join(home, 'profiles', profile, 'config.json');
mkdirSync(join(home, 'logs'), { recursive: true });

const { event, step, exit, engine } = new Telling(values);
const doing = { version, start: () => start({ values, profile, home, config }), status, delete: remove, ssh };
await doing[verb]();
process.exit(0);

function version() {
  end(0, {
    out: values.short ? 'v1.38.1' : 'minikube version: v1.38.1\ncommit: c93a4cb9311efc66b90d33ea03f75f2c4120e9b0',
  });
}

function status() {
  if (!existsSync(config)) {
    event('info', { message: `🤷  Profile "${profile}" not found. Run "minikube profile list" to view all profiles.` });
    process.exit(85);
  }
  const { Driver } = JSON.parse(readFileSync(config, 'utf8'));
  const there = engine(
    Driver,
    'ps',
    '-a',
    '--filter',
    `label=name.minikube.sigs.k8s.io=${profile}`,
    '--format',
    '{{.Names}}',
  );
  const word = there.stdout.trim() === profile ? (trouble('status') ?? 'Running') : 'Nonexistent';
  const kubeconfig = word === 'Nonexistent' ? word : 'Configured';
  process.stdout.write(
    JSON.stringify({
      Name: profile,
      Host: word === 'apiserver' ? 'Running' : word,
      Kubelet: word === 'apiserver' ? 'Running' : word,
      APIServer: word === 'apiserver' ? 'Stopped' : word,
      Kubeconfig: kubeconfig,
      Worker: false,
    }),
  );
  process.exit(word === 'Running' ? 0 : word === 'apiserver' ? 2 : 7);
}

function remove() {
  if (trouble('delete'))
    exit('GUEST_DELETION', 80, `Failed to delete profile(s): deleting "${profile}": ${trouble('delete')}`);
  const Driver = existsSync(config) ? JSON.parse(readFileSync(config, 'utf8')).Driver : 'docker';
  // it asks for containers first; what follows then is noted at once, not verb by verb
  if (engine(Driver, 'ps', '-a', '--format', '{{.Names}}').status === 0 && !trouble('rm')) {
    const others = things => things.filter(t => t.labels['name.minikube.sigs.k8s.io'] !== profile);
    const { containers, volumes, networks, images } = world(Driver);
    keep(Driver, { containers: others(containers), volumes: others(volumes), networks: others(networks), images });
  }
  rmSync(join(home, 'profiles', profile), { recursive: true, force: true });
  step('Deleting', `Removed all traces of the "${profile}" cluster.`);
}

function ssh() {
  if (!existsSync(config)) exit('GUEST_NOT_FOUND', 85, `Profile "${profile}" not found.`);
  if (trouble('ssh')) end(1, { err: `ssh: ${trouble('ssh')}` });
  if (rest[0] !== 'sudo' || rest[1] !== 'mkdir')
    end(1, { err: `bash: line 1: ${rest[0]}: command not found\nssh: Process exited with status 127` });
}

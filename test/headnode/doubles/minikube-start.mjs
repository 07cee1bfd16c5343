// @ts-nocheck -- it runs as it is, for each command anew: no compiler between
// The double's `minikube start`: what it checks, in the order of cmd/minikube/cmd/start.go, and how it fails.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { keep, trouble, world } from './state.mjs';
import { Telling } from './telling.mjs';

let values, profile, home, config, event, step, exit, engine;

export async function start(given) {
  ({ values, profile, home, config } = given);
  ({ event, step, exit, engine } = new Telling(values));
  const [driver] = values.driver ?? ['docker'];
  if (!/^[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]$/.test(profile))
    exit(
      'MK_USAGE',
      14,
      "Only alphanumeric and dashes '-' are permitted. Minimum 2 characters, starting with alphanumeric.",
    );
  step('Initial Minikube Setup', 'minikube v1.38.1 on Debian 12.5 (amd64)');
  const existing = existsSync(config) ? JSON.parse(readFileSync(config, 'utf8')) : undefined;
  if (existing && existing.Driver !== driver)
    exit(
      'GUEST_DRIVER_MISMATCH',
      81,
      `The existing "${profile}" cluster was created using the "${existing.Driver}" driver, which is incompatible with requested "${driver}" driver.`,
    );
  if (!/^v1\.(2[89]|3[0-5])\.\d+$/.test(values['kubernetes-version'][0]))
    exit(
      'K8S_NEW_UNSUPPORTED',
      106,
      `Kubernetes ${values['kubernetes-version'][0]} is not supported by this release of minikube`,
    );
  step(
    'Selecting Driver',
    `Using the ${driver} driver based on ${existing ? 'existing profile' : 'user configuration'}`,
  );
  checkDriver(driver);
  if (userInfo().uid === 0) exit('DRV_AS_ROOT', 57, `The "${driver}" driver should not be used with root privileges.`);
  checkResources(driver);
  mkdirSync(join(home, 'profiles', profile), { recursive: true });
  writeFileSync(config, JSON.stringify({ Name: profile, Driver: driver, Nodes: [{ ControlPlane: true }] }));
  step('Starting Node', `Starting "${profile}" primary control-plane node in "${profile}" cluster`);
  step('Pulling Base Image', 'Pulling base image v0.0.50 ...');
  for (const progress of ['0.25', '1'])
    event('download.progress', {
      artifact: 'preloaded-images-k8s-v18-v1.31.14-docker-overlay2-amd64.tar.lz4',
      currentstep: '5',
      progress,
      totalsteps: '19',
    });
  if (trouble('pause')) await new Promise(resolve => setTimeout(resolve, trouble('pause')));
  if (trouble('die')) process.kill(process.pid, 'SIGKILL');
  if (!existing?.Started) createNode(driver);
  step('Preparing Kubernetes', `Preparing Kubernetes ${values['kubernetes-version'][0]} on Docker 29.2.1 ...`);
  step('Configuring CNI', 'Configuring bridge CNI (Container Networking Interface) ...');
  step('Verifying Kubernetes', 'Verifying Kubernetes components...');
  if (trouble('start') === 'timeout')
    exit(
      'GUEST_START',
      80,
      `failed to start node: wait ${values['wait-timeout'][0]}0s for node: wait for healthy API server: apiserver healthz never reported healthy: context deadline exceeded`,
    );
  step('Enabling Addons', 'Enabled addons: storage-provisioner, default-storageclass');
  const context = {
    contexts: [{ name: profile, context: { cluster: profile, user: profile } }],
    clusters: [{ name: profile }],
    kind: 'Config',
  };
  writeFileSync(process.env.KUBECONFIG ?? join(homedir(), '.kube/config'), JSON.stringify(context), { mode: 0o644 });
  writeFileSync(
    config,
    JSON.stringify({ Name: profile, Driver: driver, Started: true, Nodes: [{ ControlPlane: true }] }),
  );
  step('Done', `Done! kubectl is now configured to use "${profile}" cluster and "default" namespace by default`);
}

function checkDriver(driver) {
  const format = driver === 'docker' ? '{{.Server.Os}}-{{.Server.Version}}:{{.Server.Platform.Name}}' : '{{.Version}}';
  const asked = engine(driver, 'version', '--format', format);
  if (asked.error)
    exit(
      `PROVIDER_${driver.toUpperCase()}_NOT_FOUND`,
      65,
      `The '${driver}' provider was not found: exec: "${driver}": executable file not found in $PATH`,
      `Install ${driver}`,
    );
  if (asked.status === 0) return;
  const said = `"${driver} version --format ${format}" exit status ${asked.status}: ${asked.stderr.trim()}`;
  if (asked.stderr.includes('permission denied'))
    exit(
      'PROVIDER_DOCKER_NEWGRP',
      69,
      said,
      "Add your user to the 'docker' group: 'sudo usermod -aG docker $USER && newgrp docker'",
    );
  exit(`PROVIDER_${driver.toUpperCase()}_NOT_RUNNING`, 63, said, driver === 'docker' ? 'Start the Docker service' : '');
}

function checkResources(driver) {
  const info = JSON.parse(engine(driver, 'info', '--format', '{{json .}}').stdout);
  const memory = Math.floor((info.MemTotal ?? info.host.memTotal) / 2 ** 20);
  const wanted = Number(
    /^(\d+)(mb)?$/.exec(values.memory[0])?.[1] ?? exit('MK_USAGE', 14, `Unable to parse memory '${values.memory[0]}'`),
  );
  if ((info.NCPU ?? info.host.cpus) < Number(values.cpus[0]))
    exit(
      'RSRC_INSUFFICIENT_CORES',
      29,
      `Requested cpu count ${values.cpus[0]} is greater than the available cpus of ${info.NCPU ?? info.host.cpus}`,
    );
  if (memory < 1800 || trouble('start') === 'memory')
    exit(
      'RSRC_INSUFFICIENT_CONTAINER_MEMORY',
      23,
      `${driver} only has ${memory}MiB available, less than the required 1800MiB for Kubernetes`,
    );
  if (wanted < 1800)
    exit(
      'RSRC_INSUFFICIENT_REQ_MEMORY',
      23,
      `Requested memory allocation ${wanted}MiB is less than the usable minimum of 1800MB`,
    );
  for (const spec of values.ports ?? []) {
    if (!/^((\d{1,3}\.){3}\d{1,3}:)?\d+:\d+$/.test(spec))
      exit('MK_USAGE', 14, `Sorry, one of the ports provided with --ports flag is not valid [${spec}]`);
  }
}

function createNode(driver) {
  if (trouble('start') === 'pull') {
    event('warning', {
      message:
        '❗  minikube cannot pull kicbase image from any docker registry, and is trying to download kicbase tarball from github release page via HTTP.',
    });
    event('error', { message: '🤦  StartHost failed, but will try again: creating host' });
    exit(
      'INET_LOOKUP_HOST',
      48,
      `error provisioning guest: Failed to start host: creating host: create: creating: setting up container node: preparing volume for ${profile} container: docker run --rm --name ${profile}-preload-sidecar: exit status 125\nstdout:\n\nstderr:\nUnable to find image 'gcr.io/k8s-minikube/kicbase:v0.0.50' locally\ndocker: Error response from daemon: Get "https://gcr.io/v2/": dial tcp: lookup gcr.io: no such host`,
      'Verify that your HTTP_PROXY and HTTPS_PROXY environment variables are set correctly.',
    );
  }
  const known = { 'name.minikube.sigs.k8s.io': profile, 'created_by.minikube.sigs.k8s.io': 'true' };
  const labels = Object.entries(known).map(([key, value]) => `--label=${key}=${value}`);
  const { networks, volumes, ...rest } = world(driver);
  const made = things => [...things.filter(t => t.name !== profile), { name: profile, labels: known }];
  keep(driver, { networks: made(networks), volumes: made(volumes), ...rest });
  step('Creating Container', `Creating ${driver} container (CPUs=${values.cpus[0]}, Memory=${values.memory[0]}) ...`);
  const image = 'gcr.io/k8s-minikube/kicbase:v0.0.50';
  const args = [
    '-d',
    '-t',
    '--privileged',
    '--name',
    profile,
    ...labels,
    ...(values.ports ?? []).flatMap(p => ['-p', p]),
    image,
  ];
  const run = engine(driver, 'run', ...args);
  if (run.status === 0) return;
  event('error', { message: '🤦  StartHost failed, but will try again: creating host' });
  exit(
    'GUEST_PROVISION',
    80,
    `error provisioning guest: Failed to start host: creating host: create: creating: create kic node: create container: ${driver} run ${args.join(' ')}: exit status ${run.status}\nstdout:\n\nstderr:\n${run.stderr}`,
  );
}

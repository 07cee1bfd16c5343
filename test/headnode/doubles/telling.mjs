// @ts-nocheck -- it runs as it is, for each command anew: no compiler between
// How the double of minikube speaks: CloudEvents with -o json, plain words without; and how it asks its engine.
import { spawnSync } from 'node:child_process';

// as Register.steps[InitialSetup] has them
const steps =
  'Initial Minikube Setup,Selecting Driver,Downloading Artifacts,Starting Node,Updating Driver,Pulling Base Image,Running on Localhost,Local OS Release,Creating Container,Creating VM,Running Remotely,Preparing Kubernetes,Generating certificates,Booting control plane,Configuring RBAC rules,Configuring CNI,Configuring Localhost Environment,Verifying Kubernetes,Enabling Addons,Done'.split(
    ',',
  );

export class Telling {
  constructor(values) {
    this.values = values;
    this.json = values.output?.[0] === 'json';
  }

  event = (type, data) => {
    const kind = `io.k8s.sigs.minikube.${type}`;
    const source = 'https://minikube.sigs.k8s.io/';
    const text = { specversion: '1.0', id: '0', source, type: kind, datacontenttype: 'application/json', data };
    if (this.json) process.stdout.write(`${JSON.stringify(text)}\n`);
    else process.stderr.write(`${data.message ?? ''}\n`);
  };

  step = (name, message) => {
    const [currentstep, totalsteps] = [String(steps.indexOf(name)), String(steps.length - 1)];
    this.event('step', { currentstep, message, name, totalsteps });
  };

  exit = (name, exitcode, message, advice = '') => {
    this.event('error', { advice, exitcode: String(exitcode), issues: '', message, name, url: '' });
    process.exit(exitcode);
  };

  /** Without --rootless it goes to podman by way of sudo. */
  engine = (driver, ...args) => {
    const rooted = driver === 'podman' && this.values.rootless?.[0] !== 'true';
    if (rooted) return { status: 1, stdout: '', stderr: 'sudo: a password is required\n' };
    return spawnSync(driver, args, { encoding: 'utf8' });
  };
}

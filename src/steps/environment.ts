import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { render } from '../templates.js';
import { base64 } from '../text.js';

/** A program that the wrapper runs on a node: a step of a workflow, or a worker of a framework. */
export interface StepOnNode {
  /** Absolute path of the run's files on the headnode; the step sees them at the same path. */
  readonly workspace: string;
  readonly name: string;
  /** The image in the specification: `docker.io/library/python:3.12`, an absolute path, or empty for none. */
  readonly image: string;
  /** A line for `bash -c`; its quotes are part of it. */
  readonly command: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Absolute path of a directory of secret files on the headnode: the step sees them in `/etc/reana/secrets`. */
  readonly secrets?: string | undefined;
  /** Repositories of CVMFS that the step sees below `/cvmfs`. */
  readonly cvmfs?: readonly string[] | undefined;
}

/**
 * The step as the wrapper reads it. Secret, if the step has secrets.
 * @param session where a session finds what the edge says to it: a directory of the headnode; empty for all others
 */
export async function stepEnvironment(id: string, request: StepOnNode, session = ''): Promise<string> {
  const { name, workspace, image, command, environment } = request;
  const lines = Object.entries(environment).map(([key, value]) => base64(`${key}=${value}`));
  const secrets = await secretLines(request.secrets);
  const values = { command: base64(command), environment: lines.join('\n'), unpacks: 'gzip', secrets };
  const cvmfs = (request.cvmfs ?? []).join(' ');
  return render('step/env', { id, name, workspace, image, cvmfs, session, ...values });
}

async function secretLines(dir: string | undefined): Promise<string> {
  if (dir === undefined) return '';
  const names = (await readdir(dir)).sort();
  const contents = await Promise.all(names.map(name => readFile(join(dir, name), 'base64')));
  return names.map((name, i) => `${base64(name)} ${contents[i]}`).join('\n');
}

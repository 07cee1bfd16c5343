import { isAbsolute } from 'node:path';
import { plainly } from '../../../errors.js';
import { cvmfsOf } from '../../cvmfs.js';
import type { Specification } from '../../run.js';
import { isObject } from '../http/call.js';
import { HttpError } from '../http/errors.js';
import type { WorkflowEngines } from '../runs/runner.js';

/** @throws HttpError 400 if no workflow engine here can run it, or if it names files outside of the workspace */
export function checkSpecification(value: Record<string, unknown>, engines: WorkflowEngines): Specification {
  const { workflow, inputs, outputs } = value;
  if (!isObject(workflow) || typeof workflow.type !== 'string') throw new HttpError(400, 'Malformed request.');
  if (!known.includes(workflow.type)) throw new HttpError(400, 'Unknown workflow type.');
  if (!(workflow.type in engines)) {
    const there = Object.keys(engines).join(', ');
    throw new HttpError(400, `This cluster has no workflow engine for ${workflow.type}; it has: ${there}.`);
  }
  for (const section of [inputs, outputs]) {
    if (section === undefined || section === null) continue;
    if (!isObject(section)) throw new HttpError(400, 'Malformed request.');
    for (const paths of [section.files, section.directories]) checkPaths(paths);
  }
  const specification = value as unknown as Specification;
  try {
    cvmfsOf(specification);
  } catch (error) {
    throw new HttpError(400, `${plainly(error)}.`);
  }
  return specification;
}

const known = ['serial', 'cwl', 'yadage', 'snakemake'];

function checkPaths(paths: unknown): void {
  if (paths === undefined || paths === null) return;
  if (!Array.isArray(paths)) throw new HttpError(400, 'Malformed request.');
  for (const path of paths) {
    if (typeof path !== 'string' || isAbsolute(path) || path.split('/').includes('..')) {
      throw new HttpError(400, `'${path}' is not a path inside the workspace.`);
    }
  }
}

/** For clients, which accept null in one place only: a yadage workflow that is not loaded yet. */
export function withoutNulls(specification: Specification): unknown {
  const sections = Object.entries(specification).map(([name, section]) => [
    name,
    isObject(section) ? withoutNullsIn(section, name === 'workflow' ? 'specification' : '') : section,
  ]);
  return Object.fromEntries(sections.filter(([, section]) => section !== null));
}

const withoutNullsIn = (section: Record<string, unknown>, but: string): unknown =>
  Object.fromEntries(Object.entries(section).filter(([name, value]) => value !== null || name === but));

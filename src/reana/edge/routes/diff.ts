import { inspect } from 'node:util';
import { createTwoFilesPatch } from 'diff';
import { type Call, flag, ok } from '../http/call.js';
import { HttpError } from '../http/errors.js';
import type { Route } from '../http/router.js';
import { reads } from '../people/rules.js';
import { fullName, type RunRecord } from '../runs/record.js';
import { compareWorkspaces } from '../workspace/compare.js';
import { type Parts, runOf } from './parts.js';

export const diffRoutes = (parts: Parts): Route[] => [
  {
    method: 'GET',
    path: '/api/workflows/:a/diff/:b',
    rule: reads('a', 'b'),
    handle: async call => ok(await diff(parts, call)),
  },
];

async function diff(parts: Parts, call: Call): Promise<unknown> {
  const [a, b] = [runOf(call, 'a'), runOf(call, 'b')];
  for (const run of [a, b]) {
    if (run.status === 'deleted') throw new HttpError(404, `Workspace of ${fullName(run)} does not exist.`);
  }
  const context = Number(call.query.get('context_lines') ?? 5);
  if (!Number.isInteger(context) || context < 0 || context > 100_000) throw new HttpError(400, 'Malformed request.');
  const files = await compareWorkspaces(
    { root: parts.workspace(a), name: fullName(a) },
    { root: parts.workspace(b), name: fullName(b) },
    { brief: flag(call, 'brief'), context },
  );
  return { reana_specification: JSON.stringify(specifications(a, b)), workspace_listing: JSON.stringify(files) };
}

/** The lines that differ, by section. */
function specifications(a: RunRecord, b: RunRecord): Record<string, string[]> {
  const [first, second] = [sections(a), sections(b)];
  const names = new Set([...Object.keys(first), ...Object.keys(second)]);
  return Object.fromEntries([...names].map(name => [name, lines(first[name], second[name])]));
}

const sections = ({ specification, parameters }: RunRecord): Record<string, unknown> => ({
  ...specification,
  inputs: { ...specification.inputs, parameters: { ...specification.inputs?.parameters, ...parameters } },
});

/**
 * Limits: larger specifications are not compared, because that would delay all other requests. Characters of JSON; ms.
 */
const mostShown = 2 ** 18;
const patienceMs = 1000;

function lines(a: unknown, b: unknown): string[] {
  const [one, other] = [JSON.stringify(a ?? ''), JSON.stringify(b ?? '')];
  if (one === other) return [];
  const isLarge = one.length > mostShown || other.length > mostShown;
  const options = { context: 3, timeout: patienceMs };
  const patch = isLarge ? undefined : createTwoFilesPatch('a', 'b', shown(a), shown(b), '', '', options);
  if (patch === undefined) return ['… they differ, but are too large to compare line by line'];
  // the first four lines name the files; the client can't colour an empty line
  return patch
    .split('\n')
    .slice(4)
    .filter(line => line !== '' && !line.startsWith('\\'));
}

const shown = (value: unknown): string =>
  inspect(value ?? '', { depth: null, sorted: true, breakLength: 80, maxArrayLength: null, maxStringLength: null });

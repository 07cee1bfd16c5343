import type { StepService } from '../../jobs/step.js';
import { HttpError } from '../http/errors.js';
import type { RunRecord } from '../runs/record.js';
import type { Access, Right } from './access.js';

/**
 * Who may use a route. Every route has a rule (Route.rule), and the server obeys it before it calls the handler, which gets
 * only what the rule has found. So no handler decides who may see what.
 */
export type Rule =
  /** Everybody, without a token; `why` says why it tells nothing. */
  | { readonly may: 'anybody'; readonly why: string }
  /** Everybody with a token. The handler sees runs only by `call.access`. */
  | { readonly may: 'user' }
  /** The cluster's owner. */
  | { readonly may: 'owner' }
  /** Whoever may read or change the runs that these parts of the path, or of the query, name. */
  | { readonly may: Right; readonly runs: readonly string[] }
  /** Whoever may read the run of the step that this part of the path names. */
  | { readonly may: 'read'; readonly step: string };

export const anybody = (why: string): Rule => ({ may: 'anybody', why });
export const everyUser: Rule = { may: 'user' };
export const onlyOwner: Rule = { may: 'owner' };
export const reads = (...runs: string[]): Rule => ({ may: 'read', runs });
export const changes = (...runs: string[]): Rule => ({ may: 'change', runs });
export const readsStep = (step: string): Rule => ({ may: 'read', step });

/** A request's words, by name: of its path, and of its query. */
export interface Words {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
}

/**
 * Finds the runs that a request names, as its route's rule says.
 * @throws HttpError 403, 404: a run of somebody else is a run that does not exist
 */
export function obey(
  rule: Exclude<Rule, { may: 'anybody' }>,
  access: Access,
  steps: StepService,
  { params, query }: Words,
): Readonly<Record<string, RunRecord>> {
  if (rule.may === 'user') return {};
  if (rule.may === 'owner') {
    if (access.who.isOwner) return {};
    throw new HttpError(403, "Only this cluster's owner can do that.");
  }
  if ('step' in rule) {
    const run = access.get(steps.get(params[rule.step] ?? '')?.request.workflow ?? null);
    if (!run) throw new HttpError(404, 'This step does not exist.');
    return { [rule.step]: run };
  }
  const found = rule.runs.map(name => {
    const wanted = params[name] ?? query.get(name);
    if (!wanted) throw new HttpError(400, `No ${name} provided`);
    return [name, access.find(wanted, rule.may)] as const;
  });
  return Object.fromEntries(found);
}

/** Parts of a path that name something which belongs to somebody, and what kind of rule a route with them needs. */
const names: readonly (readonly [part: string, kind: 'runs' | 'step'])[] = [
  ...(['run', 'a', 'b'] as const).map(part => [part, 'runs'] as const),
  ['step', 'step'],
];

/** @returns why a route's rule can't be right, if so: it has none, or forgets a part of the path that belongs to somebody */
export function lackOf({
  path,
  rule,
}: {
  readonly path: string;
  readonly rule?: Rule | undefined;
}): string | undefined {
  if (rule === undefined) return `${path} does not say who may use it`;
  const parts = path.split('/').filter(part => part.startsWith(':'));
  for (const [part, kind] of names) {
    if (!parts.includes(`:${part}`)) continue;
    if (kind === 'step' ? 'step' in rule && rule.step === part : 'runs' in rule && rule.runs.includes(part)) continue;
    return `${path} does not say who may use its ${part}`;
  }
  return undefined;
}

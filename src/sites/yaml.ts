import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';
import type { z } from 'zod';
import { messageOf, ProfileError, type ProfileIssue } from '../errors.js';
import { type Finding, findings } from './wording.js';

/** A semantic rule: what is wrong with data whose shape may still be wrong too. */
export type Rule = (root: unknown) => Iterable<Finding>;

/**
 * Reads a YAML file against a schema.
 *
 * @param file only for messages
 * @param rules what the schema can't say; they see the raw data, so that their findings come together with the schema's
 * @throws ProfileError with all mistakes at once, ordered by line and column
 */
export function readYaml<S extends z.ZodType>(
  text: string,
  file: string,
  schema: S,
  rules: readonly Rule[] = [],
): z.output<S> {
  const lines = new LineCounter();
  const { document, root, errors } = load(text, lines);
  const at = (offset: number | undefined): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset ?? 0);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const issues: ProfileIssue[] = errors.map(e => ({ file, ...at(e.offset), message: e.message }));
  if (document) {
    const result = schema.safeParse(root);
    const found = result.success ? [] : result.error.issues.flatMap(i => findings(i, schema, root));
    for (const rule of rules) found.push(...rule(root));
    issues.push(...found.map(f => ({ file, ...at(offsetOf(document, f)), message: f.message })));
    if (result.success && issues.length === 0) return result.data;
  }
  issues.sort((a, b) => a.line - b.line || a.column - b.column);
  throw new ProfileError(file, issues);
}

interface Loaded {
  /** Absent when the text is no YAML, and looking further would only invent mistakes. */
  document?: Document;
  root?: unknown;
  errors: { offset: number; message: string }[];
}

function load(text: string, lineCounter: LineCounter): Loaded {
  if (text.length > MOST_CHARACTERS)
    return { errors: [{ offset: 0, message: 'the file is too large to be a profile' }] };
  const deep = tooDeep(text);
  if (deep !== undefined) return { errors: [{ offset: deep, message: 'this is nested too deeply' }] };
  try {
    const document = parseDocument(text, { lineCounter, prettyErrors: false, logLevel: 'error' });
    const errors = [...document.errors, ...document.warnings].map(e => ({
      offset: e.pos[0],
      message: reworded(e, text),
    }));
    if (document.errors.some(e => e.code !== 'DUPLICATE_KEY')) return { errors };
    const lost = strayAliases(document);
    if (lost.length > 0) return { errors: [...errors, ...lost] };
    if (document.contents === null) return { errors: [...errors, { offset: 0, message: 'the file is empty' }] };
    return { document, root: document.toJS(), errors };
  } catch (error) {
    // such as aliases that multiply, which toJS refuses
    return { errors: [{ offset: 0, message: `can't be read as YAML: ${messageOf(error)}` }] };
  }
}

const MOST_CHARACTERS = 262_144;
const DEEPEST = 100;

/**
 * Where the text opens its hundredth bracket, or indicator on one line. The parser recurses, and a stack that overflows
 * inside V8's regular expressions ends the process, which no `catch` sees. Brackets in comments count too: nobody has that many.
 */
function tooDeep(text: string): number | undefined {
  let [open, onLine] = [0, 0];
  for (const { 0: sign, index } of text.matchAll(/[[{\]}\n]|[-?:](?=\s)/g)) {
    if (sign === '\n') onLine = 0;
    else if (sign === '[' || sign === '{') open++;
    else if (sign === ']' || sign === '}') open = Math.max(0, open - 1);
    else onLine++;
    if (open >= DEEPEST || onLine >= DEEPEST) return index;
  }
  return undefined;
}

/** Aliases of anchors that don't stand before them, one pass for all. */
function strayAliases(document: Document): { offset: number; message: string }[] {
  const anchors = new Set<string>();
  const found: { offset: number; message: string }[] = [];
  visit(document, {
    Node: (_, node) => {
      if (isAlias(node)) {
        if (anchors.has(node.source)) return;
        found.push({ offset: startOf(node) ?? 0, message: `the alias *${node.source} refers to nothing before it` });
      } else if (node.anchor) {
        anchors.add(node.anchor);
      }
    },
  });
  return found;
}

function reworded(error: YAMLError, text: string): string {
  switch (error.code) {
    case 'DUPLICATE_KEY': {
      const key = /^[^\s:]+/.exec(text.slice(error.pos[0]))?.[0] ?? '';
      return `the key "${key}" stands here a second time`;
    }
    case 'TAB_AS_INDENT':
      return 'lines must be indented with spaces, not with a tab';
    case 'MULTIPLE_DOCS':
      return 'the file must hold one document only; remove the line ---';
    default:
      return `not valid YAML: ${error.message}`;
  }
}

/** Where the key or value of a finding begins; the nearest thing around it when it isn't there. */
function offsetOf(document: Document, { path, at }: Finding): number | undefined {
  let node: unknown = document.contents;
  let offset = startOf(node);
  for (const [depth, part] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    const pair = isMap(node) ? node.items.find(item => keyText(item.key) === String(part)) : undefined;
    const next = isSeq(node) ? node.items[Number(part)] : pair?.value;
    const last = depth === path.length - 1;
    offset = (last && at === 'value' ? startOf(next) : undefined) ?? startOf(pair?.key ?? next) ?? offset;
    node = next;
  }
  return offset;
}

function keyText(key: unknown): string {
  if (isScalar(key)) return key.value === null ? '' : String(key.value);
  return isNode(key) ? String(key) : '';
}

function startOf(node: unknown): number | undefined {
  if (isPair(node)) return startOf(node.key);
  return isNode(node) ? node.range?.[0] : undefined;
}

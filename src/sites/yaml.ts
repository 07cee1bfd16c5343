import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  Parser,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';
import type { z } from 'zod';
import { messageOf, ProfileError, type ProfileIssue } from '../errors.js';
import { type Finding, findings } from './wording.js';

/** A semantic rule: it finds mistakes in data whose shape may be wrong, too. */
export type Rule = (root: unknown) => Iterable<Finding>;

/**
 * Reads a YAML file against a schema.
 *
 * @param file only for messages
 * @param rules rules that the schema can't express; they read the raw data, so that their findings and the schema's are reported together
 * @param most the largest number of characters in a file of this kind
 * @throws ProfileError with all mistakes at once, ordered by line and column
 */
export function readYaml<S extends z.ZodType>(
  text: string,
  file: string,
  schema: S,
  rules: readonly Rule[] = [],
  most = MOST_CHARACTERS,
): z.output<S> {
  const lines = new LineCounter();
  const { document, root, errors } = load(text, lines, most);
  const at = (offset: number | undefined): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset ?? 0);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const issues: ProfileIssue[] = errors.map(e => ({ file, ...at(e.offset), message: e.message }));
  if (document) {
    const result = schema.safeParse(root);
    const found = result.success
      ? []
      : result.error.issues.slice(0, MOST_ERRORS).flatMap(i => findings(i, schema, root, MOST_ERRORS));
    for (const rule of rules) found.push(...rule(root));
    issues.push(...found.slice(0, MOST_ERRORS).map(f => ({ file, ...at(offsetOf(document, f)), message: f.message })));
    if (result.success && issues.length === 0) return result.data;
  }
  issues.sort((a, b) => a.line - b.line || a.column - b.column);
  throw new ProfileError(file, issues);
}

interface Loaded {
  /** Absent if the text is not YAML; further checks would only report false mistakes. */
  document?: Document;
  root?: unknown;
  errors: { offset: number; message: string }[];
}

function load(text: string, lineCounter: LineCounter, most: number): Loaded {
  if (text.length > most)
    return { errors: [{ offset: 0, message: `the file is too large: no more than ${most} characters are read` }] };
  try {
    const much = tooMuch(text);
    if (much) return { errors: [much] };
    const document = parseDocument(text, { lineCounter, prettyErrors: false, logLevel: 'error', uniqueKeys: false });
    const errors = [...document.errors, ...document.warnings]
      .slice(0, MOST_ERRORS)
      .map(e => ({ offset: e.pos[0], message: reworded(e) }));
    if (document.errors.length > 0) return { errors };
    errors.push(...duplicates(document).slice(0, MOST_ERRORS));
    const lost = strayAliases(document);
    if (lost.length > 0) return { errors: [...errors, ...lost] };
    if (document.contents === null) return { errors: [...errors, { offset: 0, message: 'the file is empty' }] };
    return { document, root: document.toJS(), errors };
  } catch (error) {
    // for example multiplying aliases, which toJS refuses
    return { errors: [{ offset: 0, message: `can't be read as YAML: ${messageOf(error)}` }] };
  }
}

const MOST_CHARACTERS = 262_144;
/** Limit for words, signs and spaces, because composing a document of very many takes long. */
const MOST_LEXEMES = 200_000;
const DEEPEST = 100;
/** Nobody reads more. */
const MOST_ERRORS = 100;

/**
 * Where the text exceeds a limit, found by lexer and parser only, because they do not recurse. Composing the document
 * recurses, and a stack overflow inside V8's regular expressions ends the process; no `catch` can handle it.
 */
function tooMuch(text: string): { offset: number; message: string } | undefined {
  const parser = new Parser();
  let lexemes = 0;
  for (const lexeme of new Lexer().lex(text)) {
    for (const _ of parser.next(lexeme)) {
      // complete documents are not needed here
    }
    const offset = Math.min(parser.offset, text.length);
    if (parser.stack.length > DEEPEST) return { offset, message: 'this is nested too deeply' };
    if (++lexemes > MOST_LEXEMES) return { offset, message: 'the file has too many elements' };
  }
  return undefined;
}

/** Keys that occur twice in a group, found in one pass; the library would compare each key with each other key. */
function duplicates(document: Document): { offset: number; message: string }[] {
  const found: { offset: number; message: string }[] = [];
  visit(document, {
    Map: (_, map) => {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        const name = isScalar(key) ? key.value : key;
        if (seen.has(name) && name !== '<<')
          found.push({ offset: startOf(key) ?? 0, message: `the key "${keyText(key)}" occurs here a second time` });
        seen.add(name);
      }
    },
  });
  return found;
}

/** Aliases without an anchor before them, or inside their own anchor; found in one pass. */
function strayAliases(document: Document): { offset: number; message: string }[] {
  const anchors = new Set<string>();
  const found: { offset: number; message: string }[] = [];
  visit(document, {
    Node: (_, node, path) => {
      if (!isAlias(node)) {
        if (node.anchor) anchors.add(node.anchor);
        return;
      }
      const { source } = node;
      const isRing = path.some(above => isNode(above) && !isAlias(above) && above.anchor === source);
      if (anchors.has(source) && !isRing) return;
      const why = isRing ? 'is inside its own anchor' : 'has no anchor before it';
      found.push({ offset: startOf(node) ?? 0, message: `the alias *${source} ${why}` });
    },
  });
  return found;
}

function reworded(error: YAMLError): string {
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return 'lines must be indented with spaces, not with a tab';
    case 'MULTIPLE_DOCS':
      return 'the file must contain only one document; remove the line ---';
    default:
      return `not valid YAML: ${error.message}`;
  }
}

/** The offset of a finding's key or value; if it does not exist, of the nearest thing around it. */
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

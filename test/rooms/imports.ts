import { parseSync, Visitor } from 'rolldown/utils';

/** One place in a file where another module is named. */
export interface Import {
  /** As it is written; undefined where it is computed, so that nobody can tell what is loaded. */
  readonly specifier: string | undefined;
  /** Counts from 1. */
  readonly line: number;
}

type Expression = { readonly type: string; readonly value?: unknown; readonly start: number };

/**
 * All modules that a TypeScript file names: `import`, `import type`, `export … from`, `import()`, `typeof import()` and
 * `import('…').Type` in types, `import x = require()` and `require()`.
 * @throws SyntaxError for what is no TypeScript
 */
export function importsOf(file: string, text: string): readonly Import[] {
  const found = read.get(text) ?? parse(file, text);
  read.set(text, found);
  return found;
}

/** What was found in each text: tests that change one file read only that one again. */
const read = new Map<string, readonly Import[]>();

function parse(file: string, text: string): Import[] {
  const { program, errors } = parseSync(file, text, { lang: 'ts', sourceType: 'module' });
  if (errors.length > 0) throw new SyntaxError(`${file}: ${errors.map(e => e.message).join('; ')}`);
  const found: Import[] = [];
  const add = (source: Expression | null | undefined): void => {
    if (!source) return;
    const specifier = source.type === 'Literal' && typeof source.value === 'string' ? source.value : undefined;
    found.push({ specifier, line: text.slice(0, source.start).split('\n').length });
  };
  new Visitor({
    ImportDeclaration: node => add(node.source),
    ExportNamedDeclaration: node => add(node.source),
    ExportAllDeclaration: node => add(node.source),
    ImportExpression: node => add(node.source),
    TSImportType: node => add(node.source),
    TSExternalModuleReference: node => add(node.expression),
    CallExpression: node => {
      if (node.callee.type === 'Identifier' && node.callee.name === 'require') add(node.arguments[0]);
    },
  }).visit(program);
  return found;
}

/** One element of a document; its text is everything between its child elements. */
export interface Element {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: Element[];
  text: string;
}

/** Limit for elements inside each other. */
const DEEPEST = 200;

/**
 * The root element of a document, whatever is around it. Grid Engine's documents have only elements, attributes and text,
 * and are not always well-formed: an end tag without a start is ignored, a missing one is added.
 * @param take gets each element below the root when it ends; an element for which it returns true is left out of the
 * result, because a document may be too large for memory
 * @returns undefined if the root does not end (the document was cut short), or if it is deeper than Grid Engine's
 * documents
 */
export function parseXml(text: string, take: (element: Element) => boolean = () => false): Element | undefined {
  const open: Element[] = [];
  let end = 0;
  for (const tag of text.matchAll(
    /<(\/?)([A-Za-z_][\w.:-]*)((?:\s+[\w.:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/g,
  )) {
    const [all, slash, name = '', rest = '', empty] = tag;
    const inner = open.at(-1);
    if (inner && tag.index > end) inner.text += decode(text.slice(end, tag.index));
    end = tag.index + all.length;
    if (slash) {
      const at = open.findLastIndex(e => e.name === name);
      if (at < 0) continue;
      while (open.length > Math.max(at, 1)) leave(open, take);
      if (at === 0) return open[0];
      continue;
    }
    const element: Element = { name, attributes: attributesOf(rest), children: [], text: '' };
    if (open.length >= DEEPEST) return undefined;
    inner?.children.push(element);
    open.push(element);
    if (!empty) continue;
    if (!inner) return element;
    leave(open, take);
  }
  return undefined;
}

/** Closes the innermost open element. */
function leave(open: Element[], take: (element: Element) => boolean): void {
  const element = open.pop() as Element;
  if (take(element)) open.at(-1)?.children.pop();
}

/** All elements of this name below `element`, at any depth, in their order. */
export function* every(element: Element, name: string): Generator<Element> {
  for (const child of element.children) {
    if (child.name === name) yield child;
    else yield* every(child, name);
  }
}

/** The text of a direct child. */
export function field(element: Element, name: string): string | undefined {
  return element.children.find(c => c.name === name)?.text.trim();
}

const NONE: ReadonlyMap<string, string> = new Map();

function attributesOf(text: string): ReadonlyMap<string, string> {
  if (text === '') return NONE;
  const found = text.matchAll(/([\w.:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g);
  return new Map([...found].map(([, key, a, b]) => [key as string, decode(a ?? b ?? '')]));
}

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const decode = (text: string): string =>
  !text.includes('&') ? text : text.replace(/&(lt|gt|amp|quot|apos);/g, (_, name) => ENTITIES[name] as string);

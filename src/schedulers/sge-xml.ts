/** One element of a document; its text is all that stands between its own children. */
export interface Element {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: Element[];
  text: string;
}

/**
 * The root element of a document, whatever stands around it. Grid Engine's documents are elements, attributes and text,
 * and not always well-formed: an end tag that nothing opened is passed over, one that is missing is made good.
 * @returns undefined when the root never ends: the document was cut
 */
export function parseXml(text: string): Element | undefined {
  const open: Element[] = [];
  let end = 0;
  for (const tag of text.matchAll(/<(\/?)([A-Za-z_][\w.:-]*)((?:\s+[\w.:-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>/g)) {
    const [all, slash, name = '', rest = '', empty] = tag;
    const inner = open.at(-1);
    if (inner) inner.text += decode(text.slice(end, tag.index));
    end = tag.index + all.length;
    if (slash) {
      const at = open.findLastIndex(e => e.name === name);
      if (at === 0) return open[0];
      if (at > 0) open.length = at;
      continue;
    }
    const element: Element = { name, attributes: attributesOf(rest), children: [], text: '' };
    inner?.children.push(element);
    if (!empty) open.push(element);
    else if (!inner) return element;
  }
  return undefined;
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

function attributesOf(text: string): Map<string, string> {
  const found = text.matchAll(/([\w.:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g);
  return new Map([...found].map(([, key, a, b]) => [key as string, decode(a ?? b ?? '')]));
}

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const decode = (text: string): string =>
  text.replace(/&(lt|gt|amp|quot|apos);/g, (_, name) => ENTITIES[name] as string);

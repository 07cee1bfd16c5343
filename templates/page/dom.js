/** @typedef {Node | string | undefined | false} Child */

/**
 * An element. Texts become text nodes, never markup; `on…` are listeners, all else attributes.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Record<string, any>} attributes @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes = {}, ...children) {
  return dress(document.createElement(tag), attributes, children);
}

/**
 * The same for drawings.
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag @param {Record<string, any>} attributes @param {...Child} children
 * @returns {SVGElementTagNameMap[T]}
 */
export function s(tag, attributes = {}, ...children) {
  return dress(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}

/** @template {Element} E @param {E} element @param {Record<string, any>} attributes @param {Child[]} children @returns {E} */
function dress(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else setAttribute(element, name, value);
  }
  for (const child of children) if (child) element.append(typeof child === 'string' ? visible(child) : child);
  return element;
}

/**
 * Control characters except tabs and line breaks; characters that are invisible or reorder others; halves of surrogate
 * pairs.
 */
const hidden =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are searched for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}\p{Cs}]|(?!\p{Variation_Selector})\p{Default_Ignorable_Code_Point}/gu;

/**
 * Text from others, such as a file's name, with every character visible and in the order in which it is stored. All texts
 * of the page pass through here.
 * @param {string} text
 */
export const visible = text => text.replace(hidden, '\ufffd');

/** Attributes that are read by people. */
const shown = ['title', 'aria-label', 'alt'];

/** Changes the page only if the value differs. @param {Element} element @param {string} name @param {any} value */
export function setAttribute(element, name, value) {
  if (value === undefined || value === false) return element.removeAttribute(name);
  const text = value === true ? '' : shown.includes(name) ? visible(String(value)) : String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

/** @param {Node} node @param {string} text */
export function setText(node, text) {
  const seen = visible(text);
  if (node.textContent !== seen) node.textContent = seen;
}

/** @param {HTMLElement | SVGElement} element @param {string} property @param {string} value */
export function setStyle(element, property, value) {
  if (element.style.getPropertyValue(property) !== value) element.style.setProperty(property, value);
}

/**
 * Updates a parent's children from a list: children that stay are not removed, so nothing flickers and focus is kept.
 * @template T
 * @typedef {{ element: HTMLElement, update: (item: T) => void, close?: () => void }} Row
 */

/**
 * @template T
 * @param {HTMLElement} parent @param {(item: T) => string} keyOf @param {(item: T) => Row<T>} make
 * @returns {(items: readonly T[]) => void}
 */
export function rows(parent, keyOf, make) {
  /** @type {Map<string, Row<T>>} */
  let known = new Map();
  return items => {
    const next = new Map();
    let place = parent.firstElementChild;
    for (const item of items) {
      const key = keyOf(item);
      const row = known.get(key) ?? make(item);
      known.delete(key);
      next.set(key, row);
      row.update(item);
      if (row.element === place) place = place.nextElementSibling;
      else parent.insertBefore(row.element, place);
    }
    for (const { element, close } of known.values()) {
      close?.();
      element.remove();
    }
    known = next;
  };
}

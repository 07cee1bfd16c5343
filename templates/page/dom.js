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

/** Control characters but for tabs and line breaks; what is not seen or turns others around; halves of pairs. */
const hidden =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}\p{Cs}]|(?!\p{Variation_Selector})\p{Default_Ignorable_Code_Point}/gu;

/**
 * Text that others wrote, such as a file's name, as it is: no sign of it is unseen, or shows others in another order.
 * All texts of the page come through here.
 * @param {string} text
 */
export const visible = text => text.replace(hidden, '\ufffd');

/** Attributes that are read by people. */
const shown = ['title', 'aria-label', 'alt'];

/** Touches the page only where something changes. @param {Element} element @param {string} name @param {any} value */
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
 * Keeps a parent's children in step with a list: what stays is not taken out, so nothing flickers and focus is kept.
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

import { chart } from './chart.js';
import { csvTable } from './csv.js';
import { h, visible } from './dom.js';
import { getText, ticketed } from './edge.js';
import { bytes } from './format.js';
import { drawables } from './root.js';

/** @typedef {{ path: string, name: string, size: number, label: string }} Shown the path of its address, its name, its bytes, and its name for screen readers */
/** @typedef {(file: Shown) => Promise<Node>} Way */

/** Bytes that are read of a file: of a text its beginning; a larger JSON is not read. */
const most = { text: 2 ** 18, json: 2 ** 23 };

/**
 * A picture, also one of SVG: in an image no script runs and nothing else is loaded, whatever the file contains.
 * @type {Way}
 */
async function picture({ path, label }) {
  const image = h('img', { alt: label });
  image.src = await ticketed(path, '&preview=true');
  await image.decode().catch(() => {
    throw new Error('the browser can’t read it as a picture');
  });
  return image;
}

/** By the browser's own viewer, which keeps a document apart from the page. @type {Way} */
async function viewer({ path, label }) {
  if (!navigator.pdfViewerEnabled) throw new Error('this browser shows no PDF in a page; download the file');
  return h('iframe', { src: await ticketed(path, '&preview=true'), title: label, class: 'document' });
}

/** @type {Way} */
async function table({ path, name, label }) {
  const { text, isCut } = await getText(path, most.text);
  return csvTable(text, { name, label }, isCut);
}

/** Histograms and graphs that ROOT wrote as JSON; any other JSON as text. @type {Way} */
async function json(file) {
  if (file.size > most.json) throw new Error(`it is larger than ${bytes(most.json)}; download it`);
  const { text } = await getText(file.path, most.json);
  /** @type {unknown} */
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('the file is not JSON');
  }
  const found = drawables(value);
  if (found.length === 0) return words(file, text.slice(0, most.text), text.length > most.text);
  return h('div', { class: 'charts' }, ...found.map(chart));
}

/** @type {Way} */
async function plain(file) {
  const { text, isCut } = await getText(file.path, most.text);
  return words(file, text, isCut);
}

/** @param {Shown} file @param {string} text @param {boolean} isCut */
function words({ label }, text, isCut) {
  const said = isCut ? `The beginning, ${bytes(most.text)}; download the file to see all of it.` : '';
  const box = h('pre', { class: 'log', tabindex: '0', role: 'region', 'aria-label': `Text of ${label}` }, text);
  return h('div', {}, box, said && h('p', { class: 'quiet' }, said));
}

/** @type {readonly (readonly [names: RegExp, way: Way])[]} */
const ways = [
  [/\.(png|jpe?g|gif|webp|svg)$/i, picture],
  [/\.pdf$/i, viewer],
  [/\.(csv|tsv)$/i, table],
  [/\.json$/i, json],
  [/\.(txt|log|md|ya?ml)$/i, plain],
];

/** @param {string} name */
const wayOf = name => ways.find(([names]) => names.test(name))?.[1];
/** Whether a file can be shown in the page. @param {string} name */
export const isShowable = name => wayOf(name) !== undefined;

/** The file in a box, or why it can't be shown. @param {Shown} file */
export function shown(file) {
  const box = h('div', { class: 'shown', role: 'group', 'aria-label': file.label, 'aria-busy': 'true' });
  box.append(h('p', { class: 'quiet', role: 'status' }, 'Loading…'));
  const way = /** @type {Way} */ (wayOf(file.name));
  way(file)
    .catch(error =>
      h('p', { class: 'note bad', role: 'alert' }, `${visible(file.name)} is not shown: ${error.message}`),
    )
    .then(node => {
      box.replaceChildren(node);
      box.removeAttribute('aria-busy');
    });
  return box;
}

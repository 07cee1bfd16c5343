/** @import { RunView } from '../../src/reana/edge/overview.js' */
import { h, rows, setAttribute, setText } from './dom.js';
import { get, ticketed } from './edge.js';
import { bytes, count, timeOf, wholeTime } from './format.js';
import { isShowable, shown } from './shown.js';

/** @typedef {{ name: string, size: { raw: number }, 'last-modified': string }} File */

const most = 200;
/** What the edge sends in a form that browsers show by themselves. */
const isForTab = /\.(png|jpe?g|gif|webp|svg|pdf|html|txt|log)$/i;

/** The outputs of a run, or all of its files, for download. */
export function outputsView() {
  const note = h('p', { class: 'note', hidden: true });
  const list = h('ul', { class: 'files' });
  const said = h('p', { class: 'quiet' });
  const all = h('input', { type: 'checkbox' });
  const element = h(
    'section',
    { class: 'card outputs', 'aria-labelledby': 'outputs-title' },
    h(
      'div',
      { class: 'head' },
      h('h2', { id: 'outputs-title' }, 'Outputs'),
      h('label', {}, all, 'All files of the workspace'),
    ),
    ...[said, note, list],
  );
  /** @type {RunView | undefined} */
  let run;
  let seen = '';
  let turn = 0;

  /** @param {unknown} error */
  const fail = error => {
    setAttribute(note, 'hidden', error === undefined);
    setText(note, error === undefined ? '' : `This failed: ${/** @type {Error} */ (error).message}`);
  };
  const show = rows(
    list,
    (/** @type {File} */ file) => file.name,
    file => fileRow(file, () => /** @type {RunView} */ (run), fail),
  );

  const load = async () => {
    if (!run) return;
    const mine = ++turn;
    const { id, outputs } = run;
    const named = [...outputs.files, ...outputs.directories];
    const wanted = all.checked || named.length === 0 ? [''] : named;
    try {
      const answers = await Promise.all(
        wanted.map(path =>
          get(
            `/api/workflows/${id}/workspace?size=${most}&page=1${path ? `&file_name=${encodeURIComponent(path)}` : ''}`,
          ),
        ),
      );
      if (mine !== turn) return;
      /** @type {File[]} */
      const files = answers.flatMap(answer => answer.items);
      const total = answers.reduce((sum, answer) => sum + answer.total, 0);
      show([...new Map(files.map(file => [file.name, file])).values()]);
      fail(undefined);
      setText(said, sayOf(run, files.length, total, wanted[0] === ''));
    } catch (error) {
      if (mine === turn) fail(error);
    }
  };
  all.addEventListener('change', load);
  /** @param {RunView} now */
  const update = now => {
    run = now;
    // files arrive when steps end
    const what = `${now.id} ${now.status} ${now.progress.finished} ${now.progress.failed}`;
    if (what === seen) return;
    seen = what;
    void load();
  };
  return { element, update };
}

/** @param {RunView} run @param {number} shown @param {number} total @param {boolean} isAll */
function sayOf(run, shown, total, isAll) {
  if (total === 0)
    return isAll
      ? 'The workspace has no files.'
      : run.ended
        ? 'None of its outputs exists.'
        : 'No outputs yet: they appear when the steps that make them end.';
  const cut = shown < total ? `; the first ${shown} are shown, reana-client ls lists all` : '';
  return `${count(total, 'file')}${cut}`;
}

/** The address of a file. @param {string} run its id @param {string} name */
export const pathOf = (run, name) =>
  `/api/workflows/${run}/workspace/${name.split('/').map(encodeURIComponent).join('/')}`;

/** @param {File} first @param {() => RunView} runOf @param {(error: unknown) => void} fail */
function fileRow(first, runOf, fail) {
  const [size, when] = [h('span', { class: 'size' }), h('span', { class: 'when' })];
  const { name } = first;
  const path = () => pathOf(runOf().id, name);
  const download = h('button', { type: 'button', class: 'small', 'aria-label': `Download ${name}` }, 'Download');
  download.addEventListener('click', () => ticketed(path()).then(href => h('a', { href, download: '' }).click(), fail));
  const tab = h('button', { type: 'button', class: 'small', 'aria-label': `View ${name} in a new tab` }, 'New tab');
  tab.addEventListener('click', () => openTab(path(), fail));
  const show = h(
    'button',
    { type: 'button', class: 'small', 'aria-label': `Show ${name}`, 'aria-expanded': 'false' },
    'Show',
  );
  const buttons = h('span', { class: 'buttons' }, isShowable(name) && show, isForTab.test(name) && tab, download);
  const element = h('li', {}, h('span', { class: 'name' }, name), size, when, buttons);
  let file = first;
  /** @type {HTMLElement | undefined} */
  let box;
  let time = '';
  const open = () => {
    time = file['last-modified'];
    const next = shown({ path: path(), name, label: name, size: file.size.raw });
    if (box) box.replaceWith(next);
    else element.append(next);
    box = next;
  };
  show.addEventListener('click', () => {
    if (box) {
      box.remove();
      box = undefined;
    } else open();
    setAttribute(show, 'aria-expanded', String(box !== undefined));
  });
  /** @param {File} now */
  const update = now => {
    file = now;
    const changed = Date.parse(`${file['last-modified']}Z`);
    setText(size, bytes(file.size.raw));
    setText(when, timeOf(changed, Date.now()));
    setAttribute(when, 'title', wholeTime(changed));
    // a step may have written it again
    if (box && time !== file['last-modified']) open();
  };
  return { element, update };
}

/** @param {string} path @param {(error: unknown) => void} fail */
function openTab(path, fail) {
  // the tab is opened at once, otherwise the browser would block it as an advertisement
  const tab = window.open('about:blank');
  if (tab) tab.opener = null;
  ticketed(path, '&preview=true').then(
    address => tab?.location.replace(new URL(address, document.baseURI)),
    error => {
      tab?.close();
      fail(error);
    },
  );
}

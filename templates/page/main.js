/** @import { Overview, PoolSample } from '../../src/reana/edge/overview.js' */
import { changes } from './changes.js';
import { compareView } from './compare.js';
import { h, setAttribute, setText, visible } from './dom.js';
import { keepListening, setToken, TokenError, token, tokenFromAddress } from './edge.js';
import { poolView } from './pool.js';
import { runView } from './run.js';
import { isActive, runsView } from './runs.js';
import { tokenForm } from './token.js';

const [main, cluster, link] = ['main', 'cluster', 'link'].map(
  id => /** @type {HTMLElement} */ (document.getElementById(id)),
);

/** The data from the edge, kept up to date. @type {Overview | undefined} */
let overview;
const news = changes();
/** The edge's clock minus this machine's, in milliseconds. */
let ahead = 0;
/** @type {{ element: HTMLElement, update: (overview: Overview, now: number) => string | undefined, focus: () => void, close?: () => void } | undefined} */
let view;
let listening = new AbortController();
let isFirst = true;

const now = () => Date.now() + ahead;

function home() {
  const [pool, runs] = [poolView(), runsView()];
  const element = h(
    'div',
    {},
    h('h1', { class: 'unseen', tabindex: '-1' }, 'Pool and runs'),
    pool.element,
    runs.element,
  );
  /** @param {Overview} told @param {number} time */
  const update = (told, time) => {
    pool.update(told, time);
    runs.update(told.runs, time);
    const active = told.runs.filter(isActive).length;
    return active > 0 ? `${active} active` : undefined;
  };
  return { element, update, focus: () => /** @type {HTMLElement} */ (element.firstElementChild).focus() };
}

/** Shows the view that the address names, and listens to its events. */
function go() {
  listening.abort();
  listening = new AbortController();
  const run = /^#\/runs\/([\w-]+)$/.exec(location.hash)?.[1];
  if (!token()) return ask('');
  view?.close?.();
  const [, a, b] = /^#\/compare\/([\w-]+)\/([\w-]+)$/.exec(location.hash) ?? [];
  view = run ? runView(run) : a && b ? compareView(a, b) : home();
  if (overview) overview = { ...news.applied(overview), steps: undefined };
  if (overview) show();
  else main?.replaceChildren(h('p', { class: 'empty', role: 'status' }, 'Asking the edge…'));
  const path = `/api/edge/events${run ? `?run=${run}` : ''}`;
  void keepListening(path, listening.signal, { tell, broken });
}

function show() {
  if (!overview || !view) return;
  overview = news.applied(overview);
  if (view.element.parentElement !== main) {
    main?.replaceChildren(view.element);
    if (!isFirst) view.focus();
    isFirst = false;
    window.scrollTo(0, 0);
  }
  setText(/** @type {Node} */ (cluster), overview.cluster);
  setAttribute(/** @type {Element} */ (cluster), 'title', `scailfin ${overview.version}`);
  const title = visible([view.update(overview, now()), overview.cluster, 'scailfin'].filter(Boolean).join(' · '));
  if (document.title !== title) document.title = title;
}

let isDue = false;
/** Draws once for all events that come together. */
function showSoon() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    show();
  });
}

/** @param {string} name @param {any} data */
function tell(name, data) {
  say('live', 'Live');
  if (name === 'overview') {
    news.clear();
    overview = /** @type {Overview} */ (data);
    ahead = overview.now - Date.now();
  } else if (name === 'run' || name === 'step') news[name](data);
  else if (overview) overview = changed(news.applied(overview), name, data);
  showSoon();
}

/** @param {Overview} old @param {string} name @param {any} data @returns {Overview} */
function changed(old, name, data) {
  if (name === 'deleted') return { ...old, runs: old.runs.filter(run => run.id !== data.id) };
  if (name === 'pool') {
    const sample = /** @type {PoolSample | undefined} */ (data.sample);
    // the same sample comes again if the pool did not answer
    if (!sample || sample.time === old.history.at(-1)?.time) return { ...old, pool: data.pool };
    const history = [...old.history.filter(each => each.time > sample.time - 86_400_000), sample];
    return { ...old, pool: data.pool, history };
  }
  return old;
}

/** @param {unknown} error */
function broken(error) {
  if (error instanceof TokenError) return ask('The edge refused this token. It may be the token of another cluster.');
  say('broken', 'Reconnecting…');
  if (!overview)
    main?.replaceChildren(
      h(
        'p',
        { class: 'empty', role: 'status' },
        'The edge does not answer. Check that the port is still forwarded: ',
        h('code', {}, 'scailfin connect'),
      ),
    );
}

/** @param {string} state @param {string} text */
function say(state, text) {
  setAttribute(/** @type {Element} */ (link), 'data-state', state);
  setText(/** @type {Node} */ (link), text);
}

/** @param {string} problem */
function ask(problem) {
  listening.abort();
  setToken(undefined);
  view?.close?.();
  [overview, view] = [undefined, undefined];
  say('', '');
  setText(/** @type {Node} */ (cluster), '');
  const form = tokenForm(problem, value => {
    setToken(value);
    go();
  });
  main?.replaceChildren(form.element);
  form.focus();
}

window.addEventListener('hashchange', () => {
  tokenFromAddress();
  go();
});
// the link would change the address, which says what is shown
document.querySelector('.skip')?.addEventListener('click', event => {
  event.preventDefault();
  main?.focus();
});
// durations of running things grow even without events
setInterval(() => {
  if (document.visibilityState === 'visible' && overview) show();
}, 1000);
tokenFromAddress();
go();

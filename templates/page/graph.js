/** @import { RunView, StepView, WorkflowGraph } from '../../src/reana/edge/overview.js' */
/** @import { Places, Point } from './layout.js' */
import { h, rows, s, setAttribute, setStyle, setText } from './dom.js';
import { get } from './edge.js';
import { count } from './format.js';
import { isReadable, layout, size } from './layout.js';
import { stateMark } from './marks.js';

/** A wider graph stands above the list of steps, not beside it. */
const mostBeside = 2 * size.width + size.between + 2 * size.margin;

/**
 * The workflow as a graph. Its nodes are the names in the workflow; a name may have many steps.
 * @param {string} run its id
 * @param {() => void} changed called when a node was chosen, and when the graph has arrived
 */
export function graphView(run, changed) {
  const edges = s('svg', { class: 'edges', 'aria-hidden': 'true' });
  const list = h('ol', { class: 'graph-nodes' });
  const paper = h('div', { class: 'paper' }, edges, list);
  const note = h('p', { class: 'quiet', hidden: true });
  const element = h('div', { class: 'graph', role: 'group', 'aria-label': 'Workflow', hidden: true }, note, paper);
  /** @type {WorkflowGraph | undefined} */
  let graph;
  let chosen = '';
  let asked = '';
  /** @type {readonly StepView[]} */
  let known = [];
  /** @type {Map<string, StepView[]>} */
  let members = new Map();
  /** @type {(step: StepView) => string | undefined} */
  let nodeOf = () => undefined;

  const show = rows(
    list,
    (/** @type {string} */ name) => name,
    name => {
      const choose = () => {
        chosen = chosen === name ? '' : name;
        draw();
        changed();
      };
      return graphNode(name, { choose, isChosen: () => chosen === name, steps: () => members.get(name) ?? [] });
    },
  );
  const draw = () => show(graph?.nodes ?? []);
  const gather = () => {
    members = new Map();
    for (const step of known) {
      const name = nodeOf(step);
      if (name === undefined) continue;
      const list = members.get(name);
      if (list) list.push(step);
      else members.set(name, [step]);
    }
  };

  /** @param {WorkflowGraph | undefined} now */
  const arrive = async now => {
    if (JSON.stringify(now) === JSON.stringify(graph)) return;
    const isDrawn = now !== undefined && now.nodes.length > 1 && isReadable(now);
    const places = isDrawn ? await layout(now) : undefined;
    graph = isDrawn ? ordered(now, places) : undefined;
    if (!graph?.nodes.includes(chosen)) chosen = '';
    nodeOf = finder(graph?.nodes ?? []);
    gather();
    draw();
    setAttribute(element, 'hidden', now === undefined || now.nodes.length < 2);
    setAttribute(note, 'hidden', isDrawn);
    setText(
      note,
      now ? `A graph of ${count(now.nodes.length, 'name')} of steps could not be read: it is left out.` : '',
    );
    setAttribute(paper, 'hidden', !isDrawn);
    if (places) put(places);
    changed();
  };

  /** @param {Places} places */
  const put = ({ width, height, nodes, lines }) => {
    for (const [property, value] of Object.entries({ width, height })) setStyle(paper, property, `${value}px`);
    setAttribute(element, 'data-wide', width > mostBeside);
    setAttribute(edges, 'viewBox', `0 0 ${width} ${height}`);
    edges.replaceChildren(
      s('defs', {}, arrow()),
      ...lines.map(d => s('path', { d, class: 'edge', 'marker-end': 'url(#arrow)' })),
    );
    for (const [i, name] of (graph?.nodes ?? []).entries()) {
      const item = /** @type {HTMLElement} */ (list.children[i]);
      const { x, y } = /** @type {Point} */ (nodes.get(name));
      setStyle(item, 'left', `${x}px`);
      setStyle(item, 'top', `${y}px`);
      const before = graph?.edges.filter(([, after]) => after === name).map(([each]) => each) ?? [];
      setText(
        /** @type {Node} */ (item.querySelector('.after')),
        before.length > 0 ? `, after ${before.join(', ')}` : ', first',
      );
    }
  };

  /** @param {RunView} now @param {readonly StepView[]} steps */
  const update = (now, steps) => {
    // a workflow engine learns of further steps while it runs
    const what = `${now.status} ${now.progress.total}`;
    if (what !== asked) {
      asked = what;
      get(`/api/edge/graph?run=${run}`).then(answer => arrive(answer.graph), again);
    }
    known = steps;
    gather();
    draw();
  };
  const again = () => {
    asked = '';
  };
  /** @param {StepView} step */
  const includes = step => chosen === '' || nodeOf(step) === chosen;
  const all = () => {
    chosen = '';
    draw();
    changed();
  };
  return { element, update, includes, all, chosen: () => chosen, isWide: () => element.hasAttribute('data-wide') };
}

/** @typedef {{ choose: () => void, isChosen: () => boolean, steps: () => readonly StepView[] }} NodeParts */

/** @param {string} name @param {NodeParts} parts */
function graphNode(name, { choose, isChosen, steps }) {
  const mark = stateMark({ quiet: true });
  const words = h('span', { class: 'words' });
  const button = h(
    'button',
    { type: 'button', class: 'graph-node', title: name },
    ...[mark.element, h('span', { class: 'text' }, name), words, h('span', { class: 'unseen after' })],
  );
  const element = h('li', {}, button);
  button.addEventListener('click', choose);
  const update = () => {
    const members = steps();
    mark.update(stateOf(members));
    setText(words, wordsOf(members));
    setAttribute(button, 'aria-pressed', String(isChosen()));
  };
  return { element, update };
}

const order = ['failed', 'running', 'stopped', 'queued'];

/** What is worst, or what happens, stands for all. @param {readonly StepView[]} steps */
export function stateOf(steps) {
  if (steps.length === 0) return 'created';
  return order.find(state => steps.some(step => step.state === state)) ?? 'finished';
}

/** @param {readonly StepView[]} steps */
function wordsOf(steps) {
  if (steps.length === 0) return 'not yet';
  const of = (/** @type {string} */ state) => steps.filter(step => step.state === state).length;
  if (of('failed') > 0 && steps.length > 1) return `${of('finished')} of ${steps.length}, ${of('failed')} failed`;
  return `${of('finished')} of ${count(steps.length, 'step')}`;
}

/**
 * A workflow engine numbers the steps that share a name: `count`, `count_2`, `count_3`.
 * @param {readonly string[]} names
 */
export function finder(names) {
  const known = new Set(names);
  return (/** @type {{ name: string }} */ { name }) => {
    const plain = name.replace(/_\d+$/, '');
    return known.has(name) ? name : known.has(plain) ? plain : undefined;
  };
}

/** From top to bottom, as the keyboard goes through it. @param {WorkflowGraph} graph @param {Places | undefined} places */
function ordered(graph, places) {
  const at = (/** @type {string} */ name) => places?.nodes.get(name) ?? { x: 0, y: 0 };
  return { ...graph, nodes: [...graph.nodes].sort((a, b) => at(a).y - at(b).y || at(a).x - at(b).x) };
}

const arrow = () =>
  s(
    'marker',
    { id: 'arrow', viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto' },
    s('path', { d: 'M0 0L8 4L0 8z' }),
  );

/** @import { WorkflowGraph } from '../../src/reana/edge/overview.js' */

/** Pixels. */
export const size = { width: 168, height: 48, between: 16, below: 30, margin: 6 };

/**
 * A larger or denser graph can't be read, and its layout would take so long that it blocks the page: lines that pass many
 * levels cost most. A workflow's author can write any graph.
 */
const most = { nodes: 100, edges: 300, levels: 400 };

/** @param {WorkflowGraph} graph */
export function isReadable({ nodes, edges }) {
  if (nodes.length > most.nodes || edges.length > most.edges) return false;
  const level = new Map(nodes.map(name => [name, 0]));
  const at = (/** @type {string} */ name) => level.get(name) ?? 0;
  // a level more than what comes before; in a circle this has no end, so it is done as often as it can be needed
  for (let turn = 0, isMoved = true; isMoved && turn < nodes.length; turn++) {
    isMoved = false;
    for (const [before, after] of edges) {
      if (at(after) > at(before)) continue;
      level.set(after, at(before) + 1);
      isMoved = true;
    }
  }
  return edges.reduce((sum, [before, after]) => sum + Math.abs(at(after) - at(before)), 0) <= most.levels;
}

/** @typedef {{ x: number, y: number }} Point */
/** @typedef {{ width: number, height: number, nodes: Map<string, Point>, lines: string[] }} Places */

/** @param {WorkflowGraph} graph @returns {Promise<Places>} */
export async function layout({ nodes, edges }) {
  const { default: dagre } = await import('./dagre.js');
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ nodesep: size.between, ranksep: size.below, marginx: size.margin, marginy: size.margin });
  graph.setDefaultEdgeLabel(() => ({}));
  // numbers instead of names: the library's objects have names of their own
  const key = new Map(nodes.map((name, i) => [name, `n${i}`]));
  const keyOf = (/** @type {string} */ name) => /** @type {string} */ (key.get(name));
  for (const name of nodes) graph.setNode(keyOf(name), { width: size.width, height: size.height });
  for (const [before, after] of edges) graph.setEdge(keyOf(before), keyOf(after));
  dagre.layout(graph);
  const { height = 0 } = graph.graph();
  const lines = graph.edges().map((/** @type {{ v: string, w: string }} */ edge) => graph.edge(edge).points);
  // the library's own width leaves out lines that pass beside all nodes
  const xs = lines.flat().map((/** @type {Point} */ point) => point.x);
  for (const name of nodes)
    xs.push(graph.node(keyOf(name)).x - size.width / 2, graph.node(keyOf(name)).x + size.width / 2);
  const [left, right] = [xs.reduce(smaller) - size.margin, xs.reduce(larger) + size.margin];
  const corner = (/** @type {string} */ name) => {
    const { x, y } = graph.node(keyOf(name));
    return { x: Math.round(x - size.width / 2 - left), y: Math.round(y - size.height / 2) };
  };
  return {
    ...{ width: Math.ceil(right - left), height: Math.ceil(height) },
    nodes: new Map(nodes.map(name => [name, corner(name)])),
    lines: lines.map((/** @type {Point[]} */ points) => curve(points.map(({ x, y }) => ({ x: x - left, y })))),
  };
}

const smaller = (/** @type {number} */ a, /** @type {number} */ b) => Math.min(a, b);
const larger = (/** @type {number} */ a, /** @type {number} */ b) => Math.max(a, b);

/** A smooth line: through the middles between points, bent towards each point. @param {Point[]} points */
function curve(points) {
  const text = (/** @type {Point} */ { x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`;
  const [first, ...rest] = points;
  const last = rest.pop();
  if (!first || !last) return '';
  const middle = rest.map((point, i) => {
    const next = rest[i + 1] ?? last;
    return `Q${text(point)} ${text(i + 1 < rest.length ? { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 } : last)}`;
  });
  return `M${text(first)}${middle.length > 0 ? middle.join('') : `L${text(last)}`}`;
}

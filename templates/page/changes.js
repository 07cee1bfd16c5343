/** @import { Overview, RunView, StepView } from '../../src/reana/edge/overview.js' */

/**
 * Collects what the edge tells between two drawings. All of it is put into the overview in one go: with thousands of steps,
 * a new list for each change would keep the browser busy.
 */
export function changes() {
  /** @type {Map<string, RunView>} */
  const runs = new Map();
  /** @type {Map<string, StepView>} */
  const steps = new Map();
  const clear = () => {
    runs.clear();
    steps.clear();
  };
  /** @param {Overview} old @returns {Overview} */
  const applied = old => {
    if (runs.size + steps.size === 0) return old;
    const now = { ...old, runs: put(old.runs, runs, 'first'), steps: old.steps && put(old.steps, steps, 'last') };
    clear();
    return now;
  };
  const run = (/** @type {RunView} */ one) => void runs.set(one.id, one);
  const step = (/** @type {StepView} */ one) => void steps.set(one.id, one);
  return { run, step, applied, clear };
}

/** @template {{ id: string }} T @param {readonly T[]} list @param {ReadonlyMap<string, T>} items @param {'first' | 'last'} place @returns {readonly T[]} */
function put(list, items, place) {
  if (items.size === 0) return list;
  const news = new Map(items);
  const kept = list.map(each => {
    news.delete(each.id);
    return items.get(each.id) ?? each;
  });
  return place === 'first' ? [...[...news.values()].reverse(), ...kept] : [...kept, ...news.values()];
}

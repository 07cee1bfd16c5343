import { h, s, setAttribute, setText } from './dom.js';

/** Each state has its own shape and word, in addition to its colour. @type {Record<string, string>} */
const shapes = {
  waiting: 'M8 2.8a5.2 5.2 0 1 1 0 10.4A5.2 5.2 0 0 1 8 2.8ZM8 5v3.2l2.2 1.4',
  running: 'M5 3l8 5-8 5z',
  finished: 'M3 8.5l3.4 3.5L13 4.5',
  failed: 'M4 4l8 8M12 4l-8 8',
  stopped: 'M4 4h8v8H4z',
};

/** Runs and steps use different words for some states. @type {Record<string, [look: string, word: string]>} */
const looks = {
  created: ['waiting', 'Not started'],
  queued: ['waiting', 'Waiting'],
  pending: ['waiting', 'Waiting'],
  running: ['running', 'Running'],
  finished: ['finished', 'Finished'],
  failed: ['failed', 'Failed'],
  stopped: ['stopped', 'Stopped'],
};

/** How a state looks: the last part of its colour's name. @param {string} state */
export const lookOf = state => looks[state]?.[0] ?? 'waiting';
/** @param {string} state */
export const wordOf = state => looks[state]?.[1] ?? state;

/** @param {string} look */
export const icon = look =>
  s('svg', { class: 'icon', viewBox: '0 0 16 16', 'aria-hidden': 'true' }, s('path', { d: shapes[look] ?? '' }));

/**
 * A state as a mark, with its word beside it or for screen readers only.
 * @param {{ quiet?: boolean }} options
 */
export function stateMark({ quiet = false } = {}) {
  const path = s('path');
  const word = h('span', { class: quiet ? 'unseen' : '' });
  const drawing = s('svg', { class: 'icon', viewBox: '0 0 16 16', 'aria-hidden': 'true' }, path);
  const element = h('span', { class: 'state' }, drawing, word);
  /** @param {string} state */
  const update = state => {
    setAttribute(element, 'data-look', lookOf(state));
    setAttribute(path, 'd', shapes[lookOf(state)]);
    setText(word, wordOf(state));
    if (quiet) setAttribute(element, 'title', wordOf(state));
  };
  return { element, update };
}

/** A command to type, with a button that copies it. @param {string} text */
export function command(text) {
  const button = h('button', { type: 'button', class: 'small' }, 'Copy');
  button.addEventListener('click', async () => {
    await navigator.clipboard?.writeText(text).then(
      () => setText(button, 'Copied'),
      () => {},
    );
    setTimeout(() => setText(button, 'Copy'), 1500);
  });
  // clipboards work only on loopback and with https
  return h('span', { class: 'command' }, h('code', {}, text), navigator.clipboard ? button : false);
}

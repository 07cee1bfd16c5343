import { h, setAttribute, setText } from './dom.js';
import { command } from './marks.js';

/**
 * Asks for the token.
 * @param {string} problem the problem with the token before, or an empty text
 * @param {(token: string) => void} given
 */
export function tokenForm(problem, given) {
  const input = h('input', {
    ...{ id: 'token', type: 'password', autocomplete: 'current-password', spellcheck: 'false', required: true },
    ...{
      autocapitalize: 'off',
      'aria-describedby': 'token-problem token-help',
      'aria-invalid': problem ? 'true' : undefined,
    },
  });
  const said = h('p', { id: 'token-problem', class: 'note bad', role: 'alert', hidden: !problem }, problem);
  const form = h(
    'form',
    { class: 'card token' },
    h('h1', {}, 'Your cluster’s token'),
    h('label', { for: 'token' }, 'Token'),
    h('div', { class: 'field' }, input, h('button', { type: 'submit', class: 'primary' }, 'Open')),
    said,
    h(
      'div',
      { id: 'token-help', class: 'quiet' },
      h('p', {}, 'To see where the token is, run this on the machine where you ran scailfin up:'),
      h('p', {}, command('scailfin env')),
      h('p', {}, 'The token stays in this tab, and is forgotten when you close it.'),
    ),
  );
  form.addEventListener('submit', event => {
    event.preventDefault();
    const value = input.value.trim();
    if (value) return given(value);
    setAttribute(said, 'hidden', false);
    setText(said, 'Nothing was entered.');
  });
  return { element: form, focus: () => input.focus() };
}

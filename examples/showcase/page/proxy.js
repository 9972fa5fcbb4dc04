import { typist } from './typewriter.js';
import { keepField } from './view.js';

export function init(section) {
  const form = section.querySelector('form');
  const bill = section.querySelector('.bill');
  const { prompt, fault } = form.elements;
  keepField(prompt, 'prompt');

  async function showBill() {
    try {
      const { requests, tokens } = await (await fetch('upstream/bill')).json();
      bill.textContent = `The provider charges for ${requests} ${requests === 1 ? 'request' : 'requests'}, ${tokens} tokens.`;
    } catch {
      bill.textContent = '';
    }
  }

  const type = typist(section, { onEnd: showBill });
  form.addEventListener('submit', (submit) => {
    submit.preventDefault();
    type('proxy', { prompt: prompt.value, fault: fault.value });
  });
  return { shown: showBill };
}

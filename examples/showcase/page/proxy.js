import { typist } from './typewriter.js';

export function init(section) {
  const form = section.querySelector('form');
  const type = typist(section);
  form.addEventListener('submit', (submit) => {
    submit.preventDefault();
    const { prompt, fault } = form.elements;
    type(`proxy?${new URLSearchParams({ prompt: prompt.value, fault: fault.value })}`);
  });
  return { hidden: type.stop };
}

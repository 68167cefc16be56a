/** An element with attributes and children; text is text, never markup. */
export function element(tag: string, attributes: Record<string, string>, ...children: (Node | string)[]): HTMLElement {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name === 'className' ? 'class' : name, value);
  }
  made.append(...children);
  return made;
}

/** A button that says a word; `label` is what a screen reader says. */
export function button(word: string, label: string, pressed: () => void): HTMLElement {
  const made = element('button', { type: 'button', 'aria-label': label, 'data-key': label, className: 'wb-Button' }, word);
  made.addEventListener('click', pressed);
  return made;
}

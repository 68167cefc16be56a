import { Dialog, showDialog } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';

import { element } from './elements';

/** A field of a form. */
export interface Field {
  name: string;
  label: string;
  hint?: string;
  value?: string;
  required?: boolean;
  lines?: boolean;
}

/** Ask for what a verb needs; the answers by name, or null where it was called off. */
export async function form(title: string, fields: Field[], accept: string): Promise<Record<string, string> | null> {
  const body = new Form(fields);
  const buttons = [Dialog.cancelButton(), Dialog.okButton({ label: accept })];
  const result = await showDialog({ title, body, buttons, focusNodeSelector: 'input, textarea' });
  return result.button.accept ? result.value : null;
}

/** The same as a message with a text to copy. */
export async function tell(title: string, text: string, link = ''): Promise<void> {
  const node = element('div', { className: 'wb-Form' }, element('pre', {}, text));
  if (link) {
    node.append(element('a', { href: link, target: '_blank', rel: 'noopener' }, link));
  }
  const buttons = [...(link ? [Dialog.createButton({ label: 'Copy link', accept: true })] : []), Dialog.cancelButton({ label: 'Close' })];
  const result = await showDialog({ title, body: new Widget({ node }), buttons });
  if (link && result.button.accept) {
    await navigator.clipboard.writeText(link);
  }
}

class Form extends Widget implements Dialog.IBodyWidget<Record<string, string>> {
  constructor(private fields: Field[]) {
    super({ node: element('div', { className: 'wb-Form' }, ...fields.map(Form.row)) });
  }

  getValue(): Record<string, string> {
    const value = (name: string) => (this.node.querySelector(`[name="${name}"]`) as HTMLInputElement).value.trim();
    return Object.fromEntries(this.fields.map(({ name }) => [name, value(name)]));
  }

  private static row(field: Field): HTMLElement {
    const attributes = { name: field.name, placeholder: field.hint ?? '', className: 'jp-mod-styled', ...(field.required ? { required: '' } : {}) };
    const control = element(field.lines ? 'textarea' : 'input', attributes) as HTMLInputElement;
    control.value = field.value ?? '';
    return element('label', {}, field.label, control);
  }
}

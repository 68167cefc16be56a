import { Widget } from '@lumino/widgets';

import { button, element } from './elements';
import { icon } from './icon';
import { Model, relocated, Thing } from './server';
import { Watching } from './watching';

/** What a button does, by its word. */
export type Doing = (what: string, thing: string) => void;

const OVER = ['stopped', 'failed', 'done'];

/** The side panel: what runs, what is due, and the models; a row opens to its card and its buttons. */
export class Panel extends Widget {
  constructor(
    private watching: Watching,
    private doing: Doing
  ) {
    super();
    this.id = 'workbench-panel';
    this.title.icon = icon;
    this.title.caption = 'Workbench: models, deployments, runs and schedules';
    this.addClass('wb-Panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'Workbench');
    watching.changed.connect(() => this.update());
  }

  protected onAfterShow(): void {
    void this.watching.now();
  }

  protected onUpdateRequest(): void {
    const { seen, wrong } = this.watching;
    const drawn = JSON.stringify([seen, wrong, [...this.opened]]);
    if (drawn === this.drawn) {
      return;
    }
    this.drawn = drawn;
    const focused = (document.activeElement as HTMLElement | null)?.dataset.key;
    this.node.replaceChildren(
      ...(wrong ? [element('p', { className: 'wb-Wrong', role: 'alert' }, wrong)] : []),
      ...(seen.note ? [element('p', { className: 'wb-Note' }, seen.note)] : []),
      this.section('Deployments', seen.deployments.map(thing => this.row(thing)), '%serve MODEL begins one'),
      this.section('Runs', seen.runs.map(thing => this.row(thing)), 'right-click a notebook → Run as batch…'),
      this.section('Schedules', seen.schedules.map(thing => this.row(thing)), 'right-click a notebook → Schedule…'),
      this.section('Models', seen.models.map(model => this.model(model)), 'right-click a cell → Capture as model…')
    );
    if (focused) {
      this.node.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    }
  }

  private section(title: string, rows: HTMLElement[], none: string): HTMLElement {
    const head = element('h2', {}, title, element('span', { className: 'wb-Count' }, rows.length ? String(rows.length) : ''));
    const list = rows.length
      ? element('ul', { 'aria-label': title }, ...rows)
      : element('p', { className: 'wb-None' }, none);
    return element('section', {}, head, list);
  }

  private row(thing: Thing): HTMLElement {
    const lines = thing.lines.map(([label, text]) =>
      element('div', { className: 'wb-Line' }, element('dt', {}, label), element('dd', {}, relocated(text)))
    );
    const body = element('div', { className: 'wb-Card' }, element('dl', {}, ...lines), this.buttons(thing));
    const dot = element('span', { className: `wb-Dot wb-mod-${thing.state}`, 'aria-hidden': 'true' });
    const state = element('span', { className: 'wb-State' }, thing.state);
    const why = ['failed', 'blocked'].includes(thing.state) && thing.reason.split('\n')[0];
    return this.opening(thing.name, [dot, element('b', {}, thing.name), state], why || relocated(thing.brief), body);
  }

  private buttons(thing: Thing): HTMLElement {
    const words = this.words(thing).filter(Boolean) as string[];
    return element('div', { className: 'wb-Buttons' }, ...words.map(word => this.button(word, thing.name)));
  }

  private words(thing: Thing): (string | false)[] {
    const over = OVER.includes(thing.state);
    if (thing.kind === 'schedule') {
      return [thing.state === 'paused' ? 'resume' : 'pause', 'remove'];
    }
    if (thing.kind === 'run') {
      return ['log', over && thing.state !== 'done' && 'resume', !over && 'stop', over && 'remove'];
    }
    const shown = thing.kind !== 'stream' && thing.state === 'ready';
    return [shown && 'open', 'log', over ? 'start' : 'restart', !over && 'stop', over && 'remove'];
  }

  private model(model: Model): HTMLElement {
    const live = model.live === model.ref ? 'live' : model.live ? `live ${model.live}` : 'not live yet';
    const words = ['serve', ...(model.live && model.live !== model.ref ? ['promote'] : [])];
    const buttons = element('div', { className: 'wb-Buttons' }, ...words.map(word => this.button(word, model.ref)));
    const note = model.note ? [element('p', { className: 'wb-None' }, model.note)] : [];
    const mark = element('span', { className: model.proven ? 'wb-Proven' : '', 'aria-hidden': 'true' }, model.proven ? '✓' : '·');
    return this.opening(model.name, [mark, element('b', {}, model.ref)], live, element('div', { className: 'wb-Card' }, ...note, buttons));
  }

  private button(word: string, name: string): HTMLElement {
    return button(word, `${word} ${name}`, () => this.doing(word, name));
  }

  private opening(key: string, head: HTMLElement[], brief: string, body: HTMLElement): HTMLElement {
    const details = element('details', {}) as HTMLDetailsElement;
    details.open = this.opened.has(key);
    details.addEventListener('toggle', () => (details.open ? this.opened.add(key) : this.opened.delete(key)));
    const summary = element('summary', { 'data-key': key }, ...head, element('span', { className: 'wb-Brief' }, brief));
    details.append(summary, body);
    return element('li', {}, details);
  }

  private opened = new Set<string>();
  private drawn = '';
}

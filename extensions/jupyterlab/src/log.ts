import { MainAreaWidget } from '@jupyterlab/apputils';
import { Poll } from '@lumino/polling';
import { Widget } from '@lumino/widgets';

import { element } from './elements';
import { icon } from './icon';
import { look } from './server';

const LINES = '500';

/** The log of something that runs, as it grows. */
export class Log extends Widget {
  constructor(private thing: string) {
    super({ node: element('pre', { className: 'wb-Log', tabindex: '0', role: 'log', 'aria-label': `Log of ${thing}` }) });
    this.poll = new Poll({
      name: `workbench:log:${thing}`,
      factory: () => this.look(),
      frequency: { interval: 1000, backoff: true, max: 30_000 },
      standby: () => !this.isVisible || document.hidden
    });
  }

  dispose(): void {
    this.poll.dispose();
    super.dispose();
  }

  private async look(): Promise<void> {
    const lines = await look<string[]>('logs', { name: this.thing, lines: LINES });
    const text = lines.join('\n') || 'nothing was written yet';
    if (text !== this.node.textContent) {
      const atEnd = this.node.scrollHeight - this.node.scrollTop - this.node.clientHeight < 8;
      this.node.textContent = text;
      this.node.scrollTop = atEnd ? this.node.scrollHeight : this.node.scrollTop;
    }
  }

  private poll: Poll;
}

/** A tab with the log of something. */
export function logTab(thing: string): MainAreaWidget<Log> {
  const tab = new MainAreaWidget({ content: new Log(thing) });
  tab.id = `workbench-log-${thing}`;
  tab.title.label = thing;
  tab.title.icon = icon;
  tab.title.closable = true;
  return tab;
}

import { Widget } from '@lumino/widgets';

import { button } from './elements';
import { running, Watching } from './watching';

/** The status bar's item: how much runs, and how much has failed; pressed, it shows the panel. */
export class Status extends Widget {
  constructor(
    private watching: Watching,
    private pressed: () => void
  ) {
    super();
    this.addClass('wb-Status');
    watching.changed.connect(() => this.update());
  }

  protected onUpdateRequest(): void {
    const things = running(this.watching.seen);
    const ready = things.filter(({ state }) => !['stopped', 'failed', 'done'].includes(state)).length;
    const failed = things.filter(({ state }) => state === 'failed').length;
    const words = [`Workbench: ${ready} running`, failed ? `${failed} failed` : ''].filter(Boolean).join(' · ');
    if (words !== this.node.textContent) {
      this.node.replaceChildren(button(words, `${words}, show the panel`, this.pressed));
      this.toggleClass('wb-mod-failed', failed > 0);
    }
  }
}

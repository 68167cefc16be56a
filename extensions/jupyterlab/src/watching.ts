import { Notification } from '@jupyterlab/apputils';
import { Poll } from '@lumino/polling';
import { ISignal, Signal } from '@lumino/signaling';

import { look, Seen, Thing } from './server';

const NOTHING: Seen = { deployments: [], runs: [], schedules: [], models: [], note: '' };
const FAR = 10;

/** Looks again and again at what runs: often while somebody sees it, seldom while nobody does. */
export class Watching {
  seen: Seen = NOTHING;
  wrong = '';
  notify = true;
  openLog: (name: string) => void = () => undefined;

  constructor(private isSeen: () => boolean) {
    this.poll = new Poll({
      name: 'workbench:look',
      factory: () => this.look(),
      frequency: { interval: 2000, backoff: true, max: 60_000 },
      standby: 'when-hidden'
    });
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Seconds between two looks. */
  set interval(seconds: number) {
    this.poll.frequency = { ...this.poll.frequency, interval: seconds * 1000 };
  }

  /** Look now: something was done. */
  now(): Promise<void> {
    this.skipped = FAR;
    return this.poll.refresh();
  }

  private async look(): Promise<void> {
    this.skipped += 1;
    if (!this.isSeen() && this.skipped < FAR) {
      return;
    }
    this.skipped = 0;
    try {
      const before = this.seen;
      this.seen = await look<Seen>('panel');
      this.wrong = '';
      this.tell(before);
    } catch (error) {
      this.wrong = String(error);
      throw error;
    } finally {
      this._changed.emit();
    }
  }

  private tell(before: Seen): void {
    const known = new Map(running(before).map(thing => [thing.name, thing.state]));
    const failed = running(this.seen).filter(thing => thing.state === 'failed' && known.size && known.get(thing.name) !== 'failed');
    for (const thing of this.notify ? failed : []) {
      const reason = thing.reason.split('\n')[0];
      Notification.error(`${thing.name} failed: ${reason}`, {
        autoClose: false,
        actions: [{ label: 'Log', callback: () => this.openLog(thing.name) }]
      });
    }
  }

  private poll: Poll;
  private skipped = FAR;
  private _changed = new Signal<this, void>(this);
}

/** Deployments and runs. */
export function running(seen: Seen): Thing[] {
  return [...seen.deployments, ...seen.runs];
}

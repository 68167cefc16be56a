import { Notification } from '@jupyterlab/apputils';
import { NotebookActions, NotebookPanel } from '@jupyterlab/notebook';

import { Field, form, tell } from './forms';
import { act, Answer, reachable, relocated } from './server';

const NAMED = /^%%model\b/;

/** Have a verb done; what it answers, or its refusal, is told. */
export async function doing(verb: string, options: Record<string, unknown>, said = ''): Promise<Answer | null> {
  const id = Notification.emit(`${verb} …`, 'in-progress', { autoClose: false });
  try {
    const answer = await act(verb, options);
    Notification.update({ id, message: said || relocated(answer.text.split('\n')[0]), type: 'success', autoClose: 4000 });
    return answer;
  } catch (error) {
    Notification.update({ id, message: String(error), type: 'error', autoClose: false });
    return null;
  }
}

/** Put `%%model NAME …` above the active cell, and run it: what is captured stands in the notebook. */
export async function capture(panel: NotebookPanel): Promise<void> {
  const cell = panel.content.activeCell;
  if (!cell || cell.model.type !== 'code') {
    return;
  }
  const source = cell.model.sharedModel.getSource();
  if (!NAMED.test(source)) {
    const asked = await form('Capture as model', CAPTURE, 'Capture');
    if (!asked) {
      return;
    }
    const words = ['%%model', asked.name || 'model', asked.example && `--example ${asked.example}`, asked.target && `--target ${asked.target}`];
    cell.model.sharedModel.setSource(`${words.filter(Boolean).join(' ')}\n${source}`);
  }
  await panel.sessionContext.ready;
  const kernel = panel.sessionContext.session?.kernel;
  await kernel?.requestExecute({ code: '%load_ext workbench', silent: true, store_history: false }).done;
  await NotebookActions.run(panel.content, panel.sessionContext);
}

/** Run a notebook once, or on a cycle, with parameters. */
export async function batch(path: string, cycle: boolean): Promise<void> {
  const fields = cycle ? [EVERY, ...RUN] : RUN;
  const asked = await form(`${cycle ? 'Schedule' : 'Run as batch'}: ${path}`, fields, cycle ? 'Schedule' : 'Run');
  if (asked) {
    const parameters = Object.fromEntries(pairs(asked.parameters));
    const given = { target: path, parameters, output: asked.output || null, every: asked.every || null };
    await doing('batch', given);
  }
}

/** Show a notebook as an app, and its link. */
export async function share(path: string): Promise<void> {
  const asked = await form(`Share as app: ${path}`, SHARE, 'Share');
  if (!asked) {
    return;
  }
  const answer = await doing('app', { notebook: path, guest: asked.guest || null, name: asked.name || null });
  if (answer) {
    const link = String(answer.value.link ?? '');
    await tell('Shared as app', relocated(answer.text), link && reachable(link));
  }
}

/** The page of a service, or an app, in a new tab of the browser. */
export async function open(name: string): Promise<void> {
  const tab = window.open('about:blank');
  const answer = await doing('open', { name }, `opened ${name}`);
  if (tab && answer) {
    tab.opener = null;
    tab.location.href = reachable(String(answer.value.link));
  } else {
    tab?.close();
  }
}

function pairs(text: string): [string, string][] {
  const lines = text.split('\n').filter(line => line.includes('='));
  return lines.map(line => [line.slice(0, line.indexOf('=')).trim(), line.slice(line.indexOf('=') + 1).trim()]);
}

const CAPTURE: Field[] = [
  { name: 'name', label: 'Name of the model', hint: 'churn', required: true },
  { name: 'example', label: 'Example: a frame of this notebook that proves it', hint: 'X_test' },
  { name: 'target', label: 'Target, if it is known', hint: 'y_test' }
];
const EVERY: Field = { name: 'every', label: 'Every', hint: 'monday 6:00, or a cron line', value: 'day 6:00', required: true };
const RUN: Field[] = [
  { name: 'parameters', label: 'Parameters, NAME=VALUE, one a line', hint: 'month=7', lines: true },
  { name: 'output', label: 'The executed notebook', hint: 'kept with the run' }
];
const SHARE: Field[] = [
  { name: 'guest', label: 'A link that lets guests in for', hint: '7d, 12h; empty: no link', value: '7d' },
  { name: 'name', label: 'Name', hint: 'the notebook’s' }
];
